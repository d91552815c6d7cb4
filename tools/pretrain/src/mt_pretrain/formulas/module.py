"""What is learned from drawn pictures: descriptors of each patch and of the whole, which formula it was, its shape.

B batch, S side in pixels, N tokens, D width.

Formula-driven supervision (Kataoka et al. 2020, arXiv:2101.08515; 2022, arXiv:2206.09132) classifies formulas; a small
budget ends before that begins to be learned. Descriptors are learned from the first step on. What has no weight
is not computed.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from mt_core.encoder.plain_vit import normalisation
from mt_core.encoder.vit import PlainVit
from mt_core.model import seeded
from mt_core.training.optimizer import adamw, parameter_groups
from mt_pretrain.formulas.descriptors import Descriptors, cells_below
from mt_pretrain.formulas.drawing import Drawing, draw
from mt_pretrain.formulas.recipe import PretrainRecipe
from mt_pretrain.vit import check_size, tokens_of, untrained_vit

_SHAPE_CELLS = 4
"""Along each side of a patch."""

_NO_DECAY = ("cls_token", "reg_token", "pos_embed")

MEASURED = ("loss", "patch_loss", "whole_loss", "category_loss", "shape_loss", "accuracy")
"""What is measured of a step, in this order."""


class FormulaModule(lightning.LightningModule):
    """A ViT under a recipe, and the moving average of its weights. Both are in a checkpoint, with the optimiser.

    The pictures of a step are a function of the recipe's seed and the step: nothing else is drawn while training.

    Attributes:
        measured: (len(MEASURED),) of the last step.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, recipe: PretrainRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.vit = untrained_vit(recipe.architecture, recipe.depth, recipe.seed)
        check_size(self.vit, recipe.size)
        with torch.no_grad():
            for block in self.vit.blocks:
                for last in (block.attn.proj, block.mlp.fc2):  # type: ignore[union-attr]
                    last.weight.mul_(recipe.branch_start)  # type: ignore[union-attr, operator]
        width, patch = self.vit.embed_dim, int(self.vit.patch_embed.patch_size[0])
        self.descriptors = Descriptors(recipe, patch) if recipe.patch_weight or recipe.whole_weight else None
        with seeded(recipe.seed):
            self.heads = nn.ModuleDict(
                {"category": nn.Linear(width, recipe.categories), "shape": nn.Linear(width, _SHAPE_CELLS**2)}
            )
            if self.descriptors is not None:
                self.heads["patch"] = nn.Linear(width, self.descriptors.num_patch)
                self.heads["whole"] = nn.Linear(width, self.descriptors.num_whole)
        self.average = AveragedModel(self.vit, multi_avg_fn=self._move).requires_grad_(False)
        mean, std = normalisation(recipe.architecture)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)
        self.measured = torch.zeros(len(MEASURED))

    @property
    def averaged_vit(self) -> PlainVit:
        """The weights that are scored and kept."""
        return self.average.module  # type: ignore[return-value]

    def _move(self, averaged: Any, current: Any, num_averaged: Any) -> None:
        # faster at first, or the average would remember the random weights for long
        done = float(num_averaged)
        torch._foreach_lerp_(averaged, current, 1 - min(self.recipe.ema, (1 + done) / (10 + done)))

    def normalised(self, pixels: Tensor) -> Tensor:
        return (pixels - self.mean) / self.std

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        recipe = self.recipe
        drawing = draw(
            recipe.seed,
            self.global_step,
            count=recipe.batch_size,
            size=recipe.size,
            categories=recipe.categories,
            device=self.device,
        )
        loss, self.measured = self.losses(drawing)
        return loss

    def losses(self, drawing: Drawing) -> tuple[Tensor, Tensor]:
        """The loss of some pictures, and what `MEASURED` names."""
        recipe, zero = self.recipe, drawing.pixels.new_zeros(())
        tokens_BND = tokens_of(self.vit, self.normalised(drawing.pixels))
        pooled_BD = tokens_BND.mean(1)
        patch = whole = category = shape = accuracy = zero
        if self.descriptors is not None:
            with torch.autocast(self.device.type, enabled=False):
                patches_BNT, wholes_BW = self.descriptors(drawing.pixels)
            patch = functional.smooth_l1_loss(self.heads["patch"](tokens_BND).float(), patches_BNT)
            whole = functional.smooth_l1_loss(self.heads["whole"](pooled_BD).float(), wholes_BW)
        if recipe.category_weight:
            logits = self.heads["category"](pooled_BD).float()
            category = functional.cross_entropy(logits, drawing.category, label_smoothing=recipe.smoothing)
            accuracy = (logits.argmax(1) == drawing.category).float().mean()
        if recipe.shape_weight:
            side = drawing.pixels.shape[-1] // int(self.vit.patch_embed.patch_size[0])
            below = cells_below(drawing.shape[:, None], side, _SHAPE_CELLS)
            shape = functional.smooth_l1_loss(self.heads["shape"](tokens_BND).float(), below, beta=0.2)
        loss = recipe.patch_weight * patch + recipe.whole_weight * whole
        loss = loss + recipe.category_weight * category + recipe.shape_weight * shape
        return loss, torch.stack([loss, patch, whole, category, shape, accuracy]).detach()

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        super().optimizer_step(*arguments, **named)
        self.average.update_parameters(self.vit)  # here, so that whatever is saved after a step has it

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        learned = chain(self.vit.named_parameters(), self.heads.named_parameters())
        groups = parameter_groups(learned, recipe.weight_decay, no_decay=_NO_DECAY)
        return adamw(groups, recipe.lr, num_steps=recipe.steps, warmup=recipe.warmup, betas=(0.9, 0.98))

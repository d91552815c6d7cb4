"""What is learned from drawn pictures: descriptors of each patch and of the whole.

Formula-driven supervision (Kataoka et al. 2020, arXiv:2101.08515; 2022, arXiv:2206.09132) classifies formulas; a small
budget ends before that begins to be learned. Descriptors are learned from the first step on.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import lightning
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from mt_core.encoder.plain_vit import normalisation
from mt_core.encoder.vit import PlainVit
from mt_core.model import seeded
from mt_core.training.optimizer import adamw, parameter_groups
from mt_core.training.ranks import ALONE, Ranks
from mt_pretrain.formulas.descriptors import Descriptors
from mt_pretrain.formulas.drawing import draw
from mt_pretrain.formulas.recipe import PretrainRecipe
from mt_pretrain.vit import check_size, tokens_of, untrained_vit

_NO_DECAY = ("cls_token", "reg_token", "pos_embed")

MEASURED = ("loss", "patch_loss", "whole_loss")
"""What is measured of a step, in this order."""


class FormulaModule(lightning.LightningModule):
    """A ViT under a recipe, and the moving average of its weights. Both are in a checkpoint, with the optimiser.

    The pictures of a step are a function of the recipe's seed and the step: nothing else is drawn while training. Each
    of several processes draws them all, because they come out of one sequence of random numbers, and learns from its
    part.

    Args:
        start: The ViT to train further; None: one of random weights, whose branches the recipe makes small.
        ranks: The processes that learn together.

    Attributes:
        measured: (len(MEASURED),) of the last step, on the pictures of all processes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, recipe: PretrainRecipe, start: PlainVit | None = None, ranks: Ranks = ALONE) -> None:
        super().__init__()
        self.recipe, self.ranks = recipe, ranks
        self.vit = _small_branches(recipe) if start is None else start
        check_size(self.vit, recipe.size)
        width, patch = self.vit.embed_dim, int(self.vit.patch_embed.patch_size[0])
        self.descriptors = Descriptors(recipe, patch)
        with seeded(recipe.seed):
            self.heads = nn.ModuleDict(
                {
                    "patch": nn.Linear(width, self.descriptors.num_patch),
                    "whole": nn.Linear(width, self.descriptors.num_whole),
                }
            )
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
        recipe, ranks = self.recipe, self.ranks
        pixels = draw(
            recipe.seed,
            self.global_step,
            count=recipe.batch_size,
            size=recipe.size,
            categories=recipe.categories,
            device=self.device,
        ).pixels
        own = pixels[ranks.rank :: ranks.count]
        loss, measured = self.losses(own)
        share = len(own) / recipe.batch_size
        self.measured = measured * share
        if ranks.count > 1:
            distributed.all_reduce(self.measured)
        return loss * (share * ranks.count)  # gradients are averaged over the processes

    def losses(self, pixels_B3SS: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of some pictures in [0, 1], and what `MEASURED` names."""
        tokens_BND = tokens_of(self.vit, self.normalised(pixels_B3SS))
        with torch.autocast(self.device.type, enabled=False):
            patches_BNT, wholes_BW = self.descriptors(pixels_B3SS)
        patch = functional.smooth_l1_loss(self.heads["patch"](tokens_BND).float(), patches_BNT)
        whole = functional.smooth_l1_loss(self.heads["whole"](tokens_BND.mean(1)).float(), wholes_BW)
        loss = self.recipe.patch_weight * patch + self.recipe.whole_weight * whole
        return loss, torch.stack([loss, patch, whole]).detach()

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        super().optimizer_step(*arguments, **named)
        self.average.update_parameters(self.vit)  # here, so that whatever is saved after a step has it

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        learned = chain(self.vit.named_parameters(), self.heads.named_parameters())
        groups = parameter_groups(learned, recipe.weight_decay, no_decay=_NO_DECAY)
        return adamw(groups, recipe.lr, num_steps=recipe.steps, warmup=recipe.warmup, betas=(0.9, 0.98))


def _small_branches(recipe: PretrainRecipe) -> PlainVit:
    vit = untrained_vit(recipe.architecture, recipe.depth, recipe.seed)
    with torch.no_grad():
        for block in vit.blocks:
            for last in (block.attn.proj, block.mlp.fc2):  # type: ignore[union-attr]
                last.weight.mul_(recipe.branch_start)  # type: ignore[union-attr, operator]
    return vit

"""What Lightning runs: two views of each sample, through tokenizer and frozen encoder, to the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Pool, pooled_width
from mt_core.data.batches import encoding
from mt_core.data.loader import Batch, Loader, check_failures
from mt_core.data.reading import skipped
from mt_core.embedding.pooling import for_pooling
from mt_core.errors import InputError, MtError, RunError
from mt_core.io.notices import relay
from mt_core.model import MetaTransformer, seeded
from mt_core.training.gathering import gather_objects, gather_rows
from mt_core.training.optimizer import adamw, parameter_groups, seed_step
from mt_core.training.ranks import ALONE, Ranks
from mt_pretrain.adapting.objective import TERMS, projector, vicreg
from mt_pretrain.adapting.recipe import AdaptRecipe
from mt_pretrain.adapting.views import drop_tokens

MEASURED = (*TERMS, "spread")
"""What is measured of a step, in this order."""


class AdaptModule(lightning.LightningModule):
    """A model without a head under a recipe, and the projector; its vectors are those that `mt embed` gives.

    Checkpoints hold what is trained, never the frozen encoder.

    Args:
        model: Its tokenizer learns, and adapters beside its encoder's layers where there are some.

    Attributes:
        measured: (len(MEASURED),) of the last step.
        failed: Of the samples that were left out, by the problem.
    """

    def __init__(self, model: MetaTransformer, recipe: AdaptRecipe, ranks: Ranks = ALONE) -> None:
        super().__init__()
        self.model, self.recipe, self.ranks = model, recipe, ranks
        layered, self.pool = for_pooling(model)
        self._layered = [layered]  # shares the model's parts, and is in no checkpoint of its own
        with seeded(recipe.seed):
            self.projector = projector(pooled_width(layered.encoder.feature_width, self.pool), recipe.projector)
        self.measured = torch.zeros(len(MEASURED))
        self.failed: dict[str, MtError] = {}

    @property
    def vectors_from(self) -> tuple[MetaTransformer, Pool]:
        """The model and the pooling of the vectors that are learned on."""
        return self._layered[0], self.pool

    @property
    def strict_loading(self) -> bool:
        return False

    @strict_loading.setter
    def strict_loading(self, strict_loading: bool) -> None: ...

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        seed_step(self.recipe.seed, self.global_step, self.ranks.rank)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        vectors = self._vectors_of_all(batch)
        if vectors is None or len(vectors) < 4:
            reasons = [error for errors in gather_objects(batch["failed"], self.ranks) for error in errors]
            raise InputError(f"fewer than two samples of a batch can be read; {reasons[0].problem}", fix=reasons[0].fix)
        vectors_BD = vectors
        recipe = self.recipe
        with torch.autocast(self.device.type, enabled=False):
            first_BP, second_BP = self.projector(vectors_BD.float()).chunk(2)
            terms = vicreg(first_BP, second_BP, (recipe.invariance, recipe.variance, recipe.covariance))
        loss = terms[0]
        if not bool(loss.isfinite()):
            raise RunError(f"the loss is {loss.item()} at step {self.global_step}", fix="adapt again with a lower lr")
        self.measured = torch.cat([terms.detach(), spread_of(vectors_BD.detach())[None]])
        return loss if batch["inputs"] else loss + self._nothing()

    def _vectors_of_all(self, batch: Batch) -> Tensor | None:
        """(2 B, D) the vectors of both views of the samples that all processes have read; None without any."""
        failure = None
        own: Sequence[Tensor | None] = (None, None)
        try:
            batch = check_failures(batch, skip=self.recipe.skip_unreadable)
        except MtError as error:
            failure = error
        else:
            self._note(batch["failed"])
            if batch["inputs"]:
                own = self.vectors(batch["inputs"]).chunk(2)
        views = gather_rows(own, self.ranks, failure)
        return None if views is None else torch.cat(views)

    def _note(self, failed: Sequence[MtError]) -> None:
        for error in failed:
            if error.problem not in self.failed:
                self.failed[error.problem] = error
                relay([skipped(error)])

    def _nothing(self) -> Tensor:
        """0, with a gradient of 0 for all that is trained: this process had no sample of a batch."""
        return torch.stack([0.0 * weight.sum() for weight in self.parameters() if weight.requires_grad]).sum()

    def on_train_end(self) -> None:
        for errors in gather_objects(list(self.failed.values()), self.ranks):
            self._note(errors)

    def vectors(self, inputs: dict[str, Tensor]) -> Tensor:
        """(2 B, D) of a batch of `TwoViews`, each without some of its tokens."""
        layered, pool = self.vectors_from
        modality, tokenizer = self.model.modality, self.model.tokenizer
        tokens = hooks.call("mt_tokenize", modality=modality, tokenizer=tokenizer, batch=inputs)
        tokens = drop_tokens(tokens, self.recipe.drop)
        features = hooks.call("mt_encode", modality=modality, encoder=layered.encoder, tokens=tokens)
        vectors: Tensor = features.pool(pool)
        return vectors

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        loss = float(self.measured[0])
        hooks.gather("mt_step_end", modality=self.model.modality, step=self.global_step, loss=loss)

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        groups = parameter_groups(self.named_parameters(), recipe.weight_decay)
        return adamw(groups, recipe.lr, num_steps=recipe.steps, warmup=recipe.warmup)

    def learned_state(self) -> dict[str, Tensor]:
        """What a checkpoint holds of the state: tokenizer, projector, adapters."""
        return {name: tensor for name, tensor in self.state_dict().items() if _is_learned(name)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: tensor for name, tensor in state.items() if _is_learned(name)}


def _is_learned(name: str) -> bool:
    return name.startswith(("model.tokenizer.", "projector.")) or "lora_" in name


def spread_of(vectors_BD: Tensor) -> Tensor:
    """The share of their squared length that is not in their mean."""
    vectors_BD = vectors_BD.float()
    return (vectors_BD - vectors_BD.mean(0)).square().sum() / vectors_BD.square().sum().clamp_min(1e-30)


def vectors_of(module: AdaptModule, loader: Loader) -> Tensor:
    """(B, D) vectors of samples as they are, on the CPU, as `mt embed` would give them."""
    model, pool = module.vectors_from
    was_training = model.tokenizer.training
    vectors = []
    for batch in loader:
        batch = check_failures(batch, skip=module.recipe.skip_unreadable)
        if batch["inputs"]:
            with encoding(model, module.recipe.precision):
                inputs = {name: tensor.to(model.device) for name, tensor in batch["inputs"].items()}
                vectors.append(model.encode(inputs).pool(pool).float().cpu())
    model.tokenizer.train(was_training)
    if sum(map(len, vectors)) < 2:
        raise InputError("fewer than two of the first samples can be read", fix="check the files; mt embed lists them")
    return torch.cat(vectors)

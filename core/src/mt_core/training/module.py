"""What Lightning runs: one step, one validation pass, the optimiser."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor, nn

from mt_core import hooks
from mt_core.contract import Head
from mt_core.data.loader import Batch, check_failures
from mt_core.data.reading import skipped
from mt_core.errors import InputError, MtError
from mt_core.io.notices import relay
from mt_core.model import MetaTransformer
from mt_core.training.gathering import gather_objects, gather_rows
from mt_core.training.metrics import Meter
from mt_core.training.optimizer import adamw, parameter_groups, seed_step
from mt_core.training.ranks import ALONE, Ranks
from mt_core.training.recipe import Recipe
from mt_core.training.sharding import Sharding, average, clip, divide, gather, keep_whole_states


class TrainingModule(lightning.LightningModule):
    """A model under a recipe. Checkpoints hold what is trained, never the frozen encoder."""

    def __init__(self, model: MetaTransformer, recipe: Recipe, ranks: Ranks = ALONE) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.ranks = ranks
        self.sharding: Sharding | None = None
        self.num_trained = self.num_measured = 0  # samples of this epoch
        self.failed: dict[str, MtError] = {}  # of the samples that were left out, by the problem
        self.monitored = f"val_{self.head.primary}"
        self.mode = "max" if self.head.higher_is_better else "min"

    @property
    def head(self) -> Head:
        return self.model.require_head()

    @property
    def strict_loading(self) -> bool:
        return False

    @strict_loading.setter
    def strict_loading(self, strict_loading: bool) -> None: ...

    def trained_parts(self) -> dict[str, nn.Module]:
        """The parts that the recipe trains, by name."""
        parts: dict[str, nn.Module] = {"head": self.head}
        if self.recipe.tune != "probe":
            parts["tokenizer"] = self.model.tokenizer
        if self.recipe.tune in ("lora", "full"):
            parts["encoder"] = self.model.encoder
        return parts

    def configure_model(self) -> None:
        if self.recipe.shard and self.sharding is None:
            device_type = self.trainer.strategy.root_device.type
            self.sharding = Sharding(self.model, device_type, bf16=self.recipe.precision == "bf16")

    def output(self, batch: Batch) -> Tensor:
        return self.model(batch["inputs"])  # type: ignore[no-any-return]

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        seed_step(self.recipe.seed, self.global_step, self.ranks.rank)

    def _outputs(self, batch: Batch) -> list[Tensor] | None:
        """The head's outputs and the targets of all processes' parts of a batch; None where nothing can be read."""
        failure = None
        try:
            readable = check_failures(batch, skip=self.recipe.skip_unreadable)
        except MtError as error:
            failure, readable = error, batch
        own: tuple[Tensor | None, Tensor | None] = (None, None)
        if failure is None:
            for left_out in readable["failed"]:
                if left_out.problem not in self.failed:
                    self.failed[left_out.problem] = left_out
                    relay([skipped(left_out)])
            if readable["inputs"]:
                own = (self.output(readable), readable["target"])
        if own[0] is None and self.sharding is not None:
            self._part = self.sharding.take_part()
        return gather_rows(own, self.ranks, failure)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor | None:
        outputs = self._outputs(batch)
        if outputs is None:
            # of several processes none may leave a step out
            return None if self.ranks.count == 1 else self._nothing()
        output, target = outputs
        self.num_trained += len(target)
        loss = self.head.loss(output, target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        return loss if batch["inputs"] else loss + self._nothing()

    def _nothing(self) -> Tensor:
        """0, with a gradient of 0 for all that is trained."""
        parts = [part for name, part in self.trained_parts().items() if name != "encoder" or self.sharding is None]
        nothing = torch.stack([0.0 * weight.sum() for part in parts for weight in part.parameters()]).sum()
        return nothing if self.sharding is None else nothing + self._part

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        if outputs and self.ranks.is_first:  # not where no sample of the batch could be read
            loss = float(outputs["loss"])
            hooks.gather("mt_step_end", modality=self.model.modality, step=self.global_step, loss=loss)

    def on_validation_epoch_start(self) -> None:
        self._check_any(self.num_trained, "training")
        self.num_trained = self.num_measured = 0
        self.meter = Meter(self.model, self.head)

    def _check_any(self, count: int, kind: str) -> None:
        if not count:
            first = next(error for errors in gather_objects(list(self.failed.values()), self.ranks) for error in errors)
            raise InputError(f"none of the {kind} samples can be read; {first.problem}", fix=first.fix)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        outputs = self._outputs(batch)
        if outputs is not None:
            self.num_measured += len(outputs[1])
            self.meter.update(*outputs)

    def on_validation_epoch_end(self) -> None:
        self._check_any(self.num_measured, "validation")
        values = self.meter.compute()
        self.log_dict({f"val_{name}": value for name, value in values.items()})

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        groups = []
        for name, part in self.trained_parts().items():
            lr = recipe.encoder_lr if name == "encoder" and recipe.tune == "full" else recipe.lr
            groups += parameter_groups(part.named_parameters(), recipe.weight_decay, lr=lr)
        num_steps = max(1, int(self.trainer.estimated_stepping_batches))
        configured = adamw(groups, recipe.lr, num_steps=num_steps, warmup=recipe.warmup)
        if self.sharding is not None:
            keep_whole_states(configured["optimizer"], is_first=self.ranks.is_first)
        return configured

    def on_after_backward(self) -> None:
        if self.sharding is not None:
            average(weight for name, weight in self.named_parameters() if not name.startswith("model.encoder."))

    def configure_gradient_clipping(
        self,
        optimizer: Any,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        if self.sharding is None:
            super().configure_gradient_clipping(optimizer, gradient_clip_val, gradient_clip_algorithm)
        else:
            clip((weight for group in optimizer.param_groups for weight in group["params"]), self.recipe.clip)

    def on_train_end(self) -> None:
        if self.sharding is not None:
            self.sharding.end()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        trained = tuple(f"model.{name}." for name in self.trained_parts())
        is_lora = self.recipe.tune == "lora"
        kept = {
            name: tensor
            for name, tensor in checkpoint["state_dict"].items()
            if name.startswith(trained) and not (is_lora and name.startswith("model.encoder.") and "lora_" not in name)
        }
        checkpoint["state_dict"] = gather(kept, keep=self.ranks.is_first)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["state_dict"] = divide(checkpoint["state_dict"], self.state_dict())


class ProbeModule(TrainingModule):
    """The head alone, on pooled vectors that were computed once."""

    def output(self, batch: Batch) -> Tensor:
        return self.head.from_pooled(batch["inputs"]["pooled"])  # type: ignore[operator, no-any-return]

"""What Lightning runs: one step, one validation pass, the optimiser."""

from __future__ import annotations

from typing import Any

import lightning
from torch import Tensor, nn

from mt_core import hooks
from mt_core.contract import Head
from mt_core.data.loader import Batch, check_failures
from mt_core.data.reading import skipped
from mt_core.errors import InputError, MtError
from mt_core.io.notices import relay
from mt_core.model import MetaTransformer
from mt_core.training.metrics import Meter
from mt_core.training.optimizer import adamw, parameter_groups, seed_step
from mt_core.training.recipe import Recipe


class TrainingModule(lightning.LightningModule):
    """A model under a recipe. Checkpoints hold what is trained, never the frozen encoder."""

    def __init__(self, model: MetaTransformer, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
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

    def output(self, batch: Batch) -> Tensor:
        return self.model(batch["inputs"])  # type: ignore[no-any-return]

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        seed_step(self.recipe.seed, self.global_step)

    def _readable(self, batch: Batch) -> Batch:
        readable = check_failures(batch, skip=self.recipe.skip_unreadable)
        for error in readable["failed"]:
            if error.problem not in self.failed:
                self.failed[error.problem] = error
                relay([skipped(error)])
        return readable

    def training_step(self, batch: Batch, batch_index: int) -> Tensor | None:
        readable = self._readable(batch)
        if not readable["inputs"]:
            return None  # Lightning goes on to the next batch
        self.num_trained += len(readable["target"])
        loss = self.head.loss(self.output(readable), readable["target"])
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(readable["target"]))
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        if outputs:  # not where no sample of the batch could be read
            loss = float(outputs["loss"])
            hooks.gather("mt_step_end", modality=self.model.modality, step=self.global_step, loss=loss)

    def on_validation_epoch_start(self) -> None:
        self._check_any(self.num_trained, "training")
        self.num_trained = self.num_measured = 0
        self.meter = Meter(self.model, self.head)

    def _check_any(self, count: int, kind: str) -> None:
        if not count:
            first = next(iter(self.failed.values()))
            raise InputError(f"none of the {kind} samples can be read; {first.problem}", fix=first.fix)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        readable = self._readable(batch)
        if readable["inputs"]:
            self.num_measured += len(readable["target"])
            self.meter.update(self.output(readable), readable["target"])

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
        return adamw(groups, recipe.lr, num_steps=num_steps, warmup=recipe.warmup)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        trained = tuple(f"model.{name}." for name in self.trained_parts())
        is_lora = self.recipe.tune == "lora"
        checkpoint["state_dict"] = {
            name: tensor
            for name, tensor in checkpoint["state_dict"].items()
            if name.startswith(trained) and not (is_lora and name.startswith("model.encoder.") and "lora_" not in name)
        }


class ProbeModule(TrainingModule):
    """The head alone, on pooled vectors that were computed once."""

    def output(self, batch: Batch) -> Tensor:
        return self.head.from_pooled(batch["inputs"]["pooled"])  # type: ignore[operator, no-any-return]

"""What Lightning runs: one step, one validation pass, the optimiser."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from mt_core import hooks
from mt_core.contract import Head
from mt_core.data.loader import Batch, check_failures
from mt_core.errors import MtWarning
from mt_core.model import MetaTransformer
from mt_core.training.metrics import Meter
from mt_core.training.recipe import Recipe

SELECTION = "selection"
"""What the best epoch is chosen by: see `selection`."""


def selection(values: Mapping[str, float], head: Head) -> float:
    """The head's primary metric, and of equal ones the lower loss: few validation samples make many equal."""
    worse = 1e-6 * values["loss"] / (1 + abs(values["loss"]))
    return values[head.primary] - worse if head.higher_is_better else values[head.primary] + worse


class TrainingModule(lightning.LightningModule):
    """A model under a recipe. Checkpoints hold what is trained, never the frozen encoder."""

    def __init__(self, model: MetaTransformer, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
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
        if self.recipe.tune == "full":
            parts["encoder"] = self.model.encoder
        return parts

    def output(self, batch: Batch) -> Tensor:
        return self.model(batch["inputs"])  # type: ignore[no-any-return]

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        # dropout draws from torch's global generator: started anew each step, so that a resumed run draws the same
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        readable = check_failures(batch, skip=self.recipe.skip_unreadable)
        for error in readable["failed"]:
            warnings.warn(f"left out: {error.problem}", MtWarning, stacklevel=2)
        loss = self.head.loss(self.output(readable), readable["target"])
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(readable["target"]))
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        hooks.gather("mt_step_end", modality=self.model.modality, step=self.global_step, loss=float(outputs["loss"]))

    def on_validation_epoch_start(self) -> None:
        self.meter = Meter(self.model, self.head)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        readable = check_failures(batch, skip=self.recipe.skip_unreadable)
        self.meter.update(self.output(readable), readable["target"])

    def on_validation_epoch_end(self) -> None:
        values = self.meter.compute()
        self.log_dict({f"val_{name}": value for name, value in values.items()})
        self.log(SELECTION, selection(values, self.head))

    def configure_optimizers(self) -> Any:
        groups = [group for name, part in self.trained_parts().items() for group in self._groups(name, part)]
        optimizer = torch.optim.AdamW(groups, lr=self.recipe.lr)
        total = max(1, int(self.trainer.estimated_stepping_batches))
        warmup = max(1, round(total * self.recipe.warmup))

        def rate(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _groups(self, name: str, part: nn.Module) -> list[dict[str, Any]]:
        lr = self.recipe.encoder_lr if name == "encoder" else self.recipe.lr
        trained = [parameter for parameter in part.parameters() if parameter.requires_grad]
        matrices = [parameter for parameter in trained if parameter.ndim > 1]
        others = [parameter for parameter in trained if parameter.ndim <= 1]
        decays = ((matrices, self.recipe.weight_decay), (others, 0.0))
        return [{"params": params, "lr": lr, "weight_decay": decay} for params, decay in decays if params]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        trained = tuple(f"model.{name}." for name in self.trained_parts())
        checkpoint["state_dict"] = {k: v for k, v in checkpoint["state_dict"].items() if k.startswith(trained)}


class ProbeModule(TrainingModule):
    """The head alone, on pooled vectors that were computed once."""

    def output(self, batch: Batch) -> Tensor:
        return self.head.from_pooled(batch["inputs"]["pooled"])  # type: ignore[operator, no-any-return]

"""What is written and shown while a run trains."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from mt_core.io.json_log import log_event
from mt_core.io.progress import Progress
from mt_core.training.module import TrainingModule
from mt_core.training.run_record import write_history


def is_partial(trainer: lightning.Trainer) -> bool:
    """At the end of an epoch: whether it was stopped before its last batch."""
    return not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch


def epochs_done(trainer: lightning.Trainer) -> float:
    """At the end of an epoch: passes over the training data, 1.63 where the second one was stopped."""
    if not is_partial(trainer):
        return trainer.current_epoch + 1
    done = trainer.fit_loop.epoch_loop.batch_progress.current.ready / trainer.num_training_batches
    return trainer.current_epoch + max(0.0001, round(done, 4))


class History(Callback):
    """One row an epoch in `metrics.csv`, kept in the checkpoint so that a resumed run has them all; of several
    processes the first one writes."""

    def __init__(self, folder: Path, on_epoch: Callable[[dict[str, float]], None] | None = None) -> None:
        self.folder = folder
        self.rows: list[dict[str, float]] = []
        self.on_epoch = on_epoch

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.started = time.monotonic()

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        # validation closes a training epoch; the checkpoint that follows holds this row
        row = {name: float(value) for name, value in trainer.callback_metrics.items()}
        seconds = time.monotonic() - self.started
        self.rows.append({"epoch": epochs_done(trainer), **row, "seconds": round(seconds, 2)})

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        # the mean training loss of the epoch is known only now; of several processes, all have to ask for it
        self.rows[-1]["train_loss"] = float(trainer.callback_metrics["train_loss"])
        if not trainer.is_global_zero:
            return
        write_history(self.folder, self.rows)
        if self.on_epoch is not None:
            self.on_epoch(self.rows[-1])


class ProgressCallback(Callback):
    """Has a bar (or lines) from `show` on, and closes it however training ends."""

    bar: Progress

    def show(self, bar: Progress) -> None:
        self.bar = bar.__enter__()

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._close()

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def _close(self) -> None:
        if hasattr(self, "bar"):
            self.bar.__exit__(None, None, None)
        sys.stderr.flush()


class TrainingProgress(ProgressCallback):
    """The batches of the whole run, those of the validations among them, and a line an epoch."""

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        of_validation = int(sum(trainer.num_val_batches))
        total = int(trainer.estimated_stepping_batches) + of_validation * (trainer.max_epochs or 0)
        done = trainer.global_step + of_validation * trainer.current_epoch
        self.show(Progress("training", total, unit="batches", done=done))

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        self.bar.advance(1)

    def on_validation_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        self.bar.advance(1)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, TrainingModule)
        monitored = float(trainer.callback_metrics[module.monitored])
        loss = float(trainer.callback_metrics["train_loss"])
        name = module.monitored.removeprefix("val_")
        row = {key: float(value) for key, value in trainer.callback_metrics.items()}
        if log_event("epoch", epoch=epochs_done(trainer), epochs=trainer.max_epochs, **row):
            return
        epochs = f"epoch {epochs_done(trainer):.4g}/{trainer.max_epochs}"
        self.bar.say(f"{epochs}: training loss {loss:.4f}, validation {name} {monitored:.4f}")

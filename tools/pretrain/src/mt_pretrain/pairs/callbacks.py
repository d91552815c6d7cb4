"""What is shown while a run on pairs trains, and when it stops."""

from __future__ import annotations

import time

import lightning

from mt_core.training.callbacks import TrainingProgress


class ContrastProgress(TrainingProgress):
    """The steps of the whole run, and a line an epoch, with its score."""

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        loss, score = (float(trainer.callback_metrics[name]) for name in ("train_loss", "val_recall_at_1"))
        epochs = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self.bar.say(
            f"{epochs}: training loss {loss:.4f}, own caption nearest for {score:.3f} of the held-out pictures"
        )


class EpochTimeLimit(lightning.Callback):
    """Stops where another epoch as long as the last one would end too late."""

    def __init__(self, minutes: float) -> None:
        self.until = time.monotonic() + 60 * minutes

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        now = time.monotonic()
        is_time_up = now + (now - self.started) > self.until
        trainer.should_stop = trainer.should_stop or trainer.strategy.broadcast(is_time_up)

"""Stopping in time: what is left to do after the last step is counted as well."""

from __future__ import annotations

import math
import time

import lightning
from lightning.pytorch.callbacks import Callback


class TimeLimit(Callback):
    """Stops training while there is time for the validation, and for the test, that come after it.

    A validation is expected to take as long as the last one did; before the first one a batch of it counts as much as
    one of training.

    Args:
        until: When all should be done, as `time.monotonic` tells it.
        num_test: Samples of the test that comes after training.
        num_val: Samples of a validation.
    """

    def __init__(self, until: float, *, num_test: int, num_val: int) -> None:
        self.until = until
        self.passes = 1 + num_test / num_val
        self.is_up = False
        self.step = 0.0  # seconds
        self.validation: float | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.num_steps = 0

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        now = time.monotonic()
        if not self.num_steps:  # the first one waits for the processes that read
            self.started = now
        else:
            self.step = (now - self.started) / self.num_steps
        self.num_steps += 1
        self._stop_where_due(trainer)

    def on_validation_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.validation_started = time.monotonic()

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.validation = time.monotonic() - self.validation_started

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._stop_where_due(trainer)  # another step would ask for another validation

    def _stop_where_due(self, trainer: lightning.Trainer) -> None:
        expected = self.validation if self.validation is not None else self.step * sum(trainer.num_val_batches)
        is_up = time.monotonic() + self.step + expected * self.passes > self.until
        if math.isfinite(self.until):  # of several processes all stop where one of them has to
            is_up = trainer.strategy.reduce_boolean_decision(is_up, all=False)
        if is_up:
            trainer.should_stop = self.is_up = True

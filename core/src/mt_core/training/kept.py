"""What is written at the end of each epoch: the weights that the run keeps, and what a resumed run goes on from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import lightning
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from mt_core.model import MetaTransformer
from mt_core.training.callbacks import History, is_partial
from mt_core.training.checkpoints import CHECKPOINTS, last_checkpoint
from mt_core.training.run import kept_epoch, weights_of, write_weights
from mt_core.training.run_record import ENCODER_WEIGHTS, WEIGHTS
from mt_core.training.selection import Row, best_row
from mt_core.training.sharding import gather


class LastCheckpoint(ModelCheckpoint):
    """Writes `last_checkpoint` after every whole epoch, which is where a resumed run begins."""

    def __init__(self, folder: Path) -> None:
        path = last_checkpoint(folder)
        super().__init__(path.parent, path.stem, save_on_train_epoch_end=True, enable_version_counter=False)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if not is_partial(trainer):
            super().on_train_epoch_end(trainer, module)


class KeptWeights(Checkpoint):
    """Writes the weights of the epoch that the run keeps, as soon as it is the best so far (or the last).

    The epoch is chosen from the rows of the history, and its number stands in the weights' file: what is recorded and
    what is kept are one. Comes after `History` and `LastCheckpoint`, so that a run that ends between the two is made up
    for when it is resumed.
    """

    def __init__(self, model: MetaTransformer, folder: Path, history: History, keep: Literal["best", "last"]) -> None:
        self.model, self.folder, self.history, self.keep = model, folder, history, keep

    @property
    def kept(self) -> Row:
        """The row of the epoch that is kept."""
        rows = self.history.rows
        return best_row(rows, self.model.require_head()) if self.keep == "best" else rows[-1]

    def on_fit_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Of a run that is resumed: the weights of the epoch that its checkpoint would have kept."""
        for name in (WEIGHTS, ENCODER_WEIGHTS) if trainer.is_global_zero else ():
            if (of_whole_epoch := self.folder / CHECKPOINTS / name).is_file():
                of_whole_epoch.replace(self.folder / name)
        if self.history.rows and self._is_last(trainer):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if not self._is_last(trainer):
            return
        if trainer.is_global_zero and is_partial(trainer):  # a resumed run repeats this epoch from its beginning
            for name in (WEIGHTS, ENCODER_WEIGHTS):
                if (of_whole_epoch := self.folder / name).is_file():
                    shutil.copyfile(of_whole_epoch, self.folder / CHECKPOINTS / name)
        self._save(trainer)

    def _is_last(self, trainer: lightning.Trainer) -> bool:
        """Whether the last epoch is the one that is kept; the first process decides, for all that take part."""
        return bool(trainer.strategy.broadcast(self.kept is self.history.rows[-1]))

    def _save(self, trainer: lightning.Trainer) -> None:
        epoch, is_first = self.history.rows[-1]["epoch"], trainer.is_global_zero
        files = {name: gather(tensors, keep=is_first) for name, tensors in weights_of(self.model).items()}
        if is_first and kept_epoch(self.folder) != epoch:
            write_weights(files, self.folder, epoch)

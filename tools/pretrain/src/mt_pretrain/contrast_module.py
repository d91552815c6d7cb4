"""What learns from pairs under Lightning: recipe, loaders, one step, one pass over the held-out pairs.

B pairs of a process, M of all processes, J width of the joint space.

Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 2.5 and table 18 for AdamW's settings.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import lightning
import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor
from torch.utils.data import DataLoader

from mt_core.contract import Options
from mt_core.data.precision import Precision
from mt_core.data.workers import resolve_num_workers
from mt_core.errors import MtError, OptionError, RunError
from mt_core.training.callbacks import History, TrainingProgress
from mt_core.training.optimizer import adamw, parameter_groups, seed_step
from mt_pretrain.pair_batches import EpochLoader, EpochOfPairs, HeldOut, PairBatch, Reading
from mt_pretrain.towers import Towers, info_nce, recall


class ContrastRecipe(Options):
    """Everything that decides what comes of some pairs."""

    noun: ClassVar[str] = "setting"

    epochs: int = Field(default=32, ge=1, description="After each there are scores and a checkpoint.")
    pairs_an_epoch: int | None = Field(default=None, ge=1, description="none: as many as there are to train on.")
    batch_size: int = Field(default=256, ge=2, description="Pairs a step in each process; those of all are contrasted.")
    lr: float = Field(default=5e-4, gt=0, description="Peak learning rate (AdamW).")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which it rises; then cosine.")
    weight_decay: float = Field(default=0.2, ge=0, description="Not on norms, biases and the temperature.")
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="Decay of a moving average of the weights, which then is kept; 0: none."
    )
    joint_width: int = Field(default=256, ge=1, description="Width of the space where pictures and captions meet.")
    separate: bool = Field(default=False, description="Captions have an encoder of their own.")
    val_fraction: float = Field(default=0.02, gt=0, lt=1, description="Part of the pairs that is held out to score on.")
    precision: Precision = Field(default="32", description="32, or bf16: autocast to bfloat16.")
    seed: int = Field(default=0, ge=0, description="Of weights, order, augmentation and the held-out part.")
    num_workers: int | None = Field(
        default=None, ge=0, description="Worker processes; 0: none; none: one less than the cores, 4 at the most."
    )
    image: dict[str, Any] = Field(
        default={"flip": False}, description="Options of the image tokenizer; as in CLIP, nothing is mirrored."
    )
    text: dict[str, Any] = Field(default={"max_tokens": 77}, description="Options of the text tokenizer, as in CLIP.")

    @field_validator("image", "text")
    @classmethod
    def _over_the_defaults(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return {**cls.model_fields[str(info.field_name)].default, **options}


class PairData(lightning.LightningDataModule):
    """The loaders that Lightning asks for before every epoch.

    Attributes:
        steps: In an epoch.
    """

    def __init__(
        self, reading: Reading, held_out: HeldOut, num_pairs: int, recipe: ContrastRecipe, num_ranks: int
    ) -> None:
        super().__init__()
        self.reading, self.held_out = reading, held_out.items
        together = recipe.batch_size * num_ranks
        self.steps = (recipe.pairs_an_epoch or num_pairs) // together
        if not self.steps or num_pairs < together:
            raise OptionError(
                f"{reading.pairs.root}: {num_pairs} pairs to train on do not fill a batch of {together}",
                fix="set a smaller batch_size, or give more pairs",
            )
        # each reader a part of two batches at least
        self.num_workers = min(resolve_num_workers(recipe.num_workers), max(1, num_pairs // (2 * together)))

    def train_dataloader(self) -> EpochLoader:
        trainer = self.trainer
        assert trainer is not None
        epoch = EpochOfPairs(self.reading, trainer.current_epoch, trainer.global_rank, trainer.world_size)
        return EpochLoader(epoch, self.steps, self.num_workers)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.held_out, self.reading.batch_size, collate_fn=self.reading.collate)  # type: ignore[arg-type]


class ContrastModule(lightning.LightningModule):
    """What Lightning runs: a step over the pairs of all processes, the recall of held-out captions, the optimiser.

    Attributes:
        left_out: Why, by name, of what is no pair.
    """

    def __init__(self, towers: Towers, recipe: ContrastRecipe, steps_an_epoch: int, held_out: HeldOut) -> None:
        super().__init__()
        self.towers, self.recipe = towers, recipe
        self.steps = recipe.epochs * steps_an_epoch
        self.caption_of = held_out.caption_of
        self.left_out: dict[str, str] = {}

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        seed_step(self.recipe.seed, self.global_step)

    def training_step(self, batch: PairBatch | MtError, batch_index: int) -> Tensor:
        if isinstance(batch, MtError):
            raise batch
        self.left_out.update(batch["left_out"])
        pictures_BJ, captions_BJ = self.towers(batch)
        loss = info_nce(
            pictures_BJ,
            captions_BJ,
            self._of_all(pictures_BJ),
            self._of_all(captions_BJ),
            self.towers.log_scale.exp(),
            self.global_rank * len(pictures_BJ),
        )
        if not bool(loss.isfinite()):
            raise RunError(f"the loss is {loss.item()} at step {self.global_step}", fix="begin again with a lower lr")
        self.log("train_loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(pictures_BJ))
        return loss

    def _of_all(self, features_BJ: Tensor) -> Tensor:
        """(M, J) those of all processes; gradients go back to where they came from."""
        gathered = self.all_gather(features_BJ, sync_grads=True)
        assert isinstance(gathered, Tensor)
        return gathered.flatten(0, -2)

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        super().optimizer_step(*arguments, **named)
        self.towers.bound_scale()

    def on_train_epoch_end(self) -> None:
        if self.trainer.world_size > 1:
            everywhere: list[Any] = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(everywhere, self.left_out)
            for found in everywhere:
                self.left_out.update(found)

    def on_validation_epoch_start(self) -> None:
        self.scored: list[tuple[Tensor, Tensor]] = []

    def validation_step(self, batch: PairBatch, batch_index: int) -> None:
        self.scored.append(self.towers(batch))

    def on_validation_epoch_end(self) -> None:
        pictures_MJ, captions_MJ = (torch.cat(features) for features in zip(*self.scored, strict=True))
        different = [self.caption_of.index(caption) for caption in range(max(self.caption_of) + 1)]
        own_M = torch.tensor(self.caption_of, device=pictures_MJ.device)
        for at in (1, 5):
            self.log(f"val_recall_at_{at}", recall(pictures_MJ, captions_MJ[different], own_M, at), sync_dist=True)
        self.log("scale", self.towers.log_scale.detach().exp(), sync_dist=True)

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        groups = parameter_groups(self.towers.named_parameters(), recipe.weight_decay)
        settings = {"num_steps": self.steps, "warmup": recipe.warmup, "betas": (0.9, 0.98), "eps": 1e-6}
        return adamw(groups, recipe.lr, **settings)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["left_out"] = self.left_out

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.left_out = dict(checkpoint["left_out"])


class HistoryOnce(History):
    """Written by one process."""

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if trainer.is_global_zero:
            super().on_train_epoch_end(trainer, module)
        else:  # the mean over processes is taken when it is asked for, and then needs them all
            self.rows[-1]["train_loss"] = float(trainer.callback_metrics["train_loss"])


class Shown(TrainingProgress):
    """With the score of each epoch."""

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        loss, score = (float(trainer.callback_metrics[name]) for name in ("train_loss", "val_recall_at_1"))
        epochs = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self.bar.say(
            f"{epochs}: training loss {loss:.4f}, own caption nearest for {score:.3f} of the held-out pictures"
        )


class InTime(lightning.Callback):
    """Stops where another epoch as long as the last one would end too late."""

    def __init__(self, minutes: float) -> None:
        self.until = time.monotonic() + 60 * minutes

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        now = time.monotonic()
        is_time = now + (now - self.started) > self.until
        trainer.should_stop = trainer.should_stop or trainer.strategy.broadcast(is_time)

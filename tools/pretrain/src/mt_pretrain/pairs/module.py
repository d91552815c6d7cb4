"""What learns from pairs under Lightning: loaders, one step, one pass over the held-out pairs.

B pairs of a process, M of all processes, J width of the joint space.

Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 2.5 and table 18 for AdamW's settings.
"""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mt_core.data.workers import resolve_num_workers
from mt_core.errors import MtError, OptionError, RunError
from mt_core.training.optimizer import adamw, parameter_groups, seed_step
from mt_pretrain.pairs.batches import EpochLoader, EpochOfPairs, HeldOut, PairBatch, PairReader
from mt_pretrain.pairs.recipe import ContrastRecipe
from mt_pretrain.pairs.towers import Towers, info_nce, recall


class PairData(lightning.LightningDataModule):
    """The loaders that Lightning asks for before every epoch.

    Attributes:
        steps: In an epoch.
    """

    def __init__(
        self, reader: PairReader, held_out: HeldOut, num_pairs: int, recipe: ContrastRecipe, num_ranks: int
    ) -> None:
        super().__init__()
        self.reader, self.held_out = reader, held_out.items
        global_batch = recipe.batch_size * num_ranks
        self.steps = (recipe.pairs_an_epoch or num_pairs) // global_batch
        if not self.steps or num_pairs < global_batch:
            raise OptionError(
                f"{reader.pairs.root}: {num_pairs} pairs to train on do not fill a batch of {global_batch}",
                fix="set a smaller batch_size, or give more pairs",
            )
        # each reader a part of two batches at least
        self.num_workers = min(resolve_num_workers(recipe.num_workers), max(1, num_pairs // (2 * global_batch)))

    def train_dataloader(self) -> EpochLoader:
        trainer = self.trainer
        assert trainer is not None
        epoch = EpochOfPairs(self.reader, trainer.current_epoch, trainer.global_rank, trainer.world_size)
        return EpochLoader(epoch, self.steps, self.num_workers)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.held_out, self.reader.batch_size, collate_fn=self.reader.collate)  # type: ignore[arg-type]


class ContrastModule(lightning.LightningModule):
    """What Lightning runs: a step over the pairs of all processes, the recall of held-out captions, the optimiser.

    Attributes:
        skipped: What is no pair: why, by name.
    """

    def __init__(self, towers: Towers, recipe: ContrastRecipe, steps_an_epoch: int, held_out: HeldOut) -> None:
        super().__init__()
        self.towers, self.recipe = towers, recipe
        self.steps = recipe.epochs * steps_an_epoch
        self.caption_of = held_out.caption_of
        self.skipped: dict[str, str] = {}

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        seed_step(self.recipe.seed, self.global_step)

    def training_step(self, batch: PairBatch | MtError, batch_index: int) -> Tensor:
        if isinstance(batch, MtError):
            raise batch
        self.skipped.update(batch["skipped"])
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
            raise RunError(f"the loss is {loss.item()} at step {self.global_step}", fix="train again with a lower lr")
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
            torch.distributed.all_gather_object(everywhere, self.skipped)
            for found in everywhere:
                self.skipped.update(found)

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
        return adamw(groups, recipe.lr, num_steps=self.steps, warmup=recipe.warmup, betas=(0.9, 0.98), eps=1e-6)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["skipped"] = self.skipped

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.skipped = dict(checkpoint["skipped"])

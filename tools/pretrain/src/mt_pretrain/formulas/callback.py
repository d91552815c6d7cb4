"""What happens between two steps: rows of progress, scores, checkpoints, and stopping where a run can go on."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from mt_core.encoder.vit import PlainVit
from mt_core.errors import RunError
from mt_core.io.atomic import atomic_write
from mt_core.io.progress import Progress
from mt_core.training.callbacks import ProgressCallback
from mt_core.training.lightning_runs import stop_on_signals
from mt_core.training.optimizer import warmup_cosine
from mt_core.training.records import replace_file
from mt_pretrain.formulas.module import MEASURED, FormulaModule
from mt_pretrain.formulas.scoring import Pictures, scores
from mt_pretrain.vit import save_encoder, tokens_of, untrained_vit

PROGRESS, CHECKPOINT = "progress.jsonl", "checkpoint.ckpt"
STEPS_A_ROW = 50


class PretrainCallback(ProgressCallback):
    """Writes down how a run goes, and stops it.

    Its state is in the checkpoint, so a run that goes on writes the same rows as one that was never stopped.

    Args:
        folder: The run folder.
        pictures: What is scored on.
        minutes: Stop after so long; None: at the end of the schedule.
        show: Show progress on standard error.

    Attributes:
        rows: The lines of `progress.jsonl`: means over the steps since the last such row, or scores.
        seconds: Of training, in all sessions; scoring is not counted.
        is_interrupted: Whether `interrupt` was called.
    """

    def __init__(
        self, folder: Path, pictures: Sequence[Pictures], *, minutes: float | None = None, show: bool = False
    ) -> None:
        self.folder = folder
        self.pictures = pictures
        self.minutes = minutes
        self.is_shown = show
        self.rows: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.is_interrupted = False
        self._sum = torch.zeros(len(MEASURED))
        self._summed, self._sum_seconds = 0, 0.0

    def state_dict(self) -> dict[str, Any]:
        window = {"sum": self._sum, "summed": self._summed, "sum_seconds": self._sum_seconds}
        return {"rows": self.rows, "seconds": self.seconds, **window}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.seconds = state_dict["rows"], state_dict["seconds"]
        self._sum, self._summed = state_dict["sum"], state_dict["summed"]
        self._sum_seconds = state_dict["sum_seconds"]

    def interrupt(self) -> None:
        """Stop after the step at hand, with a checkpoint."""
        self.is_interrupted = True
        self._say("stopping after this step")

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, FormulaModule)
        recipe = module.recipe
        stop_on_signals(self.interrupt)
        self._began = self._mark = time.monotonic()
        self._sum = self._sum.to(module.device)
        done = trainer.global_step * recipe.batch_size
        total = recipe.steps * recipe.batch_size
        self.show(Progress("pretraining", total, unit="pictures", done=done, enabled=self.is_shown))
        if not self.rows:
            self._score(module, untrained_vit(recipe.architecture, recipe.depth, recipe.seed), 0)

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        assert isinstance(module, FormulaModule)
        recipe, step = module.recipe, trainer.global_step
        now = time.monotonic()
        self.seconds += now - self._mark
        self._sum_seconds += now - self._mark
        self._sum, self._summed = self._sum + module.measured.to(self._sum.device), self._summed + 1
        is_last = step == recipe.steps
        self.bar.advance(recipe.batch_size)
        if step % STEPS_A_ROW == 0 or is_last:
            self._write_row(module, step)
        if step % recipe.score_every == 0 or is_last:
            self._score(module, module.averaged_vit, step)
        is_time_up = self.minutes is not None and time.monotonic() - self._began >= 60 * self.minutes
        trainer.should_stop = is_time_up or self.is_interrupted
        if step % recipe.save_every == 0 or is_last or trainer.should_stop:
            self._save(trainer, module)
        self._mark = time.monotonic()

    def _write_row(self, module: FormulaModule, step: int) -> None:
        means = {
            name: round(value, 5) for name, value in zip(MEASURED, (self._sum / self._summed).tolist(), strict=True)
        }
        pictures = module.recipe.batch_size
        row = {
            "step": step,
            "pictures": step * pictures,
            **means,
            "lr": module.recipe.lr * warmup_cosine(step - 1, module.recipe.steps, module.recipe.warmup),
            "seconds": round(self.seconds, 2),
            "pictures_per_second": round(self._summed * pictures / max(self._sum_seconds, 1e-9), 1),
        }
        self._sum, self._summed, self._sum_seconds = torch.zeros_like(self._sum), 0, 0.0
        self.rows.append(row)
        self._write_rows()
        values = ", ".join(f"{name.replace('_', ' ')} {row[name]:.3f}" for name in MEASURED)
        self._say(f"step {step}/{module.recipe.steps}: {values}, {row['pictures_per_second']:.0f} pictures/s")

    def _score(self, module: FormulaModule, vit: PlainVit, step: int) -> None:
        """Of step 0 are the scores of the random encoder, which is the control."""
        if not self.pictures:
            return
        was_training = vit.training
        vit.eval().to(module.device)

        def pooled(pixels: Tensor) -> Tensor:
            with torch.autocast(module.device.type, enabled=False):
                return tokens_of(vit, module.normalised(pixels.to(module.device))).mean(1)

        scored = {one.name: {name: round(v, 4) for name, v in scores(one, pooled).items()} for one in self.pictures}
        vit.train(was_training)
        self.rows.append({"step": step, "scores": scored})
        self._write_rows()
        random = next(row["scores"] for row in self.rows if "scores" in row)
        for name, values in scored.items():
            shown = ", ".join(f"{how} {value:.1%} (random {random[name][how]:.1%})" for how, value in values.items())
            self._say(f"step {step}: {name}: {shown}")

    def _say(self, line: str) -> None:
        if self.is_shown and hasattr(self, "bar"):
            self.bar.say(line)

    def _write_rows(self) -> None:
        replace_file(self.folder / PROGRESS, "".join(json.dumps(row) + "\n" for row in self.rows).encode())

    def _save(self, trainer: lightning.Trainer, module: FormulaModule) -> None:
        with atomic_write(self.folder / CHECKPOINT, RunError) as unfinished:
            trainer.save_checkpoint(unfinished)
        save_encoder(module.averaged_vit, self.folder, module.recipe.architecture, module.recipe.depth)

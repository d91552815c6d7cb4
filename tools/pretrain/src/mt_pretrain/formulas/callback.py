"""What happens between two steps on drawn pictures: rows of progress, scores, and the encoder as it is so far."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import lightning
import torch
from torch import Tensor

from mt_core.encoder.vit import PlainVit
from mt_core.training.records import replace_file
from mt_core.training.steps import CHECKPOINT as CHECKPOINT
from mt_core.training.steps import StepsCallback
from mt_pretrain.formulas.module import MEASURED, FormulaModule
from mt_pretrain.formulas.recipe import PretrainRecipe
from mt_pretrain.formulas.scoring import Pictures, scores
from mt_pretrain.vit import save_encoder, tokens_of, untrained_vit

PROGRESS = "progress.jsonl"
STEPS_A_ROW = 50


class PretrainCallback(StepsCallback):
    """Scores the encoder, and writes it with each checkpoint; of several processes the first one does.

    Args:
        folder: The run folder.
        recipe: The run's.
        pictures: What is scored on; scoring is not counted in `seconds`.
        minutes, show: As for `StepsCallback`.

    Attributes:
        rows: The lines of `progress.jsonl`: means over the steps since the last such row, or scores.
    """

    title: ClassVar[str] = "pretraining"
    unit: ClassVar[str] = "pictures"
    recipe: PretrainRecipe

    def __init__(
        self,
        folder: Path,
        recipe: PretrainRecipe,
        pictures: Sequence[Pictures],
        *,
        minutes: float | None = None,
        show: bool = False,
    ) -> None:
        super().__init__(folder, recipe, MEASURED, minutes=minutes, show=show)
        self.pictures = pictures

    @property
    def steps_a_row(self) -> int:
        return STEPS_A_ROW

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, FormulaModule)
        super().on_train_start(trainer, module)
        if self.is_first and not self.rows:
            self._score(module, untrained_vit(self.recipe.architecture, self.recipe.depth, self.recipe.seed), 0)

    def row(self, step: int, means: dict[str, float], lr: float, a_second: float) -> dict[str, Any]:
        pictures = step * self.recipe.batch_size
        seconds = round(self.seconds, 2)
        return {
            "step": step,
            "pictures": pictures,
            **means,
            "lr": lr,
            "seconds": seconds,
            "pictures_per_second": a_second,
        }

    def between(self, module: lightning.LightningModule, step: int) -> None:
        assert isinstance(module, FormulaModule)
        if self.is_first and (step % self.recipe.score_every == 0 or step == self.recipe.steps):
            self._score(module, module.averaged_vit, step)

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
        self.write_rows()
        random = next(row["scores"] for row in self.rows if "scores" in row)
        for name, values in scored.items():
            shown = ", ".join(f"{how} {value:.1%} (random {random[name][how]:.1%})" for how, value in values.items())
            self.say(f"step {step}: {name}: {shown}")

    def write_rows(self) -> None:
        replace_file(self.folder / PROGRESS, "".join(json.dumps(row) + "\n" for row in self.rows).encode())

    def _save(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, FormulaModule)
        super()._save(trainer, module)
        if self.is_first:
            save_encoder(module.averaged_vit, self.folder, self.recipe.architecture, self.recipe.depth)

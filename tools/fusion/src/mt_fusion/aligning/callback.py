"""What is written down, shown and kept while a space is learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import lightning

from mt_core.training.run_record import write_history
from mt_core.training.steps import StepsCallback
from mt_fusion.aligning.module import MEASURED, AlignModule
from mt_fusion.aligning.recall import score
from mt_fusion.aligning.recipe import AlignRecipe

Recalls = dict[str, dict[str, float]]
"""Recall by direction, as "photo to caption"."""


class AlignCallback(StepsCallback):
    """A line of `metrics.csv` every 10 steps, and an evaluation every so many, of which the best is kept.

    Args:
        evaluate: Gives the recalls of the rows held out.
        keep: Called with the step where these are the best so far.

    Attributes:
        evaluations: Each with `step`, `score` and `recall`.
    """

    title: ClassVar[str] = "aligning"
    unit: ClassVar[str] = "rows"
    recipe: AlignRecipe

    def __init__(
        self,
        folder: Path,
        recipe: AlignRecipe,
        evaluate: Callable[[], Recalls],
        keep: Callable[[int], object],
        *,
        minutes: float | None,
        show: bool,
    ) -> None:
        super().__init__(folder, recipe, MEASURED, minutes=minutes, show=show)
        self.evaluate, self.keep = evaluate, keep
        self.evaluations: list[dict[str, Any]] = []

    @property
    def steps_a_row(self) -> int:
        return 10

    @property
    def best(self) -> dict[str, Any]:
        """The first of the evaluations with the highest score, the one before training left aside."""
        return max(self.evaluations[1:] or self.evaluations, key=lambda each: each["score"])

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "evaluations": self.evaluations}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.evaluations = state_dict["evaluations"]

    def row(self, step: int, means: dict[str, float], lr: float, a_second: float) -> dict[str, Any]:
        return {"step": step, **means, "lr": lr, "rows_per_second": a_second, "seconds": round(self.seconds, 2)}

    def write_rows(self) -> None:
        write_history(self.folder, self.rows)

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        super().on_train_start(trainer, module)
        if not self.evaluations:
            self.evaluate_now(module, 0)

    def between(self, module: lightning.LightningModule, step: int) -> None:
        if step % self.recipe.evaluate_every == 0 or step == self.recipe.steps:
            self.evaluate_now(module, step)

    def evaluate_now(self, module: lightning.LightningModule, step: int) -> None:
        """Measure the rows held out; the best step is kept."""
        assert isinstance(module, AlignModule)
        measured = self.evaluate()
        temperature = {"scale": float(module.contrast.scale.detach())}
        self.evaluations.append({"step": step, "score": score(measured), "recall": measured, **temperature})
        if step and self.best["step"] == step:
            self.keep(step)
        shown = ", ".join(f"{direction} {of['recall@1']:.3f}" for direction, of in measured.items())
        self.say(f"step {step}: recall@1 {shown}")

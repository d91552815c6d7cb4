"""What is written down and shown while a tokenizer is adapted."""

from __future__ import annotations

from typing import Any, ClassVar

from mt_core.training.run_record import write_history
from mt_core.training.steps import StepsCallback
from mt_pretrain.adapting.recipe import AdaptRecipe


class AdaptCallback(StepsCallback):
    """A line of `metrics.csv` every 10 steps."""

    title: ClassVar[str] = "adapting"
    unit: ClassVar[str] = "samples"
    recipe: AdaptRecipe

    @property
    def steps_a_row(self) -> int:
        return 10

    def row(self, step: int, means: dict[str, float], lr: float, a_second: float) -> dict[str, Any]:
        return {"step": step, **means, "lr": lr, "samples_per_second": a_second, "seconds": round(self.seconds, 2)}

    def write_rows(self) -> None:
        write_history(self.folder, self.rows)

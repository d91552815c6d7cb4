"""What training gives back, however it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mt_core.errors import MtError
from mt_core.training.recipe import Recipe
from mt_core.training.selection import Row


@dataclass(frozen=True)
class Trained:
    """A head, and what else the recipe trains, with the weights of the row that is kept.

    Attributes:
        rows: One an epoch, or one a setting that was tried.
        kept: The one that is kept.
        seconds: All of it took.
        failed: Of samples that were left out.
        is_time_up: Whether it ended because the time was up.
        chosen: The setting that was chosen on validation; {} where epochs are chosen alone.
    """

    rows: list[dict[str, float]]
    kept: Row
    seconds: float
    failed: list[MtError]
    is_time_up: bool
    chosen: Mapping[str, Any] = field(default_factory=dict)


def reading_of(recipe: Recipe) -> dict[str, Any]:
    """How samples are read, as `Loader` takes it."""
    return {name: getattr(recipe, name) for name in ("batch_size", "num_workers", "seconds_a_sample")}

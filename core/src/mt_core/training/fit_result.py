"""What a training gives to its caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mt_core.errors import DataWarning


@dataclass(frozen=True)
class FitResult:
    """What training gave.

    Attributes:
        folder: The run folder; None where there was no `out`.
        metrics: Validation metrics of the epoch that was kept, without the "val_" before their names.
        baseline: The same metrics of the constant answer: the most frequent class, or the mean.
        history: A row an epoch.
        seconds: From the first epoch's start to the last one's end, of this session.
        was_complete: Whether a run was to be resumed that was complete already, so that nothing was done.
        stopped_after: Where `max_minutes` ended the training: after so many epochs, 1.63 in the midst of the second.
        notices: What was left out of the data, or taken for something else than they say; each once.
        test_metrics: Those of the part that was held out for a test; None where there is none.
        test_baseline: The same of the constant answer.
        chosen: What was chosen on validation beside the epoch: the neighbours, or the penalty of a solved head.
    """

    folder: Path | None
    metrics: dict[str, float]
    baseline: dict[str, float]
    history: list[dict[str, float]] = field(repr=False)
    seconds: float
    was_complete: bool = False
    stopped_after: float | None = None
    notices: Sequence[DataWarning] = ()
    test_metrics: dict[str, float] | None = None
    test_baseline: dict[str, float] | None = None
    chosen: Mapping[str, Any] = field(default_factory=dict)

"""The interval of a headline metric: the measured samples, drawn again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Head, Segmentation
from mt_core.training.intervals import Interval, percentile_interval, resampled_rows
from mt_core.training.outputs import HeadOutputs, is_resampled
from mt_report.predictions import Predictions

_SECONDS = 3.0
_FEWEST = 100
_FEWEST_INDEPENDENT = 5
"""Pictures, scenes or recordings that an interval of a segmentation or detection is taken from, at the least."""

Groups = Sequence[str | None] | None


@dataclass(frozen=True)
class Resampled:
    """An interval and what it is of; None where there is none, and why.

    Attributes:
        interval: 95 %.
        how: One sentence.
    """

    interval: Interval | None
    how: str


@dataclass(frozen=True)
class Draws:
    """What is drawn again of the measured samples.

    Attributes:
        primary: The head's primary metric as a function of the rows that are measured; None where the parts of one
            test sample are not independent of each other.
        count: Rows.
        groups: Of the rows.
        of: What is drawn, for people.
        refused: Why nothing is drawn; "" where something is.
    """

    primary: Callable[[NDArray[np.int64]], float] | None
    count: int
    groups: Groups
    of: str = ""
    refused: str = ""

    def rows(self) -> list[NDArray[np.int64]]:
        return resampled_rows(self.count, self.groups)


def draws_of(head: Head, predicted: Predictions, groups: Groups) -> Draws:
    """What can be drawn again of predictions.

    Args:
        groups: Of all samples of the dataset.
    """
    dense = predicted.dense
    if dense is None and not is_resampled(head):
        return Draws(None, 0, None, refused="the parts of one test sample are not independent of each other")
    if dense is None:
        kept = HeadOutputs()
        kept.add(predicted.outputs, predicted.targets)
        groups = groups if groups is not None and len(groups) == len(kept) else None
        return Draws(kept.primary_of(head), len(kept), groups, _of(groups))
    are_known = groups is not None and min(dense.positions, default=-1) >= 0
    own = [groups[position] for position in dense.positions] if groups is not None and are_known else None
    independent = len({row if group is None else group for row, group in enumerate(own or [None] * len(dense))})
    if independent == 1 and len(dense) >= _FEWEST_INDEPENDENT and _is_of_steps(head):
        of = "windows of the one recording measured, so what lasts longer than a window is not in it"
        return Draws(dense.primary, len(dense), None, of)
    if independent < _FEWEST_INDEPENDENT:
        what = "samples" if own is None or independent == len(dense) else "groups of samples"
        return Draws(None, len(dense), own, refused=f"{independent} independent {what} are too few to be drawn again")
    return Draws(dense.primary, len(dense), own, _of(own))


def _is_of_steps(head: Head) -> bool:
    return isinstance(head.task, Segmentation) and head.task.of == "places"


def _of(groups: Groups) -> str:
    has_groups = groups is not None and any(group is not None for group in groups)
    return f"{'whole groups of samples' if has_groups else 'samples'} measured"


def resample(draws: Draws) -> Resampled:
    """The 95 % bootstrap interval of the head's primary metric."""
    if draws.primary is None:
        return Resampled(None, f"No interval: {draws.refused}.")
    values: list[float] = []
    started = time.monotonic()
    for rows in draws.rows():
        values.append(draws.primary(rows))
        if len(values) >= _FEWEST and time.monotonic() - started > _SECONDS:
            break
    ends = percentile_interval(np.array(values))
    if ends is None:
        return Resampled(None, "No interval: in some resamples the metric is not defined.")
    return Resampled(
        ends,
        f"95 % interval: {len(values)} bootstrap resamples of the {draws.of}; the spread over seeds is not in it.",
    )

"""The interval of a headline metric: the measured samples, drawn again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mt_core.contract import Head
from mt_core.training.intervals import Interval, percentile_interval, resampled_rows
from mt_core.training.outputs import HeadOutputs, is_resampled

_SECONDS = 3.0
_FEWEST = 100


@dataclass(frozen=True)
class Resampled:
    """An interval and what it is of; None where there is none, and why.

    Attributes:
        interval: 95 %.
        how: One sentence.
    """

    interval: Interval | None
    how: str


def resample(head: Head, outputs: Tensor, targets: Tensor, groups: Sequence[str | None] | None) -> Resampled:
    """The 95 % bootstrap interval of the head's primary metric.

    Args:
        groups: Of the rows, where they are all the samples of their dataset.
    """
    if not is_resampled(head):
        return Resampled(None, "No interval: the parts of one test sample are not independent of each other.")
    kept = HeadOutputs()
    kept.add(outputs, targets)
    primary = kept.primary_of(head)
    draws = resampled_rows(len(kept), groups)
    values: list[float] = []
    started = time.monotonic()
    for rows in draws:
        values.append(primary(rows))
        if len(values) >= _FEWEST and time.monotonic() - started > _SECONDS:
            break
    ends = percentile_interval(np.array(values))
    if ends is None:
        return Resampled(None, "No interval: in some resamples the metric is not defined.")
    of = "whole groups of samples" if groups is not None and any(group is not None for group in groups) else "samples"
    return Resampled(
        ends,
        f"95 % interval: {len(values)} bootstrap resamples of the {of} measured; the spread over seeds is not in it.",
    )

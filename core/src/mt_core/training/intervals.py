"""How far a number can be trusted: resampled test parts for one training, Student's t for several."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 500

# two-sided 95 %, for 1, 2, … degrees of freedom; beyond, the normal distribution's
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_NORMAL = 1.96

Interval = tuple[float, float]


def resampled_rows(count: int, groups: Sequence[str | None] | None, seed: int = 0) -> list[NDArray[np.int64]]:
    """`RESAMPLES` draws, with replacement, of as many samples as there are; of whole groups where there are groups,
    because the samples of one are not independent.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 6 and 8.
    """
    generator = np.random.default_rng(seed)
    if groups is None or all(group is None for group in groups):
        return [generator.integers(0, count, count) for _ in range(RESAMPLES)]
    rows_of: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        rows_of.setdefault(row if group is None else group, []).append(row)
    members = [np.array(rows) for rows in rows_of.values()]
    drawn = (generator.integers(0, len(members), len(members)) for _ in range(RESAMPLES))
    return [np.concatenate([members[index] for index in indices]) for indices in drawn]


def percentile_interval(values: NDArray[np.float64]) -> Interval | None:
    """The middle 95 %; None where a value is not known."""
    if not len(values) or not np.isfinite(values).all():
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def student_interval(values: Sequence[float]) -> Interval | None:
    """95 % interval of the mean of independent values; None for fewer than two different ones, or where one is not
    known."""
    if len(set(values)) < 2 or not all(map(math.isfinite, values)):
        return None
    freedom = len(values) - 1
    quantile = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL
    mean, half = float(np.mean(values)), quantile * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean - half, mean + half

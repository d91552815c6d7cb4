"""Means and deviations of training spectra, in one pass.  F features, C bands."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_BATCH = 512


def mean_and_std(rows: Iterable[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Mean and standard deviation of arrays of one shape, and how many there were.

    Source: Chan, Golub and LeVeque 1979, Updating formulae and a pairwise algorithm for computing sample variances.
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    waiting: list[NDArray[np.float64]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _BATCH:
            count, mean, squares = _merged(count, mean, squares, np.stack(waiting))
            waiting = []
    if waiting:
        count, mean, squares = _merged(count, mean, squares, np.stack(waiting))
    return mean, np.sqrt(squares / max(count, 1)), count


def _merged(
    count: int, mean: NDArray[np.float64], squares: NDArray[np.float64], more: NDArray[np.float64]
) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    total = count + len(more)
    difference = more.mean(0) - mean
    squares = squares + more.var(0) * len(more) + difference**2 * (count * len(more) / total)
    return total, mean + difference * (len(more) / total), squares

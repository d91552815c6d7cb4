"""Means and deviations of training spectra, in one pass.  F features, C bands."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

_BATCH = 512


def mean_and_std(rows: Iterable[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Mean and standard deviation of arrays of one shape, and how many there were.

    Source: Chan, Golub and LeVeque 1979, Updating formulae and a pairwise algorithm for computing sample variances.
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        more = np.stack(batch)
        total, difference = count + len(more), more.mean(0) - mean
        squares = squares + more.var(0) * len(more) + difference**2 * (count * len(more) / total)
        count, mean = total, mean + difference * (len(more) / total)
    return mean, np.sqrt(squares / max(count, 1)), count

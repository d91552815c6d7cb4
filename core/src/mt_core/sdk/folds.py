"""Parts of a data set that has none of its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def assign_folds(labels: Sequence[Hashable], folds: int, seed: int) -> NDArray[np.int64]:
    """For each sample its fold, 0 to `folds` - 1: within each class samples are dealt round in an order drawn from the
    seed, so that every fold has its share of every class, and folds differ by one sample at most."""
    of_class: dict[Hashable, list[int]] = {}
    for index in np.random.default_rng(seed).permutation(len(labels)).tolist():
        of_class.setdefault(labels[index], []).append(index)
    dealt = [index for name in sorted(of_class, key=str) for index in of_class[name]]
    fold = np.empty(len(labels), np.int64)
    fold[dealt] = np.arange(len(labels)) % folds
    return fold

"""Parts of a data set that has none of its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import OptionError


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


def assign_group_folds(groups: Sequence[Hashable | None], folds: int) -> NDArray[np.int64]:
    """For each sample its fold, 0 to `folds` - 1, all samples of a group in one: the largest groups first, each to the
    fold that has the fewest samples so far. None is a group of its own.

    Raises:
        OptionError: fewer groups than folds.
    """
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(("alone", index) if group is None else ("group", group), []).append(index)
    if len(members) < folds:
        raise OptionError(
            f"{len(members)} groups are too few for {folds} folds", fix=f"give at most folds={len(members)}"
        )
    sizes = [0] * folds
    fold = np.empty(len(groups), np.int64)
    for name in sorted(members, key=lambda name: (-len(members[name]), str(name))):
        smallest = sizes.index(min(sizes))
        fold[members[name]] = smallest
        sizes[smallest] += len(members[name])
    return fold

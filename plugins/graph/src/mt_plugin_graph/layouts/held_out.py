"""What is held out of a set that has no splits of its own, and the rows of a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import select_splits


def random_test(count: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which of so many samples are held out."""
    held = np.zeros(count, bool)
    held[np.random.default_rng(seed).permutation(count)[: round(count * fraction)]] = True
    return held


def random_groups_test(groups: Sequence[str | None], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which samples are held out, whole groups drawn at random: as many as do not exceed the fraction, or the smallest.

    Args:
        groups: None for a sample that is a group of its own.
    """
    of_group: dict[str | int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        of_group[index if group is None else group].append(index)
    members = list(of_group.values())
    held = np.zeros(len(groups), bool)
    room = round(len(groups) * fraction)
    for at in np.random.default_rng(seed).permutation(len(members)).tolist():
        if len(members[at]) <= room:
            held[members[at]] = True
            room -= len(members[at])
    if fraction and not held.any() and len(members) > 1:
        held[min(members, key=len)] = True
    return held


def grouped_test(groups: Sequence[str], fraction: float) -> NDArray[np.bool_]:
    """Which samples are held out, whole groups at a time: the largest groups are for training, so that what is held out
    is unlike it. As MoleculeNet splits by scaffold (Wu et al. 2018, arXiv:1703.00564, section 3.2)."""
    of_group: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        of_group[group].append(index)
    held = np.ones(len(groups), bool)
    room = len(groups) - round(len(groups) * fraction)
    for members in sorted(of_group.values(), key=lambda members: (-len(members), members[0])):
        if len(members) <= room:
            held[members] = False
            room -= len(members)
    return held


def held_out(is_held: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    """Rows by split: "test" are those held out; {} where there are none."""
    return {"train": np.flatnonzero(~is_held), "test": np.flatnonzero(is_held)} if is_held.any() else {}


def chosen_rows(parts: Mapping[str, NDArray[Any]], count: int, split: str, root: Path) -> list[int]:
    """The rows of the splits that are asked for; all where there are no parts.

    Raises:
        MissingSplitError: no such split.
    """
    splits = select_splits(split, parts, root)
    return np.concatenate([parts[name] for name in splits]).tolist() if splits else list(range(count))

"""What is held out of molecules that come in one table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def random_test(count: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which of so many samples are held out."""
    held = np.zeros(count, bool)
    held[np.random.default_rng(seed).permutation(count)[: round(count * fraction)]] = True
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

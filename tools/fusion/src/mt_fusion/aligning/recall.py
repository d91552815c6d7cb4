"""How often a sample's partner is among the nearest.  A samples that ask, B that are looked through, E width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

NEAREST = (1, 5, 10)
"""Among how many of the nearest a partner is looked for."""


def recall(first_AE: Tensor, second_BE: Tensor, linked_AB: Tensor) -> dict[str, float]:
    """recall@1, @5 and @10: the share of the first samples that have a partner and find one among so many nearest.

    Args:
        first_AE, second_BE: Vectors of length 1.
    """
    asking_A = linked_AB.any(1)
    similar_AB = first_AE[asking_A].double() @ second_BE.double().T
    linked_AB = linked_AB[asking_A]
    best_A = similar_AB.masked_fill(~linked_AB, -torch.inf).amax(1)
    # those that are nearer than the best partner; of the others that are as near half, as by chance
    nearer_A = (similar_AB > best_A[:, None]).sum(1)
    level_A = ((similar_AB == best_A[:, None]) & ~linked_AB).sum(1)
    rank_A = nearer_A + level_A / 2
    return {f"recall@{k}": float((rank_A < k).double().mean()) for k in NEAREST}


def chance(linked_AB: Tensor) -> dict[str, float]:
    """The same of an order that is drawn: 1 - C(B - p, k) / C(B, k) for p partners among B."""
    linked_AB = linked_AB[linked_AB.any(1)]
    count = linked_AB.shape[1]
    partners_A = linked_AB.sum(1).double()
    expected: dict[str, float] = {}
    missed_A = torch.ones_like(partners_A)
    for drawn in range(max(NEAREST)):
        if drawn < count:
            missed_A = missed_A * ((count - partners_A - drawn) / (count - drawn)).clamp(min=0)
        if drawn + 1 in NEAREST:
            expected[f"recall@{drawn + 1}"] = float((1 - missed_A).mean())
    return expected


def score(measured: Mapping[str, Mapping[str, float]]) -> float:
    """By which the best step is chosen: the mean recall over directions and over 1, 5 and 10."""
    values: Sequence[float] = [value for of_direction in measured.values() for value in of_direction.values()]
    return sum(values) / len(values)

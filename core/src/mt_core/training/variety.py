"""Whether vectors still differ from sample to sample."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

_LEAST_SPREAD, _LEAST_RANK = 0.1, 0.25
"""What must be left of them."""


@dataclass(frozen=True)
class Variety:
    """How different some vectors are.

    Attributes:
        spread: The share of their squared length that is not in their mean: 0 where all are the same.
        rank: Along how many directions they differ, weighted (Garrido et al. 2023 (RankMe), arXiv:2210.02885, eq. 2, of
            the centred vectors).
    """

    spread: float
    rank: float

    def record(self) -> dict[str, float]:
        return asdict(self)

    def __str__(self) -> str:
        return f"spread {self.spread:.3g}, rank {self.rank:.1f}"


def variety(vectors_BD: Tensor) -> Variety:
    """Of (B, D) vectors, computed in double precision."""
    vectors_BD = vectors_BD.double()
    centred_BD = vectors_BD - vectors_BD.mean(0)
    spread = float(centred_BD.square().sum() / vectors_BD.square().sum().clamp_min(1e-300))
    sizes = torch.linalg.svdvals(centred_BD)
    shares = sizes / sizes.sum().clamp_min(1e-300)
    return Variety(spread, float(torch.exp(torch.special.entr(shares).sum())))


def has_collapsed(before: Variety, after: Variety) -> bool:
    """Whether less than a tenth of the spread, or a quarter of the rank, is left."""
    return not (after.spread >= _LEAST_SPREAD * before.spread and after.rank >= _LEAST_RANK * before.rank)

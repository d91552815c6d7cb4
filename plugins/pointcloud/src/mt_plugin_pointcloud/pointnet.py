"""A neighbourhood of points to one vector.  M neighbourhoods, K points each, C numbers a point, D width."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MiniPointNet(nn.Module):
    """Shared layers for each point, the maximum over the points, twice: no order of the points changes the result.

    The second layer sees each point beside the maximum over all of them. As a layer on two things side by side is the
    sum of a layer on each, and as neither adding the same to all points nor a ReLU changes which one is the largest,
    the sum and the ReLU come after the maximum, on M rows and not on M * K.

    No batch normalisation: a token depends on its own points alone.

    Args:
        channels: C.
        width: D.

    Source: Qi et al. 2017 (PointNet), arXiv:1612.00593, section 4.2, in the form of Yu et al. 2022 (Point-BERT),
    arXiv:2111.14819, section 3.1, with an eighth of its width.
    """

    LOCAL, POOLED = 64, 128

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.lift = nn.Linear(channels, 32)
        self.local = nn.Linear(32, self.LOCAL)
        self.own = nn.Linear(self.LOCAL, self.POOLED)
        self.shared = nn.Linear(self.LOCAL, self.POOLED, bias=False)
        self.project = nn.Linear(self.POOLED, width)

    def forward(self, groups_MKC: Tensor) -> Tensor:
        """(M, K, C) to (M, D)."""
        local_MKL = self.local(torch.relu(self.lift(groups_MKC)))
        largest_ML = local_MKL.amax(1)
        pooled_MP = torch.relu(self.own(local_MKL).amax(1) + self.shared(largest_ML))
        projected: Tensor = self.project(pooled_MP)
        return projected

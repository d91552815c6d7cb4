"""A neighbourhood of points to one vector.  M neighbourhoods, K points each, C numbers a point, D width."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_AT_ONCE = 128
"""Neighbourhoods computed together on a CPU: what passes between the layers then stays in its cache (three times as
fast as all at once)."""


class MiniPointNet(nn.Module):
    """A layer on each point, the maximum over the points, and again: no order of the points changes the result.

    The second layer sees each point beside the maximum over all of them. As a layer on two things side by side is the
    sum of a layer on each, and as neither adding the same to all points nor a ReLU changes which one is the largest,
    what is the same for all points is added after the maximum, on M rows and not on M * K.

    No batch normalisation: a token depends on its own points alone.

    Args:
        channels: C.
        width: D.

    Source: Qi et al. 2017 (PointNet), arXiv:1612.00593, section 4.2, in the form of Yu et al. 2022 (Point-BERT),
    arXiv:2111.14819, section 3.1, with fewer layers and a quarter of the width.
    """

    POINT, SHARED, POOLED = 32, 64, 128

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.lift = nn.Linear(channels, self.POINT)
        self.spread = nn.Linear(self.POINT, self.SHARED + self.POOLED)  # first and second layer in one product
        self.shared = nn.Linear(self.SHARED, self.POOLED, bias=False)
        self.project = nn.Linear(self.POOLED, width)

    def forward(self, groups_MKC: Tensor) -> Tensor:
        """(M, K, C) to (M, D); M may be several axes."""
        is_split = groups_MKC.device.type == "cpu" and not torch.compiler.is_compiling()
        parts = torch.split(groups_MKC, _AT_ONCE) if is_split else (groups_MKC,)
        largest = torch.cat([self.spread(torch.relu(self.lift(part))).amax(-2) for part in parts])
        shared_MS, own_MP = torch.split(largest, [self.SHARED, self.POOLED], dim=-1)
        tokens: Tensor = self.project(torch.relu(own_MP + self.shared(shared_MS)))
        return tokens

"""Groups of bands to tokens.

B pixels, P places, C bands, F features, S spatial filters, G groups, K bands a group, D width.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

SPATIAL_FILTERS = 4


class GroupEmbedding(nn.Module):
    """A linear map for each group of bands, of its own, from all features of its bands.

    A neighbourhood is first summed up by a few spatial filters, the same for every band and feature: the first starts
    as the pixel itself, the second as the mean of all, the others at random.

    Args:
        groups_GK: Indices of the bands of each group.
        features: F.
        places: P, 1 for the pixel alone.
    """

    groups_GK: Tensor

    def __init__(self, groups_GK: Tensor, features: int, places: int, width: int) -> None:
        super().__init__()
        self.register_buffer("groups_GK", groups_GK, persistent=False)
        num_groups, size = groups_GK.shape
        self.spatial: nn.Parameter | None = None
        if places > 1:
            filters_SP = torch.randn(SPATIAL_FILTERS, places) / places**0.5
            filters_SP[0] = torch.eye(places)[places // 2]
            filters_SP[1] = 1 / places
            self.spatial = nn.Parameter(filters_SP)
            features = features * SPATIAL_FILTERS
        fan_in = features * size
        self.weight = nn.Parameter(torch.randn(num_groups, fan_in, width) * fan_in**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_groups, width))

    def forward(self, features_BPFC: Tensor) -> Tensor:
        """(B, G, D)."""
        if self.spatial is None:
            features_BFC = features_BPFC.squeeze(1)
        else:
            filtered = torch.einsum("b p f c, s p -> b s f c", features_BPFC, self.spatial)
            features_BFC = rearrange(filtered, "b s f c -> b (s f) c")
        grouped_GBX = rearrange(features_BFC[..., self.groups_GK], "b f g k -> g b (f k)")
        return rearrange(torch.bmm(grouped_GBX, self.weight), "g b d -> b g d") + self.bias

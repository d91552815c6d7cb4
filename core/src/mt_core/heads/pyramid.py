"""From the lattice of a picture's tokens to feature maps of several resolutions.

B pictures, D width, h, w lattice of the tokens, C channels of the maps.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

SCALES = (4.0, 2.0, 1.0, 0.5)
"""Cells of a map along one token, finest map first."""


class FeaturePyramid(nn.Module):
    """Four maps made in parallel from the last tokens alone: enlarged four times and twice by transposed convolutions,
    as they are, and halved; each then brought to C channels by a 1 x 1 and a 3 x 3 convolution.

    Attributes:
        out_channels: C, where torchvision's detectors look for it.

    Source: Li et al. 2022 (ViTDet), arXiv:2203.16527, section 3, "simple feature pyramid".
    """

    def __init__(self, width: int, channels: int) -> None:
        from torchvision.models.convnext import LayerNorm2d  # late: it takes more than a second

        super().__init__()
        self.out_channels = channels
        half, quarter = max(1, width // 2), max(1, width // 4)
        resizings = (
            (
                nn.ConvTranspose2d(width, half, kernel_size=2, stride=2),
                LayerNorm2d(half),
                nn.GELU(),
                nn.ConvTranspose2d(half, quarter, kernel_size=2, stride=2),
            ),
            (nn.ConvTranspose2d(width, half, kernel_size=2, stride=2),),
            (),
            (nn.MaxPool2d(kernel_size=2, stride=2, ceil_mode=True),),
        )
        self.levels = nn.ModuleList(
            nn.Sequential(
                *resizing,
                nn.Conv2d(wide, channels, kernel_size=1, bias=False),
                LayerNorm2d(channels),
                nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
                LayerNorm2d(channels),
            )
            for resizing, wide in zip(resizings, (quarter, half, width, width), strict=True)
        )

    def forward(self, tokens_BDhw: Tensor) -> OrderedDict[str, Tensor]:
        """(B, C, h', w') each, finest first, by the name that torchvision's detectors give them."""
        for side in tokens_BDhw.shape[-2:]:
            torch._check(2 * ((side - 1) // 2) < side)  # the last cell of the halved map: always so, traced or not
        return OrderedDict((str(index), level(tokens_BDhw)) for index, level in enumerate(self.levels))

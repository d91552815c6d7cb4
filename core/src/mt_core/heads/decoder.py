"""From the lattice of a square's tokens to scores of its pixels.

R squares, N = h * w tokens, D width, S side in pixels, K classes.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

_GROUPS = 8  # of channels that are normalised together


class LinearDecoder(nn.Module):
    """Scores of each token by one linear map, enlarged between the tokens.

    Source: Strudel et al. 2021 (Segmenter), arXiv:2105.05633, section 3.2, the linear decoder.
    """

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.readout = nn.Linear(width, num_classes)

    def forward(self, tokens_RND: Tensor, grid: tuple[int, int], pixels_RCSS: Tensor, boxes_R4: Tensor) -> Tensor:
        """(R, K, S, S)."""
        scores_RKhw = on_lattice(self.readout(tokens_RND), grid)
        return enlarged(scores_RKhw, pixels_RCSS.shape[-2:])


class ConvDecoder(nn.Module):
    """Tokens brought down to `hidden` channels, enlarged in two steps, at each of which what a few convolutions see in
    the pixels themselves is joined: the tokens carry the classes, the pixels the outlines. With each pixel
    comes where it lies in the whole picture, which a square does not tell.

    Sources: Liu et al. 2018 (CoordConv), arXiv:1807.03247, section 3, for places as channels; Chen et al. 2023
    (ViT-Adapter), arXiv:2205.08534, section 3.2, for the convolutional stem beside a plain ViT; Kirillov et al. 2019,
    arXiv:1901.02446, section 3, for 3 x 3 convolutions with group normalisation between enlargements.
    """

    def __init__(self, width: int, num_classes: int, hidden: int) -> None:
        super().__init__()
        half = hidden // 2
        self.project = nn.Linear(width, hidden)
        self.stem_half = _conv(5, half, stride=2)
        self.stem_quarter = _conv(half, hidden, stride=2)
        self.join_quarter = _conv(2 * hidden, hidden)
        self.join_half = _conv(hidden + half, hidden)
        self.readout = nn.Conv2d(hidden, num_classes, kernel_size=1)

    def forward(self, tokens_RND: Tensor, grid: tuple[int, int], pixels_RCSS: Tensor, boxes_R4: Tensor) -> Tensor:
        """(R, K, S, S)."""
        fine_RCtt = self.stem_half(torch.cat([pixels_RCSS, places_in(boxes_R4, pixels_RCSS)], dim=1))
        coarse_RCqq = self.stem_quarter(fine_RCtt)
        seen_RChw = on_lattice(self.project(tokens_RND), grid)
        joined = self.join_quarter(torch.cat([enlarged(seen_RChw, coarse_RCqq.shape[-2:]), coarse_RCqq], dim=1))
        joined = self.join_half(torch.cat([enlarged(joined, fine_RCtt.shape[-2:]), fine_RCtt], dim=1))
        return enlarged(self.readout(joined), pixels_RCSS.shape[-2:])


def places_in(boxes_R4: Tensor, pixels_RCSS: Tensor) -> Tensor:
    """(R, 2, S, S) how far down and across the picture the centre of each pixel lies, -1 to 1.

    Args:
        boxes_R4: Top, left, bottom and right of each square in its picture, 0 to 1.
    """
    size = pixels_RCSS.shape[-1]
    centres_S = (torch.arange(size, device=pixels_RCSS.device, dtype=pixels_RCSS.dtype) + 0.5) / size
    start_R2, end_R2 = (2 * boxes_R4.to(pixels_RCSS.dtype) - 1).chunk(2, dim=1)
    places_R2S = start_R2[..., None] + (end_R2 - start_R2)[..., None] * centres_S
    down_RSS = places_R2S[:, 0, :, None].expand(-1, -1, size)
    across_RSS = places_R2S[:, 1, None, :].expand(-1, size, -1)
    return torch.stack([down_RSS, across_RSS], dim=1)


def on_lattice(tokens_RNC: Tensor, grid: tuple[int, int]) -> Tensor:
    """(R, C, h, w)."""
    return rearrange(tokens_RNC, "r (h w) c -> r c h w", h=grid[0], w=grid[1])


def enlarged(scores_RKhw: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    """(R, K, height, width), linearly between the centres of what is enlarged."""
    return nn.functional.interpolate(scores_RKhw, size=tuple(size), mode="bilinear", align_corners=False)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.GroupNorm(min(_GROUPS, out // 4), out),
        nn.GELU(),
    )

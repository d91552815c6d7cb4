"""Pixels to tokens by a few early convolutions.  B batch, C channels, D width, N tokens, H and W pixels."""

from __future__ import annotations

from collections.abc import Sequence

from einops import rearrange
from torch import Tensor, nn

_GROUPS = 8


class ConvStem(nn.Module):
    """Convolutions that halve the picture until one position is left a patch, then a 1 x 1 projection.

    Each halving is followed by a convolution that keeps the size, as in the source's larger stems. Group normalisation
    stands where the source has batch normalisation, so that a picture's tokens do not depend on the others in its batch
    (Wu & He 2018, arXiv:1803.08494).

    Args:
        channels: C of the picture.
        width: D of the tokens.
        patch: Pixels along a patch, a power of two of at least 2.

    Source: Xiao et al. 2021, Early Convolutions Help Transformers See Better, arXiv:2106.14881, section 3.
    """

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        layers: list[nn.Module] = []
        for doublings_left in reversed(range(patch.bit_length() - 1)):
            # channels double with every halving and end at the width
            wider = max(width >> doublings_left, 3 * _GROUPS) // _GROUPS * _GROUPS
            layers += [*_convolution(channels, wider, stride=2), *_convolution(wider, wider, stride=1)]
            channels = wider
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, width, kernel_size=1))

    def grid(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The lattice of tokens over a picture of (H, W) pixels, multiples of the patch."""
        return tuple(size // self.patch for size in shape)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) to (B, N, D), row by row."""
        tokens_BDHW: Tensor = self.layers(pixels_BCHW)
        return rearrange(tokens_BDHW, "b d h w -> b (h w) d")


def _convolution(channels: int, wider: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, wider, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.GroupNorm(_GROUPS, wider),
        nn.GELU(),
    ]

"""Tokens that every encoder can be tried on, without any data.  R rows, N tokens, D width."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

from mt_core.contract import Tokens
from mt_core.encoder import Encoder
from mt_core.sdk.blocks.positions import interpolate_positions

LARGE_GRID = 14
"""Patches along a side of what most encoders are trained on; 196 tokens."""
_COARSE = (1, 2, 4, 8, 16, 32)
_SCALES = (0.5, 1.0, 2.0)
_WITHOUT_PICTURES = 64


def probe_tokens(encoder: Encoder, rows: int, *, seed: int) -> list[Tokens]:
    """Batches of tokens: pictures at the encoder's native size, larger ones, and what is no picture.

    Args:
        rows: Of the first batch; the others have an eighth of it, at least three.
        seed: Of all draws.
    """
    generator = torch.Generator().manual_seed(seed)
    few = max(3, rows // 8)
    side = _native_side(encoder)
    if side is None:
        sizes = [(rows, _WITHOUT_PICTURES), (few, LARGE_GRID**2)]
        batches = [torch.randn(count, length, encoder.width, generator=generator) for count, length in sizes]
    else:
        batches = [_of_pictures(encoder, count, grid, generator) for count, grid in ((rows, side), (few, LARGE_GRID))]
    spread = float(batches[0].std())
    drawn = torch.randn(few, batches[0].shape[1], encoder.width, generator=generator) * spread
    batches.append(drawn * torch.tensor(_SCALES).repeat(few)[:few].view(-1, 1, 1))
    device = next(encoder.parameters()).device
    return [Tokens(batch.to(device)) for batch in batches]


def _native_side(encoder: Encoder) -> int | None:
    """Patches along a side of the pictures that it was trained on; None where pictures cannot enter."""
    if encoder.native_patch is None or encoder.native_size is None or encoder.positions_grid is None:
        return None
    return max(1, encoder.native_size // encoder.native_patch)


def _of_pictures(encoder: Encoder, rows: int, grid: int, generator: torch.Generator) -> Tensor:
    """(R, N, D) tokens of drawn pictures, positions added."""
    assert encoder.native_patch is not None and encoder.patch_weight is not None
    assert encoder.positions is not None and encoder.positions_grid is not None
    pictures = _pictures(rows, grid * encoder.native_patch, generator)
    mean, std = (torch.tensor(given).view(1, 3, 1, 1) for given in (encoder.mean, encoder.std))
    weight, bias = encoder.patch_weight.cpu(), encoder.patch_bias
    patches = conv2d((pictures - mean) / std, weight, None if bias is None else bias.cpu(), stride=encoder.native_patch)
    positions = interpolate_positions(encoder.positions.cpu(), encoder.positions_grid, (grid, grid))
    return patches.flatten(2).transpose(1, 2) + positions


def _pictures(rows: int, size: int, generator: torch.Generator) -> Tensor:
    """(R, 3, size, size) in [0, 1]: flat, of few and of many colours, noise, and bars on white as in a drawing."""
    pictures = []
    for number in range(rows):
        kind = number % (len(_COARSE) + 1)
        if kind < len(_COARSE):
            colours = torch.rand(1, 3, _COARSE[kind], _COARSE[kind], generator=generator)
            pictures.append(interpolate(colours, size=(size, size), mode="bilinear"))
        else:
            heights = torch.rand(1, 1, 1, size, generator=generator) * size
            is_bar = torch.arange(size).view(1, 1, size, 1) < heights
            pictures.append(torch.where(is_bar, 0.1, 1.0).expand(1, 3, size, size))
    return torch.cat(pictures)

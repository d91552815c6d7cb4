"""Series as pictures: area charts and spectrograms, three channels as red, green and blue; see
`mt_core.sdk.blocks.charts`.

B series, C channels, L steps with padding, V pictures a series, S side in pixels.

A chart shows a channel on its window's own scale, moved up or down by tanh(mean / scale): about what level it varies is
seen, whatever its unit, and never hides how it varies.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from mt_core.sdk.blocks import draw_series

CHANNELS = 12
"""In a picture, at most: four bands of three."""

HALF_RANGE = 3.0
"""What reaches from the middle of a chart to its edge, in deviations: two, and one for the level."""


def draw_channels(
    values_BCL: Tensor, levels_BC: Tensor, lengths_B: Tensor, counts_B: Tensor, *, together: int, size: int, patch: int
) -> Tensor:
    """Series as pictures of some channels each, stretched over the width.

    Args:
        values_BCL: Without their mean, in deviations; padded before the oldest step.
        levels_BC: Their means, in deviations.
        lengths_B: Real steps of each series, the last ones.
        counts_B: Real channels of each series, the first ones.
        together: Channels of a picture.
        size: S.
        patch: Side of the patches that charts and spectrograms keep to.

    Returns:
        (B, V, 3, S, S) in 0..1, NaN where a series has no such channels.
    """
    num_rows, num_channels, num_steps = values_BCL.shape
    num_views = -(-num_channels // together)
    shown_BCL = values_BCL + levels_BC.tanh()[..., None]
    shown_BCL = nn.functional.pad(shown_BCL, (0, 0, 0, num_views * together - num_channels))
    before_V = torch.arange(num_views, device=counts_B.device) * together
    lengths_M = lengths_B.repeat_interleave(num_views)
    pictures_MCSS = draw_series(
        rearrange(shown_BCL, "b (v c) l -> (b v) l c", c=together),
        torch.stack([num_steps - lengths_M, torch.full_like(lengths_M, num_steps)], dim=1),
        (counts_B[:, None] - before_V).clamp(0, together).flatten(),
        size=size,
        patch=patch,
        half_range=HALF_RANGE,
    )
    return rearrange(pictures_MCSS, "(b v) c h w -> b v c h w", b=num_rows)

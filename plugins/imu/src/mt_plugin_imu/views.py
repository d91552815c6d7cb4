"""Windows of recordings as pictures: area charts and spectrograms, the axes of a sensor as red, green and blue; see
`mt_core.sdk.blocks.charts`.

B recordings, V windows a recording, L steps, C axes, S side in pixels.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from mt_core.sdk.blocks import draw_series

HALF_RANGE = 2.0
"""What reaches from the middle of a chart to its edge: deviations, or a recording's own root mean squares."""


def draw_windows(axes_BVLC: Tensor, lengths_BV: Tensor, num_axes_B: Tensor | None, *, size: int, patch: int) -> Tensor:
    """Windows as pictures, each stretched over the width.

    Args:
        axes_BVLC: Standardised.
        lengths_BV: The real steps of each window, 0 where there is none.
        num_axes_B: The real axes of each recording, the first ones; None: all are real.
        size: S.
        patch: Side of the patches that the charts keep to.

    Returns:
        (B, V, 3, S, S) in 0..1, NaN where there is no window.
    """
    num_rows, num_views, _, num_axes = axes_BVLC.shape
    lengths_M = lengths_BV.flatten()
    num_axes_B = torch.full((num_rows,), num_axes) if num_axes_B is None else num_axes_B
    pictures_MCSS = draw_series(
        rearrange(axes_BVLC, "b v l c -> (b v) l c"),
        torch.stack([torch.zeros_like(lengths_M), lengths_M], dim=1),
        num_axes_B.repeat_interleave(num_views),
        size=size,
        patch=patch,
        half_range=HALF_RANGE,
    )
    return rearrange(pictures_MCSS, "(b v) c h w -> b v c h w", b=num_rows)

"""Series of different lengths in one batch, each stretched over its pixels by the same few operations.

M series, L steps with padding, W pixels.

`torch.nn.functional.interpolate` takes a length and a size for all its rows. What it computes is a sum over the steps
of a row; here the weights of that sum are made from the lengths, which may then be values of a graph that is exported.
"""

from __future__ import annotations

import torch
from torch import Tensor


def stretching_weights(lengths_M: Tensor, num_steps: int, num_pixels: int, widths_M: Tensor | None = None) -> Tensor:
    """What each step of a series adds to each pixel, as `interpolate(mode="bilinear", antialias=True)` weighs them.

    Args:
        lengths_M: Real steps of each series, the first ones.
        num_steps: L.
        num_pixels: W.
        widths_M: Pixels that each series is stretched over, the first ones; None: all of them.

    Returns:
        (M, W, L) float32; of each of a series' pixels the sum is 1, behind them weights mean nothing.
    """
    device = lengths_M.device
    lengths_M = lengths_M.float().clamp_min(1)
    scale_M11 = (lengths_M / (num_pixels if widths_M is None else widths_M.float()))[:, None, None]
    centres_MW1 = scale_M11 * (torch.arange(num_pixels, device=device)[None, :, None] + 0.5)
    steps_L = torch.arange(num_steps, device=device)
    apart_MWL = (steps_L + 0.5 - centres_MW1).abs() / scale_M11.clamp_min(1)
    weights_MWL = (1 - apart_MWL).clamp_min(0) * (steps_L < lengths_M[:, None, None])
    return weights_MWL / weights_MWL.sum(-1, keepdim=True).clamp_min(1e-12)

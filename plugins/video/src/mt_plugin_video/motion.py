"""What moved since the frame before.  B clips, T frames, H and W pixels."""

from __future__ import annotations

import torch
from torch import Tensor

MOTION_CHANNELS = 3

_CHANGE_GAIN = 4.0
"""What moves changes a pixel by a quarter of what pixels differ by, or less."""

_NOISE = 0.05
"""Gradients of this size, in units of a normalised pixel, are half believed."""


def motion_of(pixels_BTCHW: Tensor) -> Tensor:
    """Change and movement of each pixel since the frame before it.

    A changed pixel at an edge tells in which direction the edge went, whichever side is the brighter: the gradients of
    brightness I across, down and in time are tied by I_x u + I_y v + I_t = 0 to a movement (u, v). Here
    (u, v) = -2 I_t (I_x, I_y) / (I_x² + I_y² + I_t²), the movement along the gradient, bounded to -1..1: a slow one is
    doubled, one of a pixel is itself, and a fast one, or a cut, comes to little.

    Args:
        pixels_BTCHW: Normalised colours.

    Returns:
        (B, T, 3, H, W): change of brightness, movement across and down; zero in the first frame.

    Source: Horn & Schunck 1981, Determining optical flow, Artificial Intelligence 17, section 4; the
    change in the denominator, which bounds it, is ours.
    """
    bright_BTHW = pixels_BTCHW.mean(2)
    change_BtHW = bright_BTHW.diff(dim=1)
    middle_BtHW = (bright_BTHW[:, 1:] + bright_BTHW[:, :-1]) / 2
    across_BtHW, down_BtHW = _slope(middle_BtHW, -1), _slope(middle_BtHW, -2)
    believed_BtHW = across_BtHW**2 + down_BtHW**2 + change_BtHW**2 + _NOISE**2
    directed_BtHW = -2 * change_BtHW / believed_BtHW
    motion_Bt3HW = torch.stack(
        [change_BtHW * _CHANGE_GAIN, directed_BtHW * across_BtHW, directed_BtHW * down_BtHW], dim=2
    )
    return torch.cat([torch.zeros_like(motion_Bt3HW[:, :1]), motion_Bt3HW], dim=1)


def _slope(values: Tensor, axis: int) -> Tensor:
    """Half the difference of the neighbours on either side; zero at the border."""
    length = values.shape[axis]
    inner = (values.narrow(axis, 2, length - 2) - values.narrow(axis, 0, length - 2)) / 2
    border = torch.zeros_like(values.narrow(axis, 0, 1))
    return torch.cat([border, inner, border], dim=axis)

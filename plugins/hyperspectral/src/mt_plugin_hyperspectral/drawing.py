"""Spectra as pictures: each band against each other one.  B pixels, C bands, S side in pixels.

Source of the idea: Wang and Oates 2015, arXiv:1506.00327, series as pictures of each step against each other one;
Eckmann et al. 1987, recurrence plots, doi:10.1209/0295-5075/4/9/004.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_REACH = 2.0  # standard deviations; a difference of twice as many is black or white


def draw_spectra(levels_BC: Tensor, shapes_BC: Tensor, *, size: int) -> Tensor:
    """The differences between the bands of a spectrum, the first band above and at the left.

    Red: the differences of the levels. Green: those of the shapes. Blue: how alike the levels are. Grey is no
    difference in red and green, bright is alike in blue.

    Args:
        levels_BC: Each band in standard deviations from its mean over the training pixels.
        shapes_BC: The same, each spectrum brought to mean 0 and deviation 1.
        size: S; more bands and fewer are interpolated.

    Returns:
        (B, 1, 3, S, S) in 0..1.
    """
    level_BSS, shape_BSS = (_differences(values_BC, size) for values_BC in (levels_BC, shapes_BC))
    alike_BSS = 1 - level_BSS.abs() / 2
    planes = [(1 + level_BSS) / 2, (1 + shape_BSS) / 2, alike_BSS]
    return torch.stack(planes, dim=1)[:, None].clamp(0, 1)


def _differences(values_BC: Tensor, size: int) -> Tensor:
    """(B, S, S) of each band less each other one, in -1..1 up to twice `_REACH`."""
    values_BS = nn.functional.interpolate(values_BC[:, None].float(), size, mode="linear")[:, 0]
    return (values_BS[:, :, None] - values_BS[:, None, :]) / (2 * _REACH)

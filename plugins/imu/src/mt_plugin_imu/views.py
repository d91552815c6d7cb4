"""Windows of recordings as pictures: what each axis does in time, and how strong each of its frequencies is.

B recordings, V windows a recording, L steps, C axes, G sensors of up to three axes, S side in pixels, Q frequencies.

A sensor's axes are red, green and blue. Its band of rows is an area chart of the three, time to the right; of a window
of at least `SPECTRUM` steps the uppermost row of patches is that, and below it are the spectrograms of the same axes,
low frequencies at the bottom.

Sources: Chen et al. 2024 (VisionTS), arXiv:2408.17253, for series drawn for a frozen encoder of pictures; Li et al.
2023 (ViTST), arXiv:2303.12799, for line charts of several sensors side by side; Gong et al. 2021 (AST),
arXiv:2104.01778, for spectrograms.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

SPECTRUM = 64
"""Steps of a short-time Fourier transform; a shorter window has no spectrogram."""

HALF_RANGE = 2.0
"""What reaches from the middle of a chart to its edge: deviations, or a recording's own root mean squares."""

_HOP = SPECTRUM // 8
_RGB = 3
_WHITE = 0.5  # the amplitude that a spectrogram shows as white


def draw_windows(
    axes_BVLC: Tensor, lengths_BV: Tensor | None, num_axes_B: Tensor | None, *, size: int, patch: int
) -> Tensor:
    """Windows as pictures, each stretched over the width.

    Args:
        axes_BVLC: Standardised.
        lengths_BV: The real steps of each window, 0 where there is none; None: all are real.
        num_axes_B: The real axes of each recording, the first ones; None: all are real.
        size: S.
        patch: Side of the patches that the charts keep to.

    Returns:
        (B, V, 3, S, S) in 0..1, NaN where there is no window.
    """
    num_rows, num_views, num_steps, num_axes = axes_BVLC.shape
    pictures_BVCSS = axes_BVLC.new_full((num_rows, num_views, _RGB, size, size), torch.nan, dtype=torch.float32)
    if lengths_BV is None:
        lengths_BV = torch.full((num_rows, num_views), num_steps)
    if num_axes_B is None:
        num_axes_B = torch.full((num_rows,), num_axes)
    shapes_BV2 = torch.stack([lengths_BV.cpu(), repeat(num_axes_B.cpu(), "b -> b v", v=num_views)], dim=-1)
    for length, axes in sorted(set(map(tuple, shapes_BV2.flatten(0, 1).tolist()))):
        if length:
            has_it_BV = (shapes_BV2[..., 0] == length) & (shapes_BV2[..., 1] == axes)
            has_it_BV = has_it_BV.to(axes_BVLC.device)
            pictures_BVCSS[has_it_BV] = _pictures(axes_BVLC[has_it_BV][:, :length, :axes].float(), size, patch)
    return pictures_BVCSS


def _pictures(axes_RLC: Tensor, size: int, patch: int) -> Tensor:
    """(R, 3, S, S) of R windows without padding."""
    sensors_RGCL = _sensors(rearrange(axes_RLC, "r l c -> r c l"))
    rows = size // patch
    if axes_RLC.shape[1] < SPECTRUM or rows == 1:
        return _in_bands(area_chart, sensors_RGCL, size, size)
    chart = max(1, rows // 4) * patch
    parts = [_in_bands(area_chart, sensors_RGCL, chart, size), _in_bands(spectrogram, sensors_RGCL, size - chart, size)]
    return torch.cat(parts, dim=2)


def _sensors(axes_RCL: Tensor) -> Tensor:
    """(R, G, 3, L): axes by threes; what the last sensor lacks is the mean of the axes that it has."""
    missing = -axes_RCL.shape[1] % _RGB
    if missing:
        last_R1L = axes_RCL[:, -(_RGB - missing) :].mean(1, keepdim=True)
        axes_RCL = torch.cat([axes_RCL, last_R1L.expand(-1, missing, -1)], dim=1)
    return rearrange(axes_RCL, "r (g c) l -> r g c l", c=_RGB)


def _in_bands(draw: Callable[[Tensor, int, int], Tensor], sensors_RGCL: Tensor, height: int, width: int) -> Tensor:
    """(R, 3, height, width): the sensors one below the other, the first at the top."""
    count = sensors_RGCL.shape[1]
    edges = [round(height * index / count) for index in range(count + 1)]
    bands = [
        draw(sensors_RGCL[:, index], below - above, width)
        for index, (above, below) in enumerate(pairwise(edges))
        if below > above
    ]
    return torch.cat(bands, dim=2)


def area_chart(series_RCL: Tensor, height: int, width: int) -> Tensor:
    """(R, C, height, width): full below each series and empty above it, -`HALF_RANGE` at the bottom edge and
    `HALF_RANGE` at the top; a pixel that the series goes through is full in part."""
    num_steps = series_RCL.shape[2]
    line_RC1L = rearrange(series_RCL, "r c l -> r c 1 l")
    if num_steps > width:
        line_RC1W = nn.functional.interpolate(line_RC1L, (1, width), mode="bilinear", antialias=True)
    else:
        line_RC1W = nn.functional.interpolate(line_RC1L, (1, width), mode="bilinear")
    heights_RC1W = ((line_RC1W + HALF_RANGE) / (2 * HALF_RANGE)).clamp(0, 1) * height
    bottoms_H1 = torch.arange(height - 1, -1, -1, device=series_RCL.device, dtype=series_RCL.dtype)[:, None]
    return (heights_RC1W - bottoms_H1).clamp(0, 1)


def spectrogram(series_RCL: Tensor, height: int, width: int) -> Tensor:
    """(R, C, height, width): the square root of the amplitude of each frequency about each step, half a deviation being
    white, of series of at least `SPECTRUM` steps without their mean; half the rate is at the top."""
    num_rows = len(series_RCL)
    centred_ML = rearrange(series_RCL - series_RCL.mean(2, keepdim=True), "r c l -> (r c) l")
    window = torch.hann_window(SPECTRUM, device=series_RCL.device, dtype=series_RCL.dtype)
    padded_ML = nn.functional.pad(centred_ML, (SPECTRUM // 2, SPECTRUM // 2))
    spectrum_MQT = torch.stft(padded_ML, SPECTRUM, _HOP, window=window, center=False, return_complex=True).abs()
    amplitudes_MQT = spectrum_MQT * (2 / window.sum())  # a sine of amplitude 1 is 1
    grey_RCQT = rearrange((amplitudes_MQT / _WHITE).sqrt().flip(1), "(r c) q t -> r c q t", r=num_rows)
    return nn.functional.interpolate(grey_RCQT, (height, width), mode="bilinear", antialias=True).clamp(0, 1)

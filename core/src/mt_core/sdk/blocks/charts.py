"""Series of a few channels as pictures: what each does in time, and how strong each of its frequencies is.

M series, L steps, C channels, G groups of three channels, S side in pixels, Q frequencies, T frames.

Three channels are red, green and blue. Their band of rows is an area chart of the three, time to the right; of a series
of at least `SPECTRUM` steps the uppermost quarter is that, and below it are the spectrograms of the same channels, low
frequencies at the bottom.

Sources: Chen et al. 2024 (VisionTS), arXiv:2408.17253, for series drawn for a frozen encoder of pictures; Li et al.
2023 (ViTST), arXiv:2303.12799, for charts of several channels side by side; Gong et al. 2021 (AST), arXiv:2104.01778,
for spectrograms.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn

from mt_core.sdk.blocks.masked_charts import Spectra, band_heights, draw_masked

SPECTRUM = 64
"""Steps of a short-time Fourier transform; a shorter series has no spectrogram."""

_HOP = SPECTRUM // 8
_RGB = 3
_WHITE = 0.5  # the amplitude that a spectrogram shows as white


def draw_series(
    series_MLC: Tensor, spans_M2: Tensor, counts_M: Tensor, *, size: int, patch: int, half_range: float
) -> Tensor:
    """Series as pictures, each stretched over the width. What stands beside a series in its batch changes nothing.

    Args:
        series_MLC: With a deviation of about 1.
        spans_M2: The first of the real steps of each series and the one behind the last; the same where there is none.
        counts_M: The real channels of each series, the first ones.
        size: S.
        patch: Side of the patches that charts and spectrograms keep to.
        half_range: What reaches from the middle of a chart to its edge.

    Returns:
        (M, 3, S, S) in 0..1, NaN where there is no series.
    """
    if torch.compiler.is_compiling():  # a graph cannot look at how long series are
        spectra = Spectra(SPECTRUM, _HOP, _WHITE)
        return draw_masked(
            series_MLC, spans_M2, counts_M, size=size, patch=patch, half_range=half_range, spectra=spectra
        )
    pictures_MCSS = series_MLC.new_full((len(series_MLC), _RGB, size, size), torch.nan, dtype=torch.float32)
    shapes = [(*span, count) for span, count in zip(spans_M2.tolist(), counts_M.tolist(), strict=True)]
    for first, end, count in sorted(set(shapes)):
        if end > first and count:
            rows = [row for row, shape in enumerate(shapes) if shape == (first, end, count)]
            real_RCL = rearrange(series_MLC[rows, first:end, :count].float(), "r l c -> r c l")
            pictures_MCSS[rows] = _pictures(real_RCL, size, patch, half_range)
    return pictures_MCSS


def _pictures(series_RCL: Tensor, size: int, patch: int, half_range: float) -> Tensor:
    """(R, 3, S, S) of series without padding."""

    def chart(series_RCL: Tensor, height: int, width: int) -> Tensor:
        return area_chart(series_RCL, height, width, half_range)

    groups_RGCL = _by_threes(series_RCL)
    rows = size // patch
    if series_RCL.shape[2] < SPECTRUM or rows == 1:
        return _in_bands(chart, groups_RGCL, size, size)
    above = max(1, rows // 4) * patch
    parts = [_in_bands(chart, groups_RGCL, above, size), _in_bands(spectrogram, groups_RGCL, size - above, size)]
    return torch.cat(parts, dim=2)


def _by_threes(series_RCL: Tensor) -> Tensor:
    """(R, G, 3, L); what the last group lacks is the mean of the channels that it has."""
    missing = -series_RCL.shape[1] % _RGB
    if missing:
        last_R1L = series_RCL[:, -(_RGB - missing) :].mean(1, keepdim=True)
        series_RCL = torch.cat([series_RCL, last_R1L.expand(-1, missing, -1)], dim=1)
    return rearrange(series_RCL, "r (g c) l -> r g c l", c=_RGB)


def _in_bands(draw: Callable[[Tensor, int, int], Tensor], groups_RGCL: Tensor, height: int, width: int) -> Tensor:
    """(R, 3, height, width): the groups one below the other, the first at the top."""
    heights = band_heights(groups_RGCL.shape[1], height)
    bands = [draw(groups_RGCL[:, index], high, width) for index, high in enumerate(heights)]
    picture = torch.cat(bands, dim=2)
    if picture.shape[2] == height:
        return picture
    return nn.functional.interpolate(picture, (height, width), mode="bilinear", antialias=True)


def area_chart(series_RCL: Tensor, height: int, width: int, half_range: float) -> Tensor:
    """(R, C, height, width): full below each series and empty above it, -`half_range` at the bottom edge and
    `half_range` at the top; a pixel that the series goes through is full in part."""
    num_steps = series_RCL.shape[2]
    line_RC1L = rearrange(series_RCL, "r c l -> r c 1 l")
    line_RC1W = nn.functional.interpolate(line_RC1L, (1, width), mode="bilinear", antialias=num_steps > width)
    heights_RC1W = ((line_RC1W + half_range) / (2 * half_range)).clamp(0, 1) * height
    bottoms_H1 = torch.arange(height - 1, -1, -1, device=series_RCL.device, dtype=series_RCL.dtype)[:, None]
    return (heights_RC1W - bottoms_H1).clamp(0, 1)


def spectrogram(series_RCL: Tensor, height: int, width: int) -> Tensor:
    """(R, C, height, width): the square root of the amplitude of each frequency about each step, half of 1 being
    white, of series of at least `SPECTRUM` steps without their mean; half the rate is at the top."""
    num_rows = len(series_RCL)
    centred_ML = rearrange(series_RCL - series_RCL.mean(2, keepdim=True), "r c l -> (r c) l")
    window = torch.hann_window(SPECTRUM, device=series_RCL.device, dtype=series_RCL.dtype)
    padded_ML = nn.functional.pad(centred_ML, (SPECTRUM // 2, SPECTRUM // 2))
    spectrum_MQT = torch.stft(padded_ML, SPECTRUM, _HOP, window=window, center=False, return_complex=True).abs()
    amplitudes_MQT = spectrum_MQT * (2 / window.sum())  # a sine of amplitude 1 is 1
    grey_RCQT = rearrange((amplitudes_MQT / _WHITE).sqrt().flip(1), "(r c) q t -> r c q t", r=num_rows)
    return nn.functional.interpolate(grey_RCQT, (height, width), mode="bilinear", antialias=True).clamp(0, 1)

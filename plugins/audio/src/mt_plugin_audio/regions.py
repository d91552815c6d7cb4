"""What tokens of a recording are of: stretches of time and of frequency.  F frames, M mel bins, V pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import PicturePanel, Region, Span, TokenRegions, lattice_regions
from mt_plugin_audio.filterbank import HOP, edges_hz
from mt_plugin_audio.waveform import RATE_HZ

Floats = NDArray[np.floating]

_FRAME_S = HOP / RATE_HZ


def patch_regions(levels_FM: Floats, *, steps: int, patch: int, stride: int, height: int) -> TokenRegions:
    """Patches of the spectrogram, time being the slow axis.

    Args:
        levels_FM: What is drawn behind them, in 0..1.
        steps: Patches along time.
        patch, stride: Frames of a patch, and from one to the next.
        height: Mel bins of a patch.
    """
    num_frames, bins = levels_FM.shape
    hz = edges_hz(bins).numpy()
    bands = range(0, bins - height + 1, stride)
    regions = [
        Region(
            spans=(
                Span("time", *_seconds(step * stride, min(step * stride + patch, num_frames)), "s"),
                Span("frequency", float(hz[band]), float(hz[band + height]), "Hz"),
            ),
            panel=0,
        )
        for step in range(steps)
        for band in bands
    ]
    return TokenRegions(tuple(regions), (_spectrogram(levels_FM, hz, 0.0, num_frames * _FRAME_S),), "patch")


def drawn_regions(pictures_VSS: Floats, grid: Sequence[int], *, frames: int, bins: int) -> TokenRegions:
    """Patches of the drawn pictures, each of which is a part of the recording of equal length.

    Args:
        pictures_VSS: What is drawn, in 0..1, high frequencies at the top.
        grid: Patches down and across.
        frames: Of the recording.
    """
    hz = edges_hz(bins).numpy()
    rows_hz = np.interp(np.linspace(bins, 0, grid[0] + 1), np.arange(bins + 1), hz)
    regions: list[Region] = []
    panels = []
    each_s = frames * _FRAME_S / len(pictures_VSS)
    for number, picture_SS in enumerate(pictures_VSS):
        start, end = number * each_s, (number + 1) * each_s
        across = np.linspace(start, end, grid[1] + 1)
        regions += lattice_regions(rows_hz, across, panel=number, axes=("frequency", "time"), units=("Hz", "s"))
        pixel_hz = np.interp(np.linspace(0, bins, len(picture_SS) + 1), np.arange(bins + 1), hz)
        panels.append(_spectrogram(picture_SS[::-1].T, pixel_hz, start, end))
    ascending = [_ascending(region) for region in regions]
    return TokenRegions(tuple(ascending), tuple(panels), "patch")


def _ascending(region: Region) -> Region:
    ends = [sorted((span.low, span.high)) for span in region.spans]
    spans = [Span(span.axis, low, high, span.unit) for span, (low, high) in zip(region.spans, ends, strict=True)]
    return Region(spans=tuple(spans), panel=region.panel)


def _spectrogram(levels_FM: Floats, hz: Floats, start_s: float, end_s: float) -> PicturePanel:
    """Low frequencies at the bottom."""
    times_s = np.linspace(start_s, end_s, len(levels_FM) + 1)
    return PicturePanel(levels_FM.T[::-1], "time", "frequency", times_s, hz[::-1], is_logarithmic=True)


def _seconds(first: int, end: int) -> tuple[float, float]:
    return first * _FRAME_S, end * _FRAME_S

"""What tokens of a series are of: stretches of time of one channel.  T steps, C channels, N patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import DATE, CurvePanel, Region, Span, TokenRegions
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.windows import patch_centres

_MICROSECONDS = 1e6


def patch_regions(window: Series, num_tokens: int, patch: int, stride: int) -> TokenRegions:
    """A panel a channel, and its patches without what they hold beyond the window.

    Args:
        window: The steps that are looked at.
        num_tokens: N.
        patch, stride: Steps of a patch, and from one to the next.

    Returns:
        Dates where the series has times; else steps, the newest being 0.
    """
    last = len(window) - 1
    at_T = times_of(window)
    centres_N = patch_centres(num_tokens, patch, stride)
    unit = "step" if window.times is None else DATE
    regions: list[Region] = []
    for channel, name in enumerate(window.channels):
        for centre in centres_N.tolist():
            low, high = (int(np.clip(last + centre + side * (patch - 1) / 2, 0, last)) for side in (-1, 1))
            span = Span("time", float(at_T[low]), float(at_T[high]), unit)
            regions.append(Region(name, spans=(span,), panel=channel))
    panels = tuple(
        CurvePanel("time", at_T, window.values[:, [channel]], (), name) for channel, name in enumerate(window.channels)
    )
    return TokenRegions(tuple(regions), panels, "patch")


def times_of(window: Series) -> NDArray[np.float64]:
    """(T,) seconds since 1970, or steps up to the newest, 0."""
    if window.times is None:
        return np.arange(1.0 - len(window), 1.0)
    return window.times / _MICROSECONDS

"""Which frames are looked at.  K frames of a video, T frames of a clip, A alternatives, H, W pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(..., H, W, 3), red, green, blue."""

Times = NDArray[np.float64]
"""Seconds from the beginning of a video."""

Plan = Callable[[float], Times]
"""From the length of a video in seconds to the times at which it is looked at."""

SPARE = 3
"""Alternatives that are kept for each clip, so that training does not see the same frames each time. Odd: the middle
one is what evaluation sees."""

_ROUNDED_S = 1e-3
"""How coarse time stamps are (Matroska's). Times are later by this, so that none is just before the frame it means."""


@dataclass(frozen=True, eq=False)
class Video:
    """Some frames of a video.

    Attributes:
        frames: (K, H, W, 3) 8-bit RGB, upright, K at least 1.
        times_s: (K,) when each begins to be shown, in seconds, increasing.
        duration_s: Until when the last is shown, in seconds.
    """

    frames: Pixels
    times_s: Times
    duration_s: float

    def shown_at(self, times_s: Times) -> NDArray[np.int64]:
        """Indices into `frames` of what is shown at some times: before the beginning the first, after the end the
        last."""
        return np.maximum(np.searchsorted(self.times_s, times_s, side="right") - 1, 0)


def times_of_clips(duration_s: float, frames: int, clips: int, rate_hz: float) -> Times:
    """When the frames of all clips, and of their alternatives, are shown.

    Args:
        duration_s: Length of the video.
        frames: T.
        clips: How many clips are looked at.
        rate_hz: Frames per second of a clip, which then is a stretch of the video; 0: each clip goes over the whole
            video, in T equal parts.

    Returns:
        (A, T) with A = clips * SPARE, from the earliest clip to the latest. Where the video is shorter than a clip, the
        times go on beyond its end.

    Source: Wang et al. 2016, Temporal segment networks, arXiv:1608.00859, section 3.1, for the equal parts.
    """
    alternatives = clips * SPARE
    places_A1 = (np.arange(alternatives)[:, None] + 0.5) / alternatives
    places_T = np.arange(frames)
    if not rate_hz:
        return (places_T + places_A1) / frames * duration_s + _ROUNDED_S
    starts_A1 = places_A1 * max(0.0, duration_s - frames / rate_hz)
    return starts_A1 + (places_T + 0.5) / rate_hz + _ROUNDED_S

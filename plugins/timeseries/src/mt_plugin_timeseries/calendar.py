"""What time it is: hour, day and month as points on circles.  N patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_plugin_timeseries.times import Times

FEATURES = 8

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


def calendar_features(times: Times, places: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 8) sine and cosine of hour of day, day of week, day of month and month of year.

    Args:
        times: (T,) of a window.
        places: (N,) steps after the newest time, whole or not; before the first and after the last time, time goes on
            by the step there.
    """
    steps = np.arange(1 - len(times), 1, dtype=np.float64)
    since = (times - times[-1]).astype(np.float64)
    before, after = (since[1] - since[0], since[-1] - since[-2]) if len(times) > 1 else (0.0, 0.0)
    at = np.interp(places, steps, since)
    at += np.minimum(places - steps[0], 0) * before + np.maximum(places, 0) * after
    moments = times[-1] + np.rint(at).astype(np.int64)
    days = moments.astype("M8[us]").astype("M8[D]")
    months = days.astype("M8[M]")
    lengths = (months + np.timedelta64(1, "M")).astype("M8[D]") - months.astype("M8[D]")
    of_day = moments % _DAY / _DAY
    turns = [
        of_day,
        ((days.astype(np.int64) + 3) % 7 + of_day) / 7,  # 1970-01-01 was a Thursday
        (days - months.astype("M8[D]")).astype(np.float64) / lengths.astype(np.float64),
        months.astype(np.int64) % 12 / 12,
    ]
    angles = 2 * np.pi * np.stack(turns, axis=1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)

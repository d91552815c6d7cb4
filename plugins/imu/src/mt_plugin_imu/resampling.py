"""Recordings at another rate.  T steps before, M after, C axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_plugin_imu.recording import MAX_STEPS, Recording

_SAME = 0.01  # of the rate: what clocks of sensors are off by


def resample(recording: Recording, rate: float) -> NDArray[np.float32]:
    """The values of a recording at this many steps a second; as they are where its own rate is not known, or the same.

    A step stands for the time until the next one. Going down, a new step is the mean over its time, which keeps faster
    movements from being folded into slower ones; going up, values between steps lie on a straight line.

    Returns:
        (M, C).

    Raises:
        InputError: so slow a recording that it would become too long.
    """
    values_TC = recording.values
    if not rate or recording.rate is None or abs(recording.rate / rate - 1) <= _SAME:
        return values_TC
    steps = len(values_TC)
    wanted = max(round(steps * rate / recording.rate), 1)
    if wanted > MAX_STEPS:
        raise InputError(
            f"{recording.name} has {steps:,} steps at {recording.rate:.3g} Hz, {wanted:,} at {rate:g} Hz",
            fix="choose a lower rate, or cut it into several files",
        )
    edges_M = np.linspace(0, steps, wanted + 1)
    if wanted > steps:
        middles_M = (edges_M[1:] + edges_M[:-1]) / 2 - 0.5
        columns = [np.interp(middles_M, np.arange(steps), axis_T) for axis_T in values_TC.T]
        return np.stack(columns, axis=1).astype(np.float32)
    sums_TC = np.zeros((steps + 1, values_TC.shape[1]))
    np.cumsum(values_TC, axis=0, out=sums_TC[1:], dtype=np.float64)
    columns = [np.diff(np.interp(edges_M, np.arange(steps + 1), sums_T)) for sums_T in sums_TC.T]
    return (np.stack(columns, axis=1) * (wanted / steps)).astype(np.float32)

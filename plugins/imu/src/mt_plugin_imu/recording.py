"""What the tokenizer reads: the axes of an inertial sensor at even steps.  T steps, C axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import StepPart

MAX_STEPS = 10_000_000
"""A day at 100 Hz is 8.6 million."""

MAX_MISSING = 0.5
"""Of an axis, as a share; what is missing is interpolated."""

_LARGEST = 1e15  # no sensor measures more, and sums of squares stay within float32


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        values: (T, C) float32, finite; in the unit of the source.
        rate: Steps a second; None where the source does not say.
        name: How it is called in messages.
        part: Of a window whose steps have classes: which they are, and where it lies.
    """

    values: NDArray[np.float32]
    rate: float | None
    name: str
    part: StepPart | None = None


def make_recording(values: Any, rate: float | None, name: str) -> Recording:
    """A recording from numbers of any type; gaps are interpolated.

    Args:
        values: (T, C), or (T,) of one axis. NaN, infinite and absurd numbers (beyond 1e15) are missing.
        rate: Steps a second; None: not known.

    Raises:
        InputError: another shape, no numbers, fewer than two steps, an axis of which more than half is missing.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {array.dtype} values, not real numbers", fix="give an array of numbers")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} has the shape {array.shape}, not (steps, axes)", fix="give one row a step")
    if not 2 <= len(array) <= MAX_STEPS:
        raise InputError(
            f"{name} has {len(array):,} step{'s' * (len(array) > 1)}; a recording has 2 to {MAX_STEPS:,}",
            fix="give a longer recording" if len(array) < 2 else "cut it into several files",
        )
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{name} has a rate of {rate} steps a second", fix="give a rate above 0, in Hz")
    return Recording(_filled(array, name), rate, name)


def _filled(array_TC: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Float32 without gaps: inside one, the straight line between its neighbours; at an end, the nearest value."""
    if array_TC.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            is_missing_TC = ~(np.abs(array_TC) <= _LARGEST)
        if is_missing_TC.any():
            array_TC = array_TC.astype(np.float64)  # a copy
            steps = np.arange(len(array_TC))
            for axis in np.flatnonzero(is_missing_TC.any(0)):
                gaps = is_missing_TC[:, axis]
                if gaps.mean() > MAX_MISSING:
                    raise InputError(
                        f"{name}: {gaps.mean():.0%} of axis {axis + 1} is missing, at most {MAX_MISSING:.0%} may be",
                        fix="leave the axis out (option columns), or cut the recording to where it has values",
                    )
                array_TC[gaps, axis] = np.interp(steps[gaps], steps[~gaps], array_TC[~gaps, axis])
    return np.ascontiguousarray(array_TC, dtype=np.float32)

"""Columns of time: which one it is, in which unit, and values brought to even steps.  T steps, C axes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError

_UNITS = {
    "ns": 1e-9, "nanosecond": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "microsecond": 1e-6, "usec": 1e-6,
    "ms": 1e-3, "millisecond": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0,
}  # fmt: skip

_CLOCKS = r"t|time|ts|times?[\s_]?stamps?|clock|elapsed(?:[\s_]time)?|epoch|date[\s_]?time|seconds_elapsed"
_UNIT = rf"(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})s?"
_NAME = re.compile(
    rf"(?:{_CLOCKS})(?:[\s_]*[(\[]\s*(?P<bracketed>{_UNIT})\s*[)\]]|[\s_]+(?P<behind>{_UNIT}))?|(?P<alone>(?!s$){_UNIT})"
)

_UNEVEN = 0.05  # of a step, in the middle of all: what clocks jitter by
_LONGEST_GAPS = 1.0  # all gaps together, as a share of the steps that there are
_FEWEST_STEPS = 8  # below which a rising first column without a name may well be an axis


def is_time_column(name: str) -> bool:
    """Whether a column of this name tells the time: t, time, timestamp, ts, epoch, ms, seconds and so on, maybe with a
    unit as in `time_ms` and `Time (s)`."""
    return _NAME.fullmatch(name.strip().lower()) is not None


def seconds_per_unit(name: str, ticks_T: NDArray[np.float64]) -> float | None:
    """What one unit of a column of time is.

    Named in the column's name; otherwise by the size of its middle step: below 1 they are seconds, from 1 milliseconds,
    from 1,000 microseconds, from 1,000,000 nanoseconds, which is right for rates from 1 Hz to 1 kHz.

    Returns:
        Seconds, or None where all steps are 1 and no unit is named: that counts steps, and tells no time.
    """
    match = _NAME.fullmatch(name.strip().lower())
    named = match["bracketed"] or match["behind"] or match["alone"] if match else None
    if named:
        return _UNITS.get(named) or _UNITS[named.removesuffix("s")]
    if match and name.strip().lower() == "seconds_elapsed":
        return 1.0
    steps = np.diff(ticks_T)
    if (steps == 1).all():
        return None
    middle = float(np.median(steps))
    return next((unit for limit, unit in ((1, 1.0), (1e3, 1e-3), (1e6, 1e-6)) if middle < limit), 1e-9)


def looks_like_time(ticks_T: NDArray[np.float64]) -> bool:
    """Whether a column without a name rises in steps that are mostly alike, as time does and an axis does not."""
    steps = np.diff(ticks_T)
    if len(ticks_T) < _FEWEST_STEPS or not (steps > 0).all():
        return False
    return bool((np.abs(steps / np.median(steps) - 1) < 0.5).mean() > 0.8)


def to_even_steps(
    values_TC: NDArray[np.float64], ticks_T: NDArray[np.float64], column: str, name: str, where: Callable[[int], str]
) -> tuple[NDArray[Any], float | None]:
    """Values at even steps, and how many of them a second.

    The rate is one over the middle step. Where the steps differ, values between are interpolated linearly; of rows with
    the same time the first is kept.

    Args:
        ticks_T: The column of time, in its own unit.
        column: Its name, "" for none.
        name: How the recording is called in messages.
        where: How a row, counted from 0, is called in messages.

    Raises:
        InputError: time that is missing or runs backwards (with its place), stands still, or leaves gaps as long as the
            recording itself.
    """
    called = f"the time column {column!r}" if column else "the time column"
    wrong = np.flatnonzero(~np.isfinite(ticks_T))
    if len(wrong):
        raise InputError(f"{name}, {where(int(wrong[0]))}: {called} has no value", fix="fill it, or leave the row out")
    steps = np.diff(ticks_T)
    backwards = np.flatnonzero(steps < 0)
    if len(backwards):
        raise InputError(
            f"{name}, {where(int(backwards[0]) + 1)}: {called} runs backwards, {len(backwards)} time(s) in all",
            fix="sort the rows by time, or give each recording a file of its own",
        )
    is_new = np.concatenate([[True], steps > 0])
    values_TC, ticks_T = values_TC[is_new], ticks_T[is_new]
    if len(ticks_T) < 2:
        raise InputError(f"{name}: {called} stands still", fix="correct or remove it, and state the rate")
    unit = seconds_per_unit(column, ticks_T)
    if unit is None:
        return values_TC, None
    steps = np.diff(ticks_T)
    step = float(np.median(steps))
    rate = 1 / (step * unit)
    if (np.abs(steps - step) <= _UNEVEN * step).all():
        return values_TC, (len(ticks_T) - 1) / float(ticks_T[-1] - ticks_T[0]) / unit
    wanted = float(ticks_T[-1] - ticks_T[0]) / step + 1
    if wanted > (1 + _LONGEST_GAPS) * len(ticks_T):
        raise InputError(
            f"{name}: {called} leaves gaps, the longest of {steps.max() * unit:,.3g} s in {len(ticks_T):,} rows at "
            f"{rate:,.4g} Hz",
            fix="give each stretch without gaps a file of its own",
        )
    even_M = ticks_T[0] + step * np.arange(int(wanted + _UNEVEN))
    return np.stack([np.interp(even_M, ticks_T, axis_T) for axis_T in values_TC.T], axis=1), rate

"""Columns of time: which one it is, in which unit, and values brought to even steps.  T steps, C axes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import left_out, reinterpreted, rows_per_stamp, seconds_since_1970, spread_stamps

_UNITS = {
    "ns": 1e-9, "nanosecond": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "microsecond": 1e-6, "usec": 1e-6,
    "micro": 1e-6, "ms": 1e-3, "millisecond": 1e-3, "msec": 1e-3, "milli": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0,
    "min": 60.0, "minute": 60.0,
}  # fmt: skip

_CLOCKS = (
    r"t|time|ts|(?:unix|system|sensor|local|utc|event|sample|packet|device|host|epoch)?[\s_]?times?(?:[\s_]?stamps?)?|"
    r"clock|elapsed(?:[\s_]time)?|epoch|date[\s_]?time|seconds_elapsed|loggingtime|zeit|zeitstempel|uhrzeit|temps|"
    r"tiempo|tempo"
)
_UNIT = rf"(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})s?"
_NAME = re.compile(
    rf"(?:{_CLOCKS})(?:[\s_]*[(\[]\s*(?P<bracketed>{_UNIT})\s*[)\]]|[\s_]+(?P<behind>{_UNIT})|[\s_]*[(\[][^)\]]*[)\]])?"
    rf"|x\s*[(\[](?P<abscissa>{_UNIT})[)\]]|(?P<alone>(?!s$|min){_UNIT})"
)

_UNEVEN = 0.05  # of a step, in the middle of all: what clocks jitter by
_LONGEST_GAPS = 1.0  # all gaps together, as a share of the steps that there are
_FEWEST_STEPS = 8  # below which a rising first column without a name may well be an axis
_MOST_DOUBLE = 0.05  # of the rows, that may have the time of the row before
_SAME_RATE = 0.1
_SLOWEST_STEP = 90.0  # seconds
_FASTEST_HZ = 200_000.0
_DAYS = ((20_000.0, 80_000.0), (693_000.0, 800_000.0))  # of spreadsheets since 1900, of MATLAB since the year 0
_FASTEST_DAYS = 1e-3  # a step of more is none of a sensor


@dataclass(frozen=True)
class Ticks:
    """The times of rows.

    Attributes:
        values: (T,) in a unit.
        called: What they are called in messages: the time column 't'.
        unit: Seconds; None: told by the name, else by the numbers.
        name: Of the column, "" for none.
    """

    values: NDArray[np.float64]
    called: str
    unit: float | None = None
    name: str = ""

    @classmethod
    def of_column(cls, values_T: NDArray[np.float64], name: str) -> Ticks:
        called = f"the time column {name!r}" if name else "the time column"
        return cls(values_T, called, _named_unit(name), name)

    @classmethod
    def of_microseconds(cls, times_T: NDArray[np.int64], called: str) -> Ticks:
        return cls((times_T - times_T[0]) / 1e6 if len(times_T) else np.zeros(0), called, 1.0)


def is_time_column(name: str) -> bool:
    """Whether a column of this name tells the time: t, time, timestamp, ts, epoch, ms, seconds and so on, maybe with a
    unit as in `time_ms` and `Time (s)`."""
    return _NAME.fullmatch(name.strip().lower()) is not None


def looks_like_time(ticks_T: NDArray[np.float64]) -> bool:
    """Whether a column without a name rises in steps that are mostly alike, as time does and an axis does not."""
    steps = np.diff(ticks_T)
    if len(ticks_T) < _FEWEST_STEPS or not (steps > 0).all():
        return False
    return bool((np.abs(steps / np.median(steps) - 1) < 0.5).mean() > 0.8)


def seconds_per_unit(ticks: Ticks, source: str, stated: float | None = None) -> float | None:
    """What one unit of time is.

    Named by the column; else by the size of times since 1970, or since 1900 in days; else the one that fits the stated
    rate; else by the middle step: below 1 they are seconds, from 1 milliseconds, from 1,000 microseconds, from
    1,000,000 nanoseconds, which is right for rates from 1 Hz to 1 kHz and told.

    Returns:
        Seconds, or None where all steps are 1 and no unit is known: that counts steps, and tells no time.
    """
    if ticks.unit is not None:
        return ticks.unit
    steps = np.diff(ticks.values)
    middle = float(np.median(steps))
    low, high = float(ticks.values[0]), float(ticks.values[-1])
    since_1970 = seconds_since_1970(low)
    if since_1970 is not None and since_1970 >= 5e8 and seconds_since_1970(high) is not None:
        if middle * since_1970 / low <= _SLOWEST_STEP:  # else it counts something smaller since the device was started
            return since_1970 / low
    if middle <= _FASTEST_DAYS and any(least <= low and high < most for least, most in _DAYS):
        reinterpreted(source, "a time in days since 1900, as spreadsheets write it")
        return 86_400.0
    if (steps == 1).all():
        return None
    if stated is not None:
        fitting = [unit for unit in (1.0, 1e-3, 1e-6, 1e-9) if abs(1 / (middle * unit) / stated - 1) <= _SAME_RATE]
        if fitting:
            return fitting[0]
    unit, called = next(
        (found for limit, *found in ((1, 1.0, ""), (1e3, 1e-3, "milli"), (1e6, 1e-6, "micro")) if middle < limit),
        [1e-9, "nano"],
    )
    if called:
        reinterpreted(source, f"a time without a unit taken for {called}seconds, by the size of its steps")
    return float(unit)  # type: ignore[arg-type]


def check_other_clocks(ticks: Ticks, others: Sequence[tuple[str, NDArray[np.float64]]], name: str) -> None:
    """Refuse tables in which columns have times of their own: sensors of several rates side by side.

    Args:
        others: Names and values of the other columns of time; those without a unit in their names are not compared.

    Raises:
        InputError: one of another rate.
    """
    rate = 1 / (float(np.median(np.diff(ticks.values))) * (ticks.unit or 1.0) or math.nan)
    for column, values_T in others:
        unit, known_T = _named_unit(column), values_T[np.isfinite(values_T)]
        step = float(np.median(np.diff(known_T))) * (unit or 0.0) if len(known_T) > 1 else 0.0
        if step > 0 and abs(1 / step / rate - 1) > _SAME_RATE:
            raise InputError(
                f"{name} has several columns of time, of {rate:.4g} and {1 / step:.4g} Hz",
                fix="give the columns of each rate a file of their own, or name those of one in the option columns",
            )


def to_even_steps(
    values_TC: NDArray[np.float64],
    ticks: Ticks,
    name: str,
    where: Callable[[int], str],
    stated: float | None = None,
) -> tuple[NDArray[Any], float | None]:
    """Values at even steps, and how many of them a second.

    The rate is one over the middle step. Where the steps differ, values between are interpolated linearly. Rows that
    share coarse time stamps, so many each, are spread evenly; else the first row of those of the same time is kept.

    Args:
        name: How the recording is called in messages.
        where: How a row, counted from 0, is called in messages.
        stated: The rate that the file states elsewhere, in Hz.

    Warns:
        DataWarning: rows that were spread, left out or put in, a unit that was inferred, a rate that contradicts.

    Raises:
        InputError: time that is missing or runs backwards (with its place), stands still, has the same time for too
            many rows, or leaves gaps as long as the recording itself.
    """
    ticks_T, called = ticks.values, ticks.called
    wrong = np.flatnonzero(~np.isfinite(ticks_T))
    if len(wrong):
        raise InputError(f"{name}, {where(int(wrong[0]))}: {called} has no value", fix="fill it, or leave the row out")
    backwards = np.flatnonzero(np.diff(ticks_T) < 0)
    if len(backwards):
        raise InputError(
            f"{name}, {where(int(backwards[0]) + 1)}: {called} runs backwards, {len(backwards)} time(s) in all",
            fix="sort the rows by time, or give each recording a file of its own",
        )
    if len(ticks_T) < 2 or ticks_T[0] == ticks_T[-1]:
        raise InputError(f"{name}: {called} stands still", fix="correct or remove it, and state the rate")
    usual = rows_per_stamp(ticks_T)
    if usual > 1:
        ticks_T = spread_stamps(ticks_T, usual)
        reinterpreted(name, f"{usual:.0f} rows with one time stamp, spread evenly until the next")
    else:
        values_TC, ticks_T = _first_of_each(values_TC, ticks_T, called, name, where)
    ticks = Ticks(ticks_T, called, ticks.unit, ticks.name)
    unit = seconds_per_unit(ticks, name, stated)
    if unit is None:
        return values_TC, stated
    steps = np.diff(ticks_T)
    step = float(np.median(steps))
    rate = 1 / (step * unit)
    if rate > _FASTEST_HZ:
        raise InputError(
            f"{name}: by {called} it has {rate:,.4g} rows a second",
            fix="correct the unit in the name of the column, or remove the column and state the rate",
        )
    if stated is not None and abs(rate / stated - 1) > _SAME_RATE:
        reinterpreted(name, f"a rate of {rate:.4g} Hz by the times, where {stated:g} Hz is stated above the rows")
    if (np.abs(steps - step) <= _UNEVEN * step).all():
        return values_TC, (len(ticks_T) - 1) / float(ticks_T[-1] - ticks_T[0]) / unit
    wanted = float(ticks_T[-1] - ticks_T[0]) / step + 1
    if wanted > (1 + _LONGEST_GAPS) * len(ticks_T):
        raise InputError(
            f"{name}: {called} leaves gaps, the longest of {steps.max() * unit:,.3g} s in {len(ticks_T):,} rows at "
            f"{rate:,.4g} Hz",
            fix="give each stretch without gaps a file of its own",
        )
    missing = int((np.rint(steps / step) - 1).clip(0).sum())
    if missing:
        reinterpreted(name, f"{missing:,} of {int(wanted + _UNEVEN):,} steps are missing, and interpolated")
    even_M = ticks_T[0] + step * np.arange(int(wanted + _UNEVEN))
    return np.stack([np.interp(even_M, ticks_T, axis_T) for axis_T in values_TC.T], axis=1), rate


def _first_of_each(
    values_TC: NDArray[np.float64], ticks_T: NDArray[np.float64], called: str, name: str, where: Callable[[int], str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of rows of the same time the first, where they are few."""
    is_new = np.concatenate([[True], np.diff(ticks_T) > 0])
    doubles = int((~is_new).sum())
    if doubles > max(1, _MOST_DOUBLE * len(ticks_T)):
        raise InputError(
            f"{name}, {where(int((~is_new).argmax()))}: {called} has the time of the row before, and so in {doubles:,} "
            f"of {len(ticks_T):,} rows",
            fix="give each sensor a file of its own; or remove the column of time, and state the rate",
        )
    if doubles:
        left_out(name, f"{doubles:,} of {len(ticks_T):,} rows with the time of the row before")
    return values_TC[is_new], ticks_T[is_new]


def _named_unit(name: str) -> float | None:
    """Seconds, of the unit in a column's name."""
    match = _NAME.fullmatch(name.strip().lower())
    named = match["bracketed"] or match["behind"] or match["abscissa"] or match["alone"] if match else None
    if named:
        return _UNITS.get(named) or _UNITS[named.removesuffix("s")]
    return 1.0 if name.strip().lower() == "seconds_elapsed" else None

"""Time stamps as clocks and loggers write them: several rows a stamp, hours that daylight saving skips or repeats.

T rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ALIKE = 0.2  # of the usual number of rows a stamp
_MOSTLY = 0.9
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


def rows_per_stamp(ticks_T: NDArray[np.float64]) -> float:
    """The usual number of rows that share a time stamp; 1 where rows have stamps of their own, or where their number
    is not nearly the same for all stamps.

    Args:
        ticks_T: Times that do not run backwards, in any unit.
    """
    counts = _counts(ticks_T)
    inner = counts[1:-1] if len(counts) > 3 else counts
    if len(counts) < 2:
        return 1.0
    usual = float(np.median(inner))
    if usual < 2:
        return 1.0
    alike = np.abs(inner - usual) <= max(1.0, _ALIKE * usual)
    return usual if alike.mean() >= _MOSTLY and counts.max() <= usual * (1 + _ALIKE) + 1 else 1.0


def spread_stamps(ticks_T: NDArray[np.float64], usual: float) -> NDArray[np.float64]:
    """Times of rows that share stamps, evenly between a stamp and the next.

    The first and the last stamp may have fewer rows, since the recording began and ended within them.

    Args:
        usual: What `rows_per_stamp` gives.
    """
    counts = _counts(ticks_T)
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    stamps = ticks_T[firsts]
    steps = np.diff(stamps)
    step = float(np.median(steps))
    lengths = np.append(np.where(steps <= 1.5 * step, steps, step), step)
    spread = np.empty(len(ticks_T))
    for number, (first, count) in enumerate(zip(firsts.tolist(), counts.tolist(), strict=True)):
        is_end = number in (0, len(counts) - 1)
        each = step / usual if is_end and count < usual else lengths[number] / count
        begin = stamps[number]
        if number == 0 and count < usual:
            begin = stamps[0] + lengths[0] - count * each
        spread[first : first + count] = begin + np.arange(count) * each
    return spread


def without_daylight_saving(times: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Local times as a clock without daylight saving shows them; None where it neither skips nor repeats an hour.

    An hour is skipped, or repeated, by rows that follow each other at one step otherwise, on a Sunday before five in
    the morning, in March or April, or in September, October or November.

    Args:
        times: (T,) microseconds since 1970, in the order of the file.
    """
    steps = np.diff(times)
    if len(steps) < 3:
        return None
    usual = int(np.median(steps))
    if not 0 < usual <= _HOUR:
        return None
    odd = np.flatnonzero(steps != usual)
    shifts = np.zeros(len(times), dtype=np.int64)
    is_found = False
    for before in odd.tolist():
        jump = int(steps[before]) - usual
        if abs(jump) != _HOUR or not _may_change(times[before : before + 2]):
            continue
        shifts[before + 1 :] -= jump
        is_found = True
    return times + shifts if is_found else None


def _may_change(times: NDArray[np.int64]) -> bool:
    moments = times.astype("M8[us]")
    days = moments.astype("M8[D]").astype(np.int64)
    months = moments.astype("M8[M]").astype(np.int64) % 12 + 1
    is_sunday = ((days + 3) % 7 == 6).any()
    return bool(is_sunday and np.isin(months, (3, 4, 9, 10, 11)).all() and (times % _DAY <= 5 * _HOUR).any())


def _counts(ticks_T: NDArray[np.float64]) -> NDArray[np.int64]:
    is_new = np.concatenate([[True], np.diff(ticks_T) != 0])
    return np.diff(np.append(np.flatnonzero(is_new), len(ticks_T)))

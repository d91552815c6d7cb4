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
    """The mean number of rows that share a time stamp; 1 where rows have stamps of their own, or where their number
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
    return float(inner.mean()) if alike.mean() >= _MOSTLY and counts.max() <= usual * (1 + _ALIKE) + 1 else 1.0


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

    An hour is skipped, or repeated, by rows that follow each other at one step otherwise, on the Sunday on which
    Europe, North America, Australia or New Zealand change their clocks, before five in the morning.

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
        if abs(jump) != _HOUR or not _changes(int(times[before + 1]), is_forward=jump > 0):
            continue
        shifts[before + 1 :] -= jump
        is_found = True
    return times + shifts if is_found else None


def _changes(time: int, *, is_forward: bool) -> bool:
    """Whether clocks are put forward, or back, on the day and before this time."""
    moment = np.datetime64(time, "us")
    day = int(moment.astype("M8[D]").astype(np.int64))
    month = int(moment.astype("M8[M]").astype(np.int64)) % 12 + 1
    of_month = day - int(moment.astype("M8[M]").astype("M8[D]").astype(np.int64)) + 1
    if (day + 3) % 7 != 6 or time % _DAY > 5 * _HOUR:
        return False
    week, is_last = (of_month - 1) // 7 + 1, of_month > 24
    if is_forward:  # in Europe, in North America, in Australia, in New Zealand
        return (month == 3 and (is_last or week == 2)) or (month == 10 and week == 1) or (month == 9 and is_last)
    return (month == 10 and is_last) or (month == 11 and week == 1) or (month == 4 and week == 1)


def _counts(ticks_T: NDArray[np.float64]) -> NDArray[np.int64]:
    is_new = np.concatenate([[True], np.diff(ticks_T) != 0])
    return np.diff(np.append(np.flatnonzero(is_new), len(ticks_T)))

"""Which columns of a data frame tell the time, alone or together.  T rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import (
    Clock,
    find_clock,
    left_out,
    plain_name,
    reinterpreted,
    seconds_since_1970,
    times_of_parts,
    times_of_texts,
)
from mt_plugin_timeseries.decimal_years import DECIMAL_NAMES, YEAR_NAMES, are_decimal_years
from mt_plugin_timeseries.times import TIME_NAMES, Times, parse_dates, parse_numeric_dates

_DATE_NAME = re.compile(
    r"\d{4}-\d{1,2}(-\d{1,2})?( .*)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{4}[/.]\d{1,2}[/.]\d{1,2}|(19|20)\d{2}"
)
_Found = tuple[Times | None, NDArray[Any] | None, tuple[int, ...]]

_COUNTED = re.compile(
    r"t|steps?|time ?steps?|elapsed( time)?|"
    r"(elapsed |time )?(ms|milliseconds?|s|secs?|seconds?|mins?|minutes?|h|hours?|days?)( elapsed)?"
)
_LONG_STEP = 1.5  # of the usual
_FEWEST_ROWS = 8  # of which something is told by how a column rises
_FIRST_DATE = 20_000  # as a number: of days, or of more


def find_times(frame: Any, name: str) -> _Found:
    """When the rows were measured.

    It is told by columns together (`Date` and `Time`; `year`, `month`, `day` …), else by the column called as one of
    `TIME_NAMES`, else by the index where it holds dates, else by the first column that does.

    Returns:
        The times (None where they only count), what the rows are in the order of, and the places of the columns.

    Raises:
        InputError: a cell that is no time.
    """
    names = [plain_name(str(column)) for column in frame.columns]
    together = find_clock([str(column) for column in frame.columns])
    parts = together.places if together is not None else ()
    for place in (place for place, column in enumerate(names) if column in TIME_NAMES and place not in parts):
        column = frame.iloc[:, place]
        found = None if column.dtype.kind in "iuf" else parse_dates(column, name, is_named=True)
        if found is not None:
            if parts:
                left_out(name, "columns that repeat parts of the time")
            times = _all_dates(found, column, name)
            return times, times, (place, *parts)
    if together is not None and (joined := _together(frame, together, name)) is not None:
        return joined, joined, parts
    for place in (place for place, column in enumerate(names) if column in TIME_NAMES):
        column = frame.iloc[:, place]
        if column.dtype.kind in "iuf":
            numbers = column.to_numpy()
            counted = parse_numeric_dates(numbers, names[place], name)
            if counted is None and names[place] in DECIMAL_NAMES:
                continue
            if counted is None:
                _tell_uneven(numbers, name)
            return counted, counted if counted is not None else numbers, (place,)
        found = parse_dates(column, name, is_named=True)
        if found is not None:
            times = _all_dates(found, column, name)
            return times, times, (place,)
        if (elapsed := _elapsed(column)) is not None:
            _tell_uneven(elapsed, name)
            return None, elapsed, (place,)
    found = parse_dates(frame.index.to_series(), name)
    if found is not None:
        times = _all_dates(found, frame.index, name)
        return times, times, ()
    for place in range(frame.shape[1]):
        found = parse_dates(frame.iloc[:, place], name)
        if found is not None:
            times = _all_dates(found, frame.iloc[:, place], name)
            return times, times, (place,)
    return _of_first_column(frame, names, name)


def _of_first_column(frame: Any, names: Sequence[str], name: str) -> _Found:
    """The first column as the time, where it is called otherwise and can hardly be anything else: its numbers rise from
    row to row, and are of the size of dates."""
    if frame.shape[1] < 2 or len(frame) < _FEWEST_ROWS or frame.dtypes.iloc[0].kind not in "iuf":
        return None, None, ()
    numbers = frame.iloc[:, 0].to_numpy()
    steps = np.diff(numbers.astype(np.float64))
    if np.isnan(steps).any() or not (steps > 0).all():
        return None, None, ()
    times = parse_numeric_dates(numbers, "date", name) if numbers.min() >= _FIRST_DATE else None
    if times is None:
        if not _COUNTED.fullmatch(names[0]) and are_decimal_years(numbers) and steps.max() <= _LONG_STEP * steps.min():
            reinterpreted(
                name,
                f"the first column, {frame.columns[0]}, taken for a channel, though it rises as decimal years do: "
                "call it decimal date if it is the time",
            )
        if not _COUNTED.fullmatch(names[0]) or steps.max() > _LONG_STEP * steps.min():
            return None, None, ()
        left_out(name, f"the first column, {frame.columns[0]}, which counts the time")
        return None, numbers, (0,)
    reinterpreted(name, f"the first column, {frame.columns[0]}, taken for the time: it rises as dates do")
    return times, times, (0,)


def _together(frame: Any, clock: Clock, name: str) -> Times | None:
    """The times that several columns tell; None where they do not."""
    columns = [frame.iloc[:, place] for place in clock.places]

    def where(row: int) -> str:
        return f"row {row + 1}"

    if clock.parts != ("date", "time"):
        if any(column.dtype.kind not in "iuf" for column in columns):
            return None
        return times_of_parts(clock, [column.to_numpy(dtype=np.float64) for column in columns], name, where)
    date, time = columns
    if date.dtype.kind in "mM" or time.dtype.kind in "mM" or time.isna().any() or date.isna().any():
        return None
    if date.dtype.kind == "f":
        return None
    texts = [str(cell) for cell in time] if time.dtype.kind not in "iuf" else _times_of_day(time.to_numpy())
    return None if texts is None else times_of_parts(clock, [[str(cell) for cell in date], texts], name, where)


def _times_of_day(numbers: NDArray[Any]) -> list[str] | None:
    """What numbers beside a date say: hours from 0 to 24, or 1345 for a quarter to two; None for anything else."""
    if (numbers != np.floor(numbers)).any() or numbers.min() < 0:
        return None
    if numbers.max() <= 24:
        return [f"{int(number)}:00" for number in numbers]
    if numbers.max() <= 2400 and (numbers % 100 < 60).all():
        return [f"{int(number) // 100}:{int(number) % 100:02d}" for number in numbers]
    return None


def _elapsed(column: Any) -> NDArray[np.float64] | None:
    """Seconds, of a column of times of the day such as 0:05:00; None for anything else."""
    if column.dtype.kind in "iufbmM" or column.isna().any():
        return None
    try:
        times, is_dated = times_of_texts([str(cell) for cell in column], "", "", str)
    except InputError:
        return None
    return None if is_dated else np.asarray(times / 1e6)


def check_not_transposed(names: Sequence[str], name: str) -> None:
    """Refuse tables whose columns are called by dates: a row a series, as of countries.

    Raises:
        InputError: most columns are.
    """
    dates = [column for column in names if _DATE_NAME.fullmatch(column.strip())]
    if len(dates) > 2 and 2 * len(dates) > len(names):
        raise InputError(
            f"{name}: its columns are called by dates, {dates[0]} to {dates[-1]}: each row is a series",
            fix="transpose the table: a row for each time, a column for each channel",
        )


def repeats_the_time(column: str, values_T: NDArray[np.float64]) -> bool:
    """Whether a column beside that of the time is one too: it is called so, and its numbers are times since 1970, or
    years with a fraction."""
    if plain_name(column) not in TIME_NAMES or np.isnan(values_T).any() or len(values_T) < 2:
        return False
    if plain_name(column) in YEAR_NAMES and are_decimal_years(values_T):
        return True
    return all(seconds_since_1970(float(value)) is not None for value in (values_T.min(), values_T.max()))


def _tell_uneven(numbers: NDArray[Any], name: str) -> None:
    steps = np.diff(numbers)
    if len(steps) > 2 and (steps > 0).all() and steps.max() > _LONG_STEP * np.median(steps):
        reinterpreted(name, "uneven times that are no dates: each row taken for one step")


def _all_dates(found: tuple[Times, NDArray[np.bool_]], column: Any, name: str) -> Times:
    times, is_date = found
    if not is_date.all():
        row = int(is_date.argmin())
        cell = np.asarray(column)[row]
        raise InputError(
            f"{name}, row {row + 1}: {str(cell)!r} is no date like the ones before",
            fix="write all times in one format, such as 2024-02-29 12:00:00, and leave none empty",
        )
    return times

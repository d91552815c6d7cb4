"""Tables to series: the column of time, the columns of numbers, and rows that are not one step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import number_format
from mt_plugin_timeseries.series import Series, check_size, make_series
from mt_plugin_timeseries.times import TIME_NAMES, Times, format_times, infer_step, parse_dates, parse_numeric_dates

Irregular = Literal["repair", "refuse", "ignore"]
"""What to do with rows that are not one step after the other: `repair`: sort them, average those of one time, and put
in missing steps without values; `refuse` them; `ignore` it, and take each row as one step."""

Text = Literal["refuse", "ignore"]
"""What to do with columns of text."""

_MOST_DOUBLE = 0.05
"""Share of rows that may share their time with another: more are several series in one table."""


def series_from_table(
    frame: Any,
    name: str,
    *,
    columns: Sequence[str] = (),
    irregular: Irregular = "repair",
    text: Text = "refuse",
) -> Series:
    """The series in a data frame: its columns of numbers are the channels.

    The column of time is one of `TIME_NAMES`, else the index where it holds dates, else the first column that does. A
    column without a name that is none is left out (row numbers).

    Args:
        frame: A pandas DataFrame.
        columns: The channels wanted, in this order; (): all.

    Raises:
        InputError: no row, no channel, text among numbers, times that cannot be put in order; names the row, counted
            from 1 below the header.
    """
    check_size(len(frame), max(frame.shape[1], 1), name)
    times, order, time_place = _times(frame, name)
    names = [str(column) for column in frame.columns]
    numbers = _channels(frame, names, time_place, tuple(columns), text, name)
    values = np.stack([column for _, column in numbers], axis=1)
    channels = [channel for channel, _ in numbers]
    if irregular != "ignore" and order is not None:
        if times is not None and irregular == "repair":
            values, times = _repaired(values, times, name)
        else:
            _check_order(order, times, name)
    series = make_series(values, name, channels, times)
    return series.of(columns) if columns else series


def _times(frame: Any, name: str) -> tuple[Times | None, NDArray[Any] | None, int | None]:
    """The times (None where they only count), what the rows are in the order of, and the place of their column."""
    lowered = [str(column).strip().lower() for column in frame.columns]
    named = [lowered.index(time) for time in TIME_NAMES if time in lowered]
    for place in named:
        column = frame.iloc[:, place]
        if column.dtype.kind in "iuf":
            numbers = column.to_numpy()
            times = parse_numeric_dates(numbers)
            return times, times if times is not None else numbers, place
        found = parse_dates(column)
        if found is not None:
            times = _all_dates(found, column, name)
            return times, times, place
    found = parse_dates(frame.index.to_series())
    if found is not None:
        times = _all_dates(found, frame.index, name)
        return times, times, None
    for place in range(frame.shape[1]):
        found = parse_dates(frame.iloc[:, place])
        if found is not None:
            times = _all_dates(found, frame.iloc[:, place], name)
            return times, times, place
    return None, None, None


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


def _channels(
    frame: Any, names: list[str], time_place: int | None, columns: tuple[str, ...], text: Text, name: str
) -> list[tuple[str, NDArray[np.float64]]]:
    """Name and values of the columns of numbers."""
    found = []
    for place, column_name in enumerate(names):
        is_unnamed = not column_name.strip() or column_name.startswith("Unnamed: ")
        if place == time_place or is_unnamed or (columns and column_name not in columns):
            continue
        numbers = _numbers(frame.iloc[:, place], column_name, text, name)
        if numbers is not None:
            found.append((column_name, numbers))
    if lacking := [column for column in columns if column not in names]:
        raise InputError(
            f"{name} has no column {', '.join(map(repr, lacking[:5]))}",
            fix=f"its columns are {', '.join(map(repr, names[:20]))}",
        )
    if not found:
        beside = "" if time_place is None else f" beside the times in {names[time_place]!r}"
        raise InputError(
            f"{name} has no column of numbers{beside}; its columns are {', '.join(map(repr, names[:10]))}",
            fix="check the separator (, ; or tab) and give a column of numbers for each channel",
        )
    return found


def _numbers(column: Any, column_name: str, text: Text, name: str) -> NDArray[np.float64] | None:
    """A column as numbers, NaN where a cell is empty; None for a column of text that is to be ignored."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column):
        numbers = pd.to_numeric(column, errors="coerce")
    else:
        numbers = pd.Series(np.nan, index=column.index)
    wrong = numbers.isna().to_numpy() & column.notna().to_numpy()
    if not wrong.any():
        return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
    cells = ["" if is_missing else str(cell) for cell, is_missing in zip(column, column.isna(), strict=True)]
    if written := number_format(cells):  # decimal commas, thousands, marks for a missing value
        return np.array([written.parse(cell) for cell in cells])
    if (
        text == "ignore" and wrong.sum() > column.notna().sum() / 2
    ):  # a column of numbers with a mistake in it is not one of text
        return None
    row = int(wrong.argmax())
    raise InputError(
        f"{name}, row {row + 1}: column {column_name!r} holds {str(column.iloc[row])[:60]!r}, which is no number",
        fix="write all numbers of a column alike, and leave missing ones empty; columns of text are left out by "
        "text=ignore, or by naming those to keep in columns",
    )


def _check_order(order: NDArray[Any], times: Times | None, name: str) -> None:
    """Refuse rows that are out of order, twice, or after a gap.

    Raises:
        InputError: names the first such row.
    """
    backwards = ~(order[1:] > order[:-1])

    def told(row: int) -> str:
        return format_times(times[row : row + 1])[0] if times is not None else f"{order[row]:g}"

    if backwards.any():
        row = int(backwards.argmax()) + 1
        raise InputError(
            f"{name}, row {row + 1}: the time {told(row)} does not come after {told(row - 1)}",
            fix="sort the rows by time and keep one a time; or say irregular=ignore, which takes each row as one step",
        )
    if times is None or len(times) < 3:
        return
    step = infer_step(times)
    places = step.places(times) if step is not None else None
    gaps = np.diff(places) if places is not None else np.diff(times) != np.median(np.diff(times))
    uneven = gaps > 1 if places is not None else gaps
    if uneven.any():
        row = int(uneven.argmax()) + 1
        raise InputError(
            f"{name}, row {row + 1}: {told(row)} is not one step after {told(row - 1)}",
            fix="put in the missing rows, or say irregular=repair; irregular=ignore takes each row as one step",
        )


def _repaired(values: NDArray[np.float64], times: Times, name: str) -> tuple[NDArray[np.float64], Times]:
    """Rows in order, one a step; steps that were not there have no values.

    Raises:
        InputError: too many rows of one time, or times with no regular step, naming a row.
    """
    ordered = times
    if not (np.diff(times) > 0).all():
        rows = np.argsort(times, kind="stable")
        values, ordered = _averaged(values[rows], times[rows], rows, name)
    if len(ordered) < 2:
        return values, ordered
    step = infer_step(ordered)
    places = step.places(ordered) if step is not None else None
    if step is None or places is None:
        raise _uneven(ordered, name)
    steps = int(places[-1]) + 1
    if steps == len(ordered):
        return values, ordered
    if steps > 2 * len(ordered):
        raise InputError(
            f"{name}: between {format_times(ordered[:1])[0]} and {format_times(ordered[-1:])[0]} "
            f"{steps - len(ordered):,} of {steps:,} steps are missing",
            fix="cut it into series without long gaps; or say irregular=ignore, which takes each row as one step",
        )
    check_size(steps, values.shape[1], name)
    filled = np.full((steps, values.shape[1]), np.nan)
    filled[places] = values
    return filled, step.at(ordered, np.arange(steps))


def _averaged(
    values: NDArray[np.float64], times: Times, rows: NDArray[np.int64], name: str
) -> tuple[NDArray[np.float64], Times]:
    """One row a time: the mean of the values that those of one time have."""
    is_first = np.concatenate([[True], np.diff(times) > 0])
    if is_first.all():
        return values, times
    doubles = int((~is_first).sum())
    if doubles > max(1, _MOST_DOUBLE * len(times)):
        at = int((~is_first).argmax())
        raise InputError(
            f"{name}, row {rows[at] + 1}: the time {format_times(times[at : at + 1])[0]} is there already, and so for "
            f"{doubles:,} of {len(times):,} rows",
            fix="several series in one table: give each a column, or a file, of its own",
        )
    starts = np.flatnonzero(is_first)
    known = ~np.isnan(values)
    counts = np.add.reduceat(known.astype(np.int64), starts)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), times[starts]


def _uneven(times: Times, name: str) -> InputError:
    gaps = np.diff(times)
    row = int((gaps != np.median(gaps)).argmax()) + 1
    told = format_times(times)
    return InputError(
        f"{name}: the times have no regular step; {told[row]} comes after {told[row - 1]}",
        fix="average or interpolate the series to a regular step; or say irregular=ignore, which takes each row as one "
        "step",
    )

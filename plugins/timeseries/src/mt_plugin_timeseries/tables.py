"""Tables to series: the column of time, the columns of numbers, and rows that are not one step after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError, OptionError
from mt_core.sdk import canonical_label, is_row_number, left_out, number_format, reinterpreted, without_daylight_saving
from mt_plugin_timeseries.numbers import without_marks
from mt_plugin_timeseries.series import Series, check_size, make_series
from mt_plugin_timeseries.time_columns import check_not_transposed, find_times, repeats_the_time
from mt_plugin_timeseries.times import Times, format_times, infer_step

Irregular = Literal["repair", "refuse", "ignore"]
"""What to do with rows that are not one step after the other: `repair`: sort them, average those of one time, and put
in missing steps without values; `refuse` them; `ignore` it, and take each row as one step."""

RowsOption = Literal["auto", "repair", "refuse", "ignore"]
"""As an option: auto is `ignore` where steps have classes, since then a row is a step, else `repair`."""

Text = Literal["refuse", "ignore"]
"""What to do with columns of text."""


def resolved(irregular: RowsOption, labels: str | None) -> Irregular:
    """What is done with rows that are not one step after the other; see `RowsOption`."""
    if irregular == "auto":
        return "ignore" if labels == "steps" else "repair"
    return irregular


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

    The columns of time are `find_times`'. Columns that only count the rows are left out, and those without a name.

    Args:
        frame: A pandas DataFrame.
        columns: The channels wanted, in this order; (): all.

    Raises:
        InputError: no row, no channel, text among numbers, times that cannot be put in order; names the row, counted
            from 1 below the header.
    """
    table = _read(frame, name, columns, text, [np.arange(len(frame))])
    return _in_order(table, np.arange(len(frame)), name, irregular, columns)


def series_of_groups(
    frame: Any,
    name: str,
    group: str,
    *,
    columns: Sequence[str] = (),
    irregular: Irregular = "repair",
    text: Text = "refuse",
) -> list[tuple[str, Series]]:
    """The series of a table of several, told apart by a column, in the order in which they begin.

    Times and numbers are understood by the whole table, and put in order in each series by itself.

    Args:
        group: The column, which is no channel.

    Warns:
        DataWarning: rows without a group, which are left out.

    Raises:
        InputError: as `series_from_table`.
        OptionError: no such column, or one that is to be a channel; or no row has a group.
    """
    names = [str(column) for column in frame.columns]
    if group not in names or group in columns:
        raise OptionError(
            f"{name} has no column group={group}" if group not in names else f"{group!r} is both group and channel",
            fix=f"its columns are {', '.join(names[:20])}; group=none takes the table for one series",
        )
    rows_of: dict[str, list[int]] = {}
    for row, cell in enumerate(frame.iloc[:, names.index(group)].tolist()):
        if (key := canonical_label(cell)) is not None and key != "<NA>":
            rows_of.setdefault(key, []).append(row)
    if lacking := len(frame) - sum(map(len, rows_of.values())):
        if not rows_of:
            raise OptionError(
                f"{name}: none of the {lacking:,} rows has a value of the column group={group}",
                fix="name another column",
            )
        left_out(name, f"{lacking:,} of {len(frame):,} rows have no {group}")
    rows = [np.array(some) for some in rows_of.values()]
    table = _read(frame.loc[:, [each != group for each in names]], name, columns, text, rows)
    return [
        (key, _in_order(table, own, f"{name}, {group} {key}", irregular, columns))
        for key, own in zip(rows_of, rows, strict=True)
    ]


@dataclass(frozen=True)
class _Table:
    """What a data frame says: channels, and times (None where they are not known) or what the rows are in order of."""

    values: NDArray[np.float64]
    channels: list[str]
    times: Times | None
    order: NDArray[Any] | None


def _read(
    frame: Any, name: str, columns: Sequence[str], text: Text, rows_of_series: Sequence[NDArray[np.int64]]
) -> _Table:
    check_size(len(frame), max(frame.shape[1], 1), name)
    names = [str(column) for column in frame.columns]
    if not columns:
        check_not_transposed(names, name)
    times, order, time_places = find_times(frame, name)
    numbers = _channels(frame, names, time_places, tuple(columns), text, name, rows_of_series)
    values = np.stack([column for _, column in numbers], axis=1)
    return _Table(values, [channel for channel, _ in numbers], times, order)


def _in_order(
    table: _Table, rows: NDArray[np.int64], name: str, irregular: Irregular, columns: Sequence[str]
) -> Series:
    """The series of some of the rows."""
    values = table.values[rows]
    times = None if table.times is None else table.times[rows]
    if irregular == "ignore" and table.order is not None and not (np.diff(table.order[rows]) > 0).all():
        reinterpreted(name, "rows whose times do not increase: each taken for the step after the one above")
    if irregular != "ignore" and table.order is not None:
        if times is not None and irregular == "repair":
            if (winter := without_daylight_saving(times)) is not None:
                times = winter
                reinterpreted(name, "local times with daylight saving taken for one clock without it")
            values, times = _repaired(values, times, name)
        else:
            _check_order(table.order[rows], times, name)
    series = make_series(values, name, table.channels, times)
    return series.of(columns) if columns else series


def _channels(
    frame: Any,
    names: list[str],
    time_places: tuple[int, ...],
    columns: tuple[str, ...],
    text: Text,
    name: str,
    rows_of_series: Sequence[NDArray[np.int64]],
) -> list[tuple[str, NDArray[np.float64]]]:
    """Name and values of the columns of numbers, but for those that count the rows of the table, or of each series."""
    found = []
    for place, column_name in enumerate(names):
        if place in time_places or (columns and column_name not in columns):
            continue
        if not column_name.strip() or column_name.startswith("Unnamed: "):
            _tell_unnamed(frame.iloc[:, place], name)
            continue
        numbers = _numbers(frame.iloc[:, place], column_name, text, name)
        if numbers is not None and not columns and time_places and repeats_the_time(column_name, numbers):
            left_out(name, "a column that repeats the time")
            continue
        if numbers is not None and (
            columns or len(names) == 1 or not _counts_rows(column_name, numbers, rows_of_series)
        ):
            found.append((column_name, without_marks(numbers, column_name, name)))
    if lacking := [column for column in columns if column not in names]:
        raise InputError(
            f"{name} has no column {', '.join(map(repr, lacking[:5]))}",
            fix=f"its columns are {', '.join(map(repr, names[:20]))}",
        )
    if not found:
        beside = f" beside the times in {', '.join(repr(names[place]) for place in time_places)}" if time_places else ""
        raise InputError(
            f"{name} has no column of numbers{beside}; its columns are {', '.join(map(repr, names[:10]))}",
            fix="check the separator (, ; or tab) and give a column of numbers for each channel",
        )
    return found


def _counts_rows(name: str, numbers: NDArray[np.float64], rows_of_series: Sequence[NDArray[np.int64]]) -> bool:
    """Whether a column counts the rows of the table, or those of each series."""
    several = [numbers[rows] for rows in rows_of_series if len(rows) > 1]
    return is_row_number(name, numbers) or bool(several and all(is_row_number(name, own) for own in several))


def _tell_unnamed(column: Any, name: str) -> None:
    """Of columns without a name, those that are neither empty nor count rows."""
    is_number = column.dtype.kind in "iuf"
    if column.notna().any() and not (is_number and is_row_number("", column.to_numpy(dtype=np.float64))):
        left_out(name, "a column without a name")


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
            fix="sort the rows by time and keep one a time; or set irregular=ignore, which takes each row as one step",
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
            fix="put in the missing rows, or set irregular=repair; irregular=ignore takes each row as one step",
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
        if not (np.diff(times) >= 0).all():
            reinterpreted(name, "rows that were not in order of their times, sorted")
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
            fix="cut it into series without long gaps; or set irregular=ignore, which takes each row as one step",
        )
    check_size(steps, values.shape[1], name)
    reinterpreted(name, f"{steps - len(ordered):,} of {steps:,} steps are missing, and have no value")
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
            fix="several series in one table: name the column that tells them apart by the data option group, or give "
            "each a column, or a file, of its own",
        )
    reinterpreted(name, f"{doubles:,} of {len(times):,} rows have the time of another, and are averaged with it")
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
        fix="average or interpolate the series to a regular step; or set irregular=ignore, which takes each row as one "
        "step",
    )

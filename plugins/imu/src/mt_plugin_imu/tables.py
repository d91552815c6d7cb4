"""Tables to recordings: which columns are axes, and which is the time.  T steps, C axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import Delimited, text_lines
from mt_plugin_imu.recording import Recording, make_recording
from mt_plugin_imu.times import is_time_column, looks_like_time, to_even_steps

MAX_BYTES = 2**28
"""Of a text file: some two million rows of ten columns."""

MAX_COLUMNS = 1024

_NO_AXIS = re.compile(
    r"|unnamed.*|index|row|nr|no|#|id|.*_id|samples?|frames?|count(er)?|user|subject|person|participant|session|"
    r"exp(eriment)?|trial|split|label|activity|class|target|gt|device|model|date"
)


def read_table(file: BinaryIO, name: str, columns: Sequence[str] = ()) -> Recording:
    """The axes of a text table, a row a step, and their rate where it has a column of time.

    Between columns are commas, semicolons, tabs or blanks; lines that begin with # or % or // are comments. A first
    line in which no cell is a number names the columns. Without one, the first column is the time if it rises in even
    steps, and all others are axes.

    Args:
        file: Open for reading, at its start.
        columns: The axes by name, or by number from 1 where there are no names; none: found.

    Raises:
        InputError: text where numbers should be, or rows of different lengths (both with the line); too large, or no
            rows; also as `choose_columns`, `to_even_steps` and `make_recording`.
    """
    lines = text_lines(file, name, largest=MAX_BYTES)
    table = Delimited(lines, name, separators=",;\t ", comments=("#", "%", "//"))
    if table.width > MAX_COLUMNS:
        raise InputError(
            f"{name} has {table.width:,} columns, and {MAX_COLUMNS:,} are the most",
            fix="write a row a step, and a column an axis",
        )
    if table.names:
        axes, clock = choose_columns(table.names, columns, name)
    else:
        axes = _numbered(table.width, columns, name)
        clock = 0 if table.width > 1 and not (columns and 0 in axes) else None
    taken = axes if clock is None else [*axes, clock]
    values_TC, lines_T = table.numbers(taken, {} if clock is None else {clock: _seconds})
    if clock is None:
        return make_recording(values_TC, None, name)
    ticks_T, values_TC = values_TC[:, -1], values_TC[:, :-1]
    if not table.names and not looks_like_time(ticks_T):
        return make_recording(values_TC, None, name)
    if not table.names and not columns:
        values_TC = values_TC[:, 1:]
    column = table.names[clock] if table.names else ""
    even_TC, rate = to_even_steps(values_TC, ticks_T, column, name, lambda row: f"line {lines_T[row]}")
    return make_recording(even_TC, rate, name)


def from_frame(frame: Any, columns: Sequence[str], name: str) -> Recording:
    """The axes of a data frame, by the names of its columns, as in a file with a header."""
    names = [str(column) for column in frame.columns]
    axes, clock = choose_columns(names, columns, name)
    values_TC = np.asarray(frame.iloc[:, axes])
    if clock is None:
        return make_recording(values_TC, None, name)
    ticks_T, column = np.asarray(frame.iloc[:, clock]), names[clock]
    if ticks_T.dtype.kind == "M":
        ticks_T, column = (ticks_T - ticks_T[0]) / np.timedelta64(1, "s"), "time (s)"
    return from_times(values_TC, ticks_T, column, name)


def from_times(values: Any, ticks_T: Any, column: str, name: str) -> Recording:
    """A recording from values (T, C) or (T,) and their times, in the unit that the column's name tells."""
    if values.dtype.kind not in "fiub" or ticks_T.dtype.kind not in "fiu" or ticks_T.shape != values.shape[:1]:
        raise InputError(
            f"{name}: {column!r} is {ticks_T.shape} {ticks_T.dtype}, the values are {values.shape} {values.dtype}",
            fix="give one number of time a step",
        )
    values_TC, ticks_T = values.reshape(len(values), -1).astype(np.float64), ticks_T.astype(np.float64)
    even_TC, rate = to_even_steps(values_TC, ticks_T, column, name, lambda row: f"row {row + 1}")
    return make_recording(even_TC, rate, name)


def choose_columns(names: Sequence[str], wanted: Sequence[str], source: str) -> tuple[list[int], int | None]:
    """The places of the axes in a table with a header, and of the time.

    Args:
        wanted: The axes by name, in this order; none: all but those that tell the time, a label, a person or a number
            of the row.

    Raises:
        InputError: a wanted column that is not there, or no axis at all.
    """
    plain = [name.strip().lower() for name in names]
    clocks = [place for place, name in enumerate(plain) if is_time_column(name)]
    axes: list[int] = []
    for name in wanted:
        if name.strip().lower() not in plain:
            raise InputError(
                f"{source} has no column {name!r}; it has {', '.join(names)[:200]}",
                fix="name columns of the file in the option columns",
            )
        axes.append(plain.index(name.strip().lower()))
    if not wanted:
        axes = [place for place, name in enumerate(plain) if place not in clocks and not _NO_AXIS.fullmatch(name)]
    if not axes:
        raise InputError(
            f"{source} has no column that is an axis: {', '.join(names)[:200]}",
            fix="name the axes in the option columns",
        )
    return axes, next((place for place in clocks if place not in axes), None)


def _numbered(count: int, columns: Sequence[str], name: str) -> list[int]:
    for column in columns:
        if not column.strip().isdecimal() or not 1 <= int(column) <= count:
            raise InputError(
                f"{name} has no names of columns, and {column!r} is none of its {count} numbers",
                fix=f"give numbers from 1 to {count} in the option columns, or write the names into the first line",
            )
    return [int(column) - 1 for column in columns] or list(range(count))


def _seconds(cell: str) -> float:
    """Since 1970, of a date with its time."""
    moment = datetime.fromisoformat(cell.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

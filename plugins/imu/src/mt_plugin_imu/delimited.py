"""Tables in text: a row a step, with commas, semicolons, tabs or blanks between.  T steps, C columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_plugin_imu.clock import at_even_steps, looks_like_a_clock
from mt_plugin_imu.columns import Columns, chosen_columns
from mt_plugin_imu.recording import Recording, recording_of

MAX_BYTES = 2**28
"""Of a text file: some two million rows of ten columns."""

MAX_COLUMNS = 1024

_COMMENTS = ("#", "%", "//")
_MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none", "inf", "-inf", "+inf", "infinity", "-infinity"})

Lines = list[tuple[int, str]]
"""Their number in the file, from 1, and what they say."""


def read_delimited(content: bytes, name: str, columns: Sequence[str] = ()) -> Recording:
    """The axes of a table, and their rate where it has a column of time.

    A first line in which no cell is a number names the columns. Without one, the first column is the time if it rises
    in even steps, and all others are axes.

    Args:
        content: Of the file.
        columns: The axes by name, or by number from 1 where there are no names; none: found.

    Raises:
        InputError: text where numbers should be, or rows of different lengths (both with the line); too large, or no
            rows; also as `chosen_columns`, `at_even_steps` and `recording_of`.
    """
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{name} has {len(content) / 2**20:,.0f} MiB of text, and {MAX_BYTES >> 20} MiB is the most",
            fix="save it as .npy or .npz, or cut it into several files",
        )
    text = content.decode("utf-8-sig", errors="replace")
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith(_COMMENTS)
    ]
    if not lines:
        raise InputError(f"{name} has no rows", fix="check that the recording was saved")
    separator = max(",;\t", key=lines[0][1].count)
    delimiter = separator if separator in lines[0][1] else None
    first = _cells(lines[0][1], delimiter)
    if len(first) > MAX_COLUMNS:
        raise InputError(
            f"{name} has {len(first):,} columns, and {MAX_COLUMNS:,} are the most",
            fix="write a row a step, and a column an axis",
        )
    has_names = not any(_is_number(cell) for cell in first) and any(cell.strip() for cell in first)
    if has_names:
        lines = lines[1:]
        if not lines:
            raise InputError(f"{name} has names of columns and no rows", fix="check that the recording was saved")
        places = chosen_columns(first, columns, name)
    else:
        places = _numbered(len(first), columns, name)
    table_TC = _numbers(lines, delimiter, len(first), first if has_names else [], places, name)
    if not has_names and len(first) > 1 and looks_like_a_clock(table_TC[:, 0]):
        places = places if columns and 0 in places.axes else Columns(tuple(axis for axis in places.axes if axis), 0)
    values, rate = table_TC[:, places.axes], None
    if places.clock is not None:
        clock = first[places.clock] if has_names else ""
        ticks_T = table_TC[:, places.clock]
        values, rate = at_even_steps(values, ticks_T, clock, name, lambda row: f"line {lines[row][0]}")
    return recording_of(values, rate, name)


def _numbered(count: int, columns: Sequence[str], name: str) -> Columns:
    axes = []
    for column in columns:
        if not column.strip().isdecimal() or not 1 <= int(column) <= count:
            raise InputError(
                f"{name} has no names of columns, and {column!r} is none of its {count} numbers",
                fix=f"give numbers from 1 to {count} in the option columns, or write the names into the first line",
            )
        axes.append(int(column) - 1)
    return Columns(tuple(axes or range(count)), None)


def _numbers(
    lines: Lines, delimiter: str | None, count: int, names: Sequence[str], places: Columns, name: str
) -> NDArray[np.float64]:
    """(T, C) all columns, NaN where a cell is missing, or text in a column that is not wanted."""
    try:  # the fast way, for tables of nothing but numbers
        table = np.loadtxt((line for _, line in lines), delimiter=delimiter, comments=None, ndmin=2)
        if table.shape[1] == count:
            return table
    except ValueError:
        pass
    wanted = {*places.axes} if places.clock is None else {*places.axes, places.clock}
    table = np.full((len(lines), count), np.nan)
    for row, (number, line) in enumerate(lines):
        cells = _cells(line, delimiter)
        if len(cells) != count:
            raise InputError(
                f"{name}, line {number}: {len(cells)} columns, the first line has {count}",
                fix="check that the recording was saved whole; delete a line that is cut",
            )
        for place, cell in enumerate(map(str.strip, cells)):
            try:
                table[row, place] = np.nan if cell.lower() in _MISSING else _number(cell, place == places.clock)
            except ValueError:
                if place not in wanted:
                    continue
                column = f"column {names[place]!r}" if names else f"column {place + 1}"
                raise InputError(
                    f"{name}, line {number}: {cell[:40]!r} in {column} is no number",
                    fix="correct the line, or name the axes in the option columns",
                ) from None
    return table


def _number(cell: str, is_clock: bool) -> float:
    """A cell's number, or the seconds since 1970 of a date with its time."""
    try:
        if "_" in cell:
            raise ValueError
        return float(cell)
    except ValueError:
        if not is_clock:
            raise
        moment = datetime.fromisoformat(cell)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in _MISSING


def _cells(line: str, delimiter: str | None) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter)) if delimiter else line.split()

"""Tables to recordings.  T steps, C axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import (
    Delimited,
    Heading,
    is_header,
    left_out,
    read_heading,
    reinterpreted,
    text_lines,
    times_of_parts,
    times_of_texts,
)
from mt_plugin_imu.columns import (
    Columns,
    choose_columns,
    may_be_time,
    numbered_columns,
    tells_devices_apart,
)
from mt_plugin_imu.label_cells import label_column
from mt_plugin_imu.recording import Recording, make_recording
from mt_plugin_imu.rows import Rows
from mt_plugin_imu.times import Ticks, check_other_clocks, is_time_column, looks_like_time, to_even_steps

MAX_BYTES = 2**28
"""Of a text file: some two million rows of ten columns."""

MAX_COLUMNS = 1024

_COMMENTS = ("#", "%", "//")
_SEPARATORS = ",;\t| "


def read_table(file: BinaryIO, name: str, columns: Sequence[str] = ()) -> Recording:
    """The axes of a text table; see `read_labelled_table`."""
    recording, _ = _read_table(file, name, columns, None)
    return recording


def read_labelled_table(
    file: BinaryIO, name: str, columns: Sequence[str] = (), label: str = ""
) -> tuple[Recording, list[str | None]]:
    """The axes of a text table, a row a step, and their rate where a column of time or the lines above it tell it.

    Between columns are commas, semicolons, tabs, bars or blanks; lines that begin with # or % or // are comments. What
    may stand above the rows is `sdk.read_heading`'s. Without names the first column is the time if it rises in even
    steps, and all others are axes.

    Args:
        file: Open for reading, at its start.
        columns: The axes by name, or by number from 1 where there are no names; none: found.
        label: The column with the class of each step, in the same way; "": found by its name.

    Returns:
        The recording, and the label of each of its steps; None where the cell is empty, or where a step lies half-way
        between rows of different ones.

    Warns:
        DataWarning: what was left out, and what was taken for something else.

    Raises:
        OptionError: no column of labels.
        InputError: text where numbers should be, or rows of different lengths (both with the line); too large, or no
            rows; also as `choose_columns`, `to_even_steps` and `make_recording`.
    """
    return _read_table(file, name, columns, label)


def _read_table(
    file: BinaryIO, name: str, columns: Sequence[str], label: str | None
) -> tuple[Recording, list[str | None]]:
    lines = text_lines(file, name, largest=MAX_BYTES)
    heading, lines = read_heading(lines, name, separators=_SEPARATORS, comments=_COMMENTS)
    has_names = heading.has_names
    header = is_header if has_names is None else has_names
    table = Delimited(lines, name, separators=heading.separator, comments=_COMMENTS, header=header)
    if table.width > MAX_COLUMNS:
        raise InputError(
            f"{name} has {table.width:,} columns, and {MAX_COLUMNS:,} are the most",
            fix="write a row a step, and a column an axis",
        )
    label_at = None if label is None else label_column(table.names, table.width, label, name)
    if table.names:
        chosen = choose_columns(table.names, columns, name)
        if label_at is not None and chosen.are_guessed:
            chosen = replace(chosen, axes=[place for place in chosen.axes if place != label_at])
        if chosen.are_guessed:
            chosen = _without_text(chosen, table.names, heading.text_columns, name)
    else:
        chosen = numbered_columns(table.width, columns, heading.time_columns, name)
        chosen = replace(chosen, axes=[place for place in chosen.axes if place != label_at])
    return _read(table, chosen, heading, name, label_at)


def _read(
    table: Delimited, chosen: Columns, heading: Heading, name: str, label_at: int | None
) -> tuple[Recording, list[str | None]]:
    rows = Rows.read(table, chosen, name, label_at)
    ticks = _ticks(rows.names, chosen, heading.units, rows.texts, rows.numbers, name, rows.where)
    ticks, is_first = _or_of_first(ticks, rows, chosen)
    values_TC = rows.axes[:, 1:] if is_first else rows.axes
    chosen = replace(chosen, axes=chosen.axes[1:]) if is_first else chosen
    if ticks is not None and ticks.unit is not None:
        others = [place for place in chosen.other_clocks if not rows.is_text(place)]
        check_other_clocks(ticks, [(rows.names[place], rows.numbers(place)) for place in others], name)
    values_TC = _without_empty_end(_with_values(values_TC, chosen, rows.names, name))
    num_steps, num_axes = values_TC.shape
    if rows.labels is not None:  # one-hot, so that resampling between two classes shows as a mixture
        values_TC = np.concatenate([values_TC, rows.classes.as_columns(rows.labels[:num_steps])], axis=1)
    rate = None
    if ticks is not None:
        stated = heading.rates[0] if len(heading.rates) == 1 else None
        ticks = replace(ticks, values=ticks.values[:num_steps])
        values_TC, rate = to_even_steps(values_TC, ticks, name, rows.where, stated)
    recording = make_recording(values_TC[:, :num_axes], rate or heading.rate(name), name)
    return recording, rows.classes.of_columns(values_TC[:, num_axes:])


def _or_of_first(ticks: Ticks | None, rows: Rows, chosen: Columns) -> tuple[Ticks | None, bool]:
    """The times; where no column tells them those of a first one that only rises, which is no axis of a sensor. Also
    whether the first of the axes has the times."""
    if not chosen.are_guessed:
        return ticks, False
    if ticks is not None:
        return ticks, not rows.names and chosen.together is None
    may_be = rows.axes.shape[1] > 1 and (not rows.names or may_be_time(rows.names[chosen.axes[0]]))
    if not may_be or not looks_like_time(rows.axes[:, 0]):
        return None, False
    if rows.names:
        reinterpreted(rows.name, "a first column of another name taken for the time, since it rises in even steps")
    return Ticks.of_column(rows.axes[:, 0], ""), True


def _without_empty_end(values_TC: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without last rows that are separators with nothing between them."""
    is_said_T: NDArray[np.bool_] = np.asarray(~np.isnan(values_TC).all(1))
    if not values_TC.size or is_said_T[-1] or not is_said_T.any():
        return values_TC
    return values_TC[: len(is_said_T) - int(is_said_T[::-1].argmax())]


def _ticks(
    names: Sequence[str],
    chosen: Columns,
    units: Sequence[str],
    texts: Callable[[int], list[str]],
    numbers: Callable[[int], NDArray[np.float64]],
    name: str,
    where: Callable[[int], str],
) -> Ticks | None:
    """The times of the rows, of the columns that tell them; None where they tell none.

    Args:
        texts: Gives the cells of a column; [] where it has numbers.
        numbers: Gives the numbers of a column.
    """
    together = chosen.together
    if together is not None and together.parts == ("date", "time"):
        both = [texts(place) for place in together.places]
        if all(both):
            return Ticks.of_microseconds(times_of_parts(together, both, name, where), "the time in date and time")
    elif together is not None and chosen.clock is None:
        parts = [numbers(place) for place in together.places]
        if all(np.isfinite(part).all() for part in parts):
            moments = times_of_parts(together, parts, name, where)
            return Ticks.of_microseconds(moments, f"the time in {', '.join(together.parts)}")
    if chosen.clock is None:
        return None
    column = names[chosen.clock] if names else ""
    if found := texts(chosen.clock):
        moments, _ = times_of_texts(found, f"the time column {column!r}", name, where)
        return Ticks.of_microseconds(moments, f"the time column {column!r}")
    values_T = numbers(chosen.clock)
    if not names:
        return None if not looks_like_time(values_T) or chosen.are_guessed else Ticks.of_column(values_T, "")
    unit = units[chosen.clock] if units else ""
    with_unit = f"{column} ({unit})"
    return Ticks.of_column(values_T, with_unit if unit and is_time_column(with_unit) else column)


def _without_text(chosen: Columns, names: Sequence[str], are_text: Sequence[int], name: str) -> Columns:
    texts = [place for place in are_text if place in chosen.axes]
    for place in filter(lambda place: tells_devices_apart(names[place]), texts):
        raise InputError(
            f"{name}: the column {names[place]!r} says that its rows are of several sensors or devices",
            fix="give each a file, or columns, of its own; or name the axes in the option columns",
        )
    if texts and len(texts) < len(chosen.axes):
        left_out(name, f"columns of text: {', '.join(names[place] for place in texts)[:200]}")
        return replace(chosen, axes=[place for place in chosen.axes if place not in texts])
    return chosen


def _with_values(
    values_TC: NDArray[np.float64], chosen: Columns, names: Sequence[str], name: str
) -> NDArray[np.float64]:
    """Without columns in which no row has a value, or each has a time since 1970."""
    if not chosen.are_guessed:
        return values_TC
    is_time = _are_times(values_TC)
    if is_time.any() and not is_time.all():
        left_out(name, f"{is_time.sum()} columns of times beside the axes")
        kept = [axis for axis, time in zip(chosen.axes, is_time.tolist(), strict=True) if not time]
        values_TC, chosen = values_TC[:, ~is_time], replace(chosen, axes=kept)
    is_empty: NDArray[np.bool_] = np.asarray(np.isnan(values_TC).all(0))
    if not is_empty.any() or is_empty.all():
        return values_TC
    said = [names[place] for place, empty in zip(chosen.axes, is_empty.tolist(), strict=True) if empty and names]
    if said:
        left_out(name, f"columns without a value: {', '.join(said)[:200]}")
    return values_TC[:, ~is_empty]


def _are_times(values_TC: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(C,) which columns only rise, and are as large as times since 1970."""
    if len(values_TC) < 2:
        return np.zeros(values_TC.shape[1], dtype=bool)
    with np.errstate(invalid="ignore"):
        are_late = (values_TC >= 1e9).all(0) & (values_TC[-1] < 1.05 * values_TC[0])
        return np.asarray(are_late & (np.diff(values_TC, axis=0) >= 0).all(0))


def from_frame(frame: Any, columns: Sequence[str], name: str) -> Recording:
    """The axes of a data frame, by the names of its columns, as in a file with a header; its index may be the time."""
    names = [str(column) for column in frame.columns]
    chosen = choose_columns(names, columns, name)
    are_text = [place for place in chosen.axes if frame.iloc[:, place].dtype.kind not in "fiub"]
    chosen = _without_text(chosen, names, are_text, name) if chosen.are_guessed else chosen

    def texts(place: int) -> list[str]:
        column = frame.iloc[:, place]
        return [] if column.dtype.kind in "fiub" else [str(cell) for cell in column]

    def numbers(place: int) -> NDArray[np.float64]:
        return np.asarray(frame.iloc[:, place], dtype=np.float64)

    def where(row: int) -> str:
        return f"row {row + 1}"

    values_TC = np.asarray(frame.iloc[:, chosen.axes])
    ticks = _ticks(names, chosen, (), texts, numbers, name, where)
    if ticks is None and frame.index.dtype.kind in "mM":
        since = (np.asarray(frame.index - frame.index[0]) / np.timedelta64(1, "us")).astype(np.int64)
        ticks = Ticks.of_microseconds(since, "the index of the table")
    if ticks is None:
        return make_recording(values_TC, None, name)
    if values_TC.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {values_TC.dtype} values, not real numbers", fix="give columns of numbers")
    even_TC, rate = to_even_steps(values_TC.astype(np.float64), ticks, name, where)
    return make_recording(even_TC, rate, name)


def from_times(values: Any, ticks_T: Any, column: str, name: str) -> Recording:
    """A recording from values (T, C) or (T,) and their times, in the unit that the column's name tells."""
    if values.dtype.kind not in "fiub" or ticks_T.dtype.kind not in "fiu" or ticks_T.shape != values.shape[:1]:
        raise InputError(
            f"{name}: {column!r} is {ticks_T.shape} {ticks_T.dtype}, the values are {values.shape} {values.dtype}",
            fix="give one number of time a step",
        )
    values_TC, ticks_T = values.reshape(len(values), -1).astype(np.float64), ticks_T.astype(np.float64)
    ticks = Ticks.of_column(ticks_T, column)
    even_TC, rate = to_even_steps(values_TC, ticks, name, lambda row: f"row {row + 1}")
    return make_recording(even_TC, rate, name)

"""What stands above the rows of a table: lines of text, key and value, start time and rate, names over several rows,
units. Recorders write it, and no reader may take it for data.  C columns.

Lines that belong to no row are replaced by empty ones, so that the numbers of the others stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk.dates import date_format
from mt_core.sdk.heading_cells import (
    DATE,
    MOSTLY,
    are_times,
    cells_of,
    is_comment,
    is_numeric,
    is_value,
    join_names,
    kind_of,
    names_each,
    to_float,
    without_mark,
)
from mt_core.sdk.notices import left_out, reinterpreted
from mt_core.sdk.other_formats import refuse_no_table
from mt_core.sdk.recorders import are_units, stated_rate
from mt_core.sdk.separators import is_one_column, sniff_separator
from mt_core.sdk.start_rows import check_first_rows, start_and_rate

_PROBED_LINES = 120
_MOST_NAME_ROWS = 4

_COLUMN_WORD = re.compile(
    r"t|x|y|z|index|time.*|date.*|timestamp.*|yy|yyyy|year|sec.*|[agm][xyz]|acc.*|gyr.*|mag.*|lon.*|lat.*",
    re.IGNORECASE,
)
_EXCEL_SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)
_MARKED = re.compile(r"[-+]?\d+[.,]\d+\s*[^\d\s.,:/-]{1,3}")
"""A number with a mark behind it, such as 10.0*, which is no date; a reader tells of it."""
_SINGLE_QUOTED = re.compile(r"\s*'[^'\"]*'(?:[,;\t]\s*'[^'\"]*')*\s*")


@dataclass(frozen=True)
class Heading:
    """What was found above the rows.

    Attributes:
        separator: Of the rows.
        has_names: Whether the first line that is left names the columns; None where a reader has to tell by its cells.
        units: Of each column, "" for none; () where no row has them.
        rates: The samples a second that are stated, in Hz, each once.
        start: When the first row was recorded, in seconds since 1970; None where it is not said by a row of its own.
        text_columns: Places of the columns whose first cells are text: neither numbers nor dates.
        time_columns: Of those whose first cells are dates, or times of the day.
    """

    separator: str
    has_names: bool | None = None
    units: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    start: float | None = None
    text_columns: tuple[int, ...] = ()
    time_columns: tuple[int, ...] = ()

    def rate(self, name: str) -> float | None:
        """The rate in Hz; None where none is stated.

        Raises:
            InputError: several are stated.
        """
        if len(self.rates) > 1:
            stated = ", ".join(f"{rate:g} Hz" for rate in self.rates)
            raise InputError(
                f"{name} states several rates above its rows: {stated}",
                fix="give the columns of each rate a file of their own, or add a column of time",
            )
        return self.rates[0] if self.rates else None


def read_heading(
    lines: Iterable[str], name: str, *, separators: str = ",;\t|", comments: Sequence[str] = ()
) -> tuple[Heading, Iterator[str]]:
    """What stands above the rows of a delimited text, and its lines without it.

    Known are: lines of another number of cells than the rows, or of text where these have numbers; `sep=;`; comments,
    the last of which may name the columns; a row of names, or several; a row of units below it; a first row of start
    times and a second of the rate, as wristbands write them. A rate is looked for in all of them.

    Args:
        lines: With their ends, as `text_lines` gives them.
        name: What the file is called in messages.
        separators: Those that may be; see `delimited.sniff_separator`.
        comments: What comment lines begin with.

    Returns:
        The heading; and the lines, those replaced by empty ones that belong to no row.

    Warns:
        DataWarning: lines that were left out, rows that were taken for names, start time or rate.

    Raises:
        InputError: numbers above the rows whose meaning is not certain.
    """
    lines = iter(lines)
    first: list[str] = []
    num_rows = 0
    for line in lines:
        first.append(line)
        num_rows += bool(line.strip()) and not is_comment(line, comments)
        if num_rows == _PROBED_LINES:
            break
    refuse_no_table(first, name)
    if first and (match := _EXCEL_SEPARATOR.fullmatch(first[0])):
        separators, first[0] = match[1], "\n"
    elif ";" in separators and is_one_column([line for line in first if not is_comment(line, comments)]):
        separators = ";"
    if any(_SINGLE_QUOTED.fullmatch(line) for line in first):  # PhysioNet's rdsamp
        first = [line.replace("'", '"') for line in first]
        lines = (line.replace("'", '"') for line in lines)
    ends = [line.rstrip()[-1:] for line in first if line.strip() and not is_comment(line, comments)]
    if ends.count(";") > MOSTLY * len(ends) and sum(line.count(",") for line in first) > len(ends):
        first = [_without_end(line) for line in first]  # 1,2,3; as Java programs write rows
        lines = map(_without_end, lines)
    heading = _Top(first, name, separators, tuple(comments)).read()
    return heading, chain(first, lines)


def _without_end(line: str) -> str:
    """A line without the semicolon at its end."""
    bare = line.rstrip()
    return bare.removesuffix(";") + "\n" if bare.endswith(";") else line


class _Top:
    """The first lines of a text, in which those that belong to no row are replaced."""

    def __init__(self, lines: list[str], name: str, separators: str, comments: tuple[str, ...]) -> None:
        self.lines, self.name = lines, name
        texts = [at for at, line in enumerate(lines) if line.strip() and not is_comment(line, comments)]
        self.comments = {
            at: without_mark(line, comments) for at, line in enumerate(lines) if is_comment(line, comments)
        }
        for share in (2, 4, 8, 16, _PROBED_LINES):
            body = [lines[at] for at in texts[-max(1, len(texts) // share) :]]
            self.separator = sniff_separator(body, separators)
            rows = [cells_of(line, self.separator) for line in body]
            self.width, times = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
            kinds = [kind_of([row[place] for row in rows if len(row) == self.width]) for place in range(self.width)]
            self.valued = [place for place, kind in enumerate(kinds) if kind == "values"]
            if self.valued and "mixed" not in kinds and times >= MOSTLY * len(rows):
                break
        else:
            self.valued = []
        self.text_columns: tuple[int, ...] = ()
        self.time_columns: tuple[int, ...] = ()
        self.rows = {at: cells_of(lines[at], self.separator) for at in texts}

    def read(self) -> Heading:
        places = list(self.rows)
        start = next((n for n, at in enumerate(places) if self._is_row(self.rows[at])), None) if self.valued else None
        if start is None:
            return Heading(self.separator)
        above, below = places[:start], places[start:]
        rows = [self.rows[at] for at in below if self._is_row(self.rows[at])]
        self.text_columns = tuple(at for at in range(self.width) if kind_of([row[at] for row in rows]) == "text")
        self.time_columns = tuple(at for at in self.valued if are_times([row[at] for row in rows]))
        nothing = Heading(self.separator, text_columns=self.text_columns, time_columns=self.time_columns)
        dated = self._dated_start(below, rows)
        if dated is not None:
            self._blank(places[: start + 2])
            reinterpreted(self.name, "the first row taken for the start time and the second for the rate")
            if above:
                left_out(self.name, f"{len(above)} lines above the table")
            return Heading(self.separator, False, (), dated[1:], dated[0], self.text_columns)
        stack: list[int] = []
        for at in reversed(above):
            if not self._may_name(self.rows[at]):
                break
            stack.insert(0, at)
        if above and not stack and self._is_spoilt(self.rows[above[-1]]):
            return nothing  # a row with a mistake, or names of other columns, of which a reader tells
        names, units, used = self._names(stack)
        others = [at for at in above if at not in used]
        rates = self._rates([*others, *(at for at in self.comments if at < below[0])])
        moment = None
        numbers = [at for at in others if self._has_numbers_alone(self.rows[at])]
        if any(len(set(filter(None, map(str.strip, self.rows[at])))) > 1 for at in numbers):
            return nothing  # rows of other lengths, of which a reader tells
        if numbers:
            moment, rate = self._lone_numbers(numbers)
            rates = [*rates, rate]
            others = [at for at in others if at not in numbers]
            self._blank(numbers)
        elif (found := start_and_rate(values := self._values(below))) is not None:
            moment, rate = found
            rates = [*rates, rate]
            reinterpreted(self.name, "the first row taken for the start time and the second for the rate")
            self._blank(below[:2])
        else:
            check_first_rows(values, [at + 1 for at in below], self.name)
        if others:
            left_out(self.name, f"{len(others)} lines above the table")
        at = used[-1] if used else -1
        if not names and not above:
            names, units, at = self._commented_names(below[0])
        self._blank([*others, *used])
        if names:
            self.lines[at] = join_names(names, self.separator)
        has_names = bool(names) if names or above or moment is not None else None
        distinct = tuple(dict.fromkeys(rates))
        return Heading(self.separator, has_names, units, distinct, moment, self.text_columns, self.time_columns)

    def _dated_start(self, below: list[int], rows: list[list[str]]) -> tuple[float, float] | None:
        """Start and rate, where the first row repeats a date above numbers; None where it has none.

        Raises:
            InputError: another date above a column of numbers.
        """
        dates = {rows[0][place].strip() for place in self.valued if place not in self.time_columns}
        odd = [date for date in dates if DATE.fullmatch(date) and not is_numeric(date) and not _MARKED.fullmatch(date)]
        if not odd or len(rows) < 5:
            return None
        rates = {to_float(rows[1][place]) for place in self.valued}
        written = date_format(odd)
        if len(dates) == len(odd) == 1 and written is not None and len(rates) == 1 and 0 < min(rates) <= 100_000:
            return written.parse(odd[0]), min(rates)
        raise InputError(
            f"{self.name}, line {below[0] + 1}: {odd[0]!r} above numbers: it is not known what it means",
            fix="remove the lines above the samples, and state the rate or add a column of time",
        )

    def _is_row(self, cells: list[str]) -> bool:
        said = [cells[place] for place in self.valued if cells[place].strip()] if len(cells) == self.width else []
        return bool(said) and all(map(is_value, said))

    def _may_name(self, cells: list[str]) -> bool:
        """Whether a row may name columns, or their units: it has a cell for each, and no number where these have."""
        fitted = self._fitted(cells)
        said = [fitted[place].strip() for place in self.valued] if fitted else []
        return any(said) and not any(cell and is_value(cell) for cell in said)

    def _fitted(self, cells: list[str]) -> list[str]:
        """As many cells as columns; [] where that cannot be.

        Rows may end in a separator where their header does not, and the other way round; and R leaves out the name of
        the column of row numbers.
        """
        if len(cells) == self.width + 1 and not cells[-1].strip():
            return cells[:-1]
        if len(cells) == self.width - 1 and self.width > 2:
            rows = [row for row in self.rows.values() if self._is_row(row)]
            if all(not row[-1].strip() for row in rows):
                return [*cells, ""]
            first = [row[0].strip().strip('"') for row in rows]
            if len(first) > 1 and all(cell.isdecimal() for cell in first):
                steps = {int(after) - int(before) for before, after in pairwise(first)}
                return ["", *cells] if steps == {1} else []
        return cells if len(cells) == self.width else []

    def _is_spoilt(self, cells: list[str]) -> bool:
        if len(cells) > 1 and abs(len(cells) - self.width) == 1:
            return not any(map(is_value, cells))
        said = [cells[place] for place in self.valued if cells[place].strip()] if len(cells) == self.width else []
        return any(map(is_value, said))

    def _has_numbers_alone(self, cells: list[str]) -> bool:
        said = [cell.strip() for cell in cells if cell.strip()]
        return bool(said) and all(map(is_numeric, said))

    def _lone_numbers(self, places: list[int]) -> tuple[float, float]:
        """Start and rate, of two lines of numbers above rows of more."""
        said = [{to_float(cell) for cell in self.rows[at] if cell.strip()} for at in places]
        if len(said) == 2 and all(len(numbers) == 1 for numbers in said):
            pair = np.array([[min(numbers)] for numbers in said] + [[0.0]] * 8)
            found = start_and_rate(pair)
            if found is not None:
                reinterpreted(self.name, "the first row taken for the start time and the second for the rate")
                return found
        raise InputError(
            f"{self.name}, line {places[0] + 1}: {self.lines[places[0]].strip()[:60]!r} above rows of {self.width} "
            "cells: it is not known what it means",
            fix="remove the lines above the table; a rate can be stated in one, as in # Sample Rate: 100 Hz",
        )

    def _names(self, stack: list[int]) -> tuple[list[str], tuple[str, ...], list[int]]:
        """Names, units and the lines that have them."""
        rows = [[cell.strip() for cell in self._fitted(self.rows[at])] for at in stack]
        if not rows:
            return [], (), []
        is_units = [number > 0 and are_units(row) for number, row in enumerate(rows)]
        whole = [number for number, row in enumerate(rows) if not is_units[number] and names_each(row)]
        if whole:
            first = whole[-1]
            names = rows[first]
        else:
            first = max(0, len(rows) - _MOST_NAME_ROWS)
            parts = [
                row for row, are in zip(rows[first:], is_units[first:], strict=True) if not are and len(set(row)) > 1
            ] or rows[:1]
            names = [" ".join(dict.fromkeys(filter(None, cells))) for cells in zip(*parts, strict=True)]
            if len(parts) > 1:
                reinterpreted(self.name, f"names of columns over {len(parts)} rows")
        units: tuple[str, ...] = ()
        for row, are in zip(rows[first + 1 :], is_units[first + 1 :], strict=True):
            if are and not units:
                units = tuple(cell.strip("()[] ") for cell in row)
            elif whole and row[0] and not any(row[1:]) and not names[0]:
                names = [row[0], *names[1:]]  # pandas writes the index' name below the others
        return names, units, stack[first:]

    def _commented_names(self, start: int) -> tuple[list[str], tuple[str, ...], int]:
        """Names, and units, in the last comments above the first row: `# time,x,y,z`."""
        above = [at for at in self.comments if at < start][-2:]
        rows = {at: cells_of(self.comments[at] + "\n", self.separator) for at in above}
        stack = [at for at in above if self._may_name(rows[at]) and len(rows[at]) > 1]
        if not stack or stack[-1] != above[-1]:
            return [], (), -1
        is_units = len(stack) == 2 and are_units(rows[stack[1]])
        at = stack[0] if is_units else stack[-1]
        names = [cell.strip() for cell in self._fitted(rows[at])]
        if self.separator == " " and not any(_COLUMN_WORD.fullmatch(word) for word in names):
            return [], (), -1  # a sentence
        units = tuple(cell.strip("()[] ") for cell in rows[stack[1]]) if is_units else ()
        self.lines[stack[-1]] = "\n"
        return names, units, at

    def _rates(self, places: list[int]) -> list[float]:
        rates = []
        for at in sorted(places):
            line = self.comments.get(at, self.lines[at])
            rate = stated_rate(line, cells_of(line, self.separator))
            if rate is not None:
                rates.append(rate)
        return rates

    def _values(self, places: list[int]) -> NDArray[np.float64]:
        """(R, C) of the rows; NaN for what is no plain number."""
        rows = [
            [to_float(self.rows[at][place]) for place in self.valued] for at in places if self._is_row(self.rows[at])
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.valued))

    def _blank(self, places: list[int]) -> None:
        for at in places:
            self.lines[at] = "\n"

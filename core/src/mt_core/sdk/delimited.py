"""Rows of delimited text: CSV and its relatives, with any of several separators, a header or none, and comments.

The encoding is `encoding`'s, what a cell says as a number is `numbers`'. Errors name the file and the line.
R rows, C columns.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk.notices import left_out, reinterpreted
from mt_core.sdk.number_columns import format_notes, number_columns
from mt_core.sdk.numbers import PLAIN, is_header
from mt_core.sdk.other_formats import refuse_no_table
from mt_core.sdk.separators import cells_at_blanks, quoting_of, sniff_separator
from mt_core.sdk.titles import are_comments, excel_separator, is_frame_line, num_titles

_SNIFFED_LINES = 50
_BLOCK_LINES = 4096  # of a table in which some cell is no plain number
_DECIMALS = {";": ",", ",": "."}  # what then stands before fractions, if it can be either


class Delimited:
    """The rows of a delimited text, one in memory at a time; they are read once, by iteration or by `numbers`.

    Attributes:
        name: What it is called in messages.
        separator: Between cells; " " for any number of blanks.
        names: Of the columns, as the header has them without blanks around; () where there is no header.
        width: The number of columns, C.
        line: Number of the line that was read last, from 1.

    Args:
        lines: With their ends, as `text_lines` gives them.
        separators: Those that may be; of several the one that divides the first lines most evenly. " " is any number of
            blanks, and is taken where no other divides them.
        comments: What lines begin with that are passed over. So are titles above the header, of which users are warned.
        quoted: Whether a cell may stand in quotes; otherwise quotes are characters like others.
        header: Whether the first row names the columns, or what tells it by its cells.
        row_names: Whether the rows may have a first cell that the header has no name for, as R writes them; its name
            is then "".

    Raises:
        InputError: no row at all. While rows are read: one of another length, quotes that do not end.
    """

    name: str
    separator: str
    names: tuple[str, ...]
    width: int
    line: int

    def __init__(
        self,
        lines: Iterable[str],
        name: str,
        *,
        separators: str = ",;\t|",
        comments: Sequence[str] = (),
        quoted: bool = True,
        header: bool | Callable[[Sequence[str]], bool] = is_header,
        row_names: bool = False,
    ) -> None:
        self.name, self.line, self._quoted, self._comments = name, 0, quoted, tuple(comments)
        lines = iter(lines)
        start: list[str] = []
        num_rows = 0  # what stands above them may be longer
        for line in lines:
            start.append(line)
            num_rows += not (line.isspace() or (comments and line.lstrip().startswith(self._comments)))
            if num_rows == _SNIFFED_LINES:
                break
        refuse_no_table(start, name)
        if start and (told := excel_separator(start[0])):
            separators, start[0] = told, "\n"
        self.separator = sniff_separator(list(self._data(start)), separators, quoted=quoted)
        above = self._num_lines_above(start)
        self.line = above
        first = next(self._records(self._data(start[above:])), None)
        if first is None:
            raise InputError(f"{name} has no rows", fix="check that it was saved whole")
        is_named = header if isinstance(header, bool) else header(first)
        self.names = tuple(cell.strip() for cell in first) if is_named else ()
        if row_names and is_named and self._have_row_names(start[self.line :]):
            self.names = ("", *self.names)
        self.width = len(self.names) if is_named else len(first)
        self.line = self.line if is_named else above
        self._lines = self._data(chain(start[self.line :], lines))

    def _have_row_names(self, lines: list[str]) -> bool:
        """Whether all rows have one cell more than the header, and say something in the last."""
        line = self.line
        rows: list[list[str]] = []
        with suppress(InputError):  # which may be about a row that goes on behind these lines
            rows.extend(self._records(self._data(lines)))
        self.line = line
        return (
            bool(rows)
            and len(self.names) > 1
            and all(len(cells) == len(self.names) + 1 and cells[-1].strip() for cells in rows)
        )

    def _num_lines_above(self, start: list[str]) -> int:
        """How many lines are titles and the like; of titles users are warned."""
        self.line = 0
        rows, ends = [], []
        with suppress(InputError):  # which may be about a row that goes on behind these lines
            for cells in self._records(self._data(start)):
                rows.append(cells)
                ends.append(self.line)
        titles = num_titles(rows)
        if titles and not are_comments(rows[:titles]):
            left_out(self.name, "lines of text above the header")
        return ends[titles - 1] if titles else 0

    def __iter__(self) -> Iterator[list[str]]:
        """The cells of each row, as many as there are columns."""
        width, num_rows = self.width, 0
        for cells in self._records(self._lines):
            if len(cells) != width:
                cells = self._fitted(cells)
            num_rows += 1
            yield cells
        if not num_rows:
            raise self._empty()

    def numbers(
        self, columns: Sequence[int] | None = None, parsers: Mapping[int, Callable[[str], float]] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Columns of numbers, all rows at once.

        A column may have decimal commas, thousands and so on, see `numbers.number_format`.

        Args:
            columns: Places of those wanted, from 0, in any order; None: all. The others may hold anything.
            parsers: By place, what reads the cells of a column that are no plain numbers (dates); what it does not read
                either raises ValueError.

        Returns:
            (R, C) values, NaN where one is missing, and (R,) the number of the line of each row.

        Raises:
            InputError: no row, rows of different lengths, a cell that is no number.
        """
        columns = list(range(self.width)) if columns is None else list(columns)
        numbers_of_lines = array("q")
        lines = []
        for line in self._lines:
            if not line.isspace():
                lines.append(line)
                numbers_of_lines.append(self.line)
        if not lines:
            raise self._empty()
        found, parsers = np.frombuffer(numbers_of_lines, np.int64), parsers or {}
        values = self._plain(lines, columns)
        if values is not None:
            return values, found
        values = np.empty((len(lines), len(columns)))
        wrong: dict[int, tuple[int, str]] = {}
        for start in range(0, len(lines), _BLOCK_LINES):
            block = slice(start, start + _BLOCK_LINES)
            plain = self._plain(lines[block], columns)
            if plain is None:
                plain = self._parsed(lines[block], found[block], columns, parsers, wrong)
            values[block] = plain
        if wrong:
            self._read_written(values, lines, columns, wrong, parsers)
        return values, found

    def _read_written(
        self,
        values: NDArray[np.float64],
        lines: list[str],
        columns: list[int],
        wrong: Mapping[int, tuple[int, str]],
        parsers: Mapping[int, Callable[[str], float]],
    ) -> None:
        """Fill in the columns that are not written as computers write numbers, and tell of them."""
        rows = [self._fitted(cells) for cells in self._records(lines)]
        cells_of = {column: [cells[column] for cells in rows] for column in columns if column not in parsers}
        found = number_columns(cells_of, decimal=_DECIMALS.get(self.separator))
        for column, (at, cell) in wrong.items():
            if column in parsers or found[column].misfits:
                called = repr(self.names[column]) if self.names else column + 1
                raise InputError(
                    f"{self.name}, line {at}: {cell[:40]!r} in column {called} is no number",
                    fix="correct the line, or name the columns to take",
                )
        for column, written in found.items():
            if column in wrong or written.notes:
                values[:, columns.index(column)] = [written.written.parse(cell) for cell in cells_of[column]]
        for note in format_notes({self._called(column): found[column] for column in sorted(found)}):
            reinterpreted(self.name, note)

    def _called(self, column: int) -> str:
        return self.names[column] if self.names else str(column + 1)

    def _plain(self, lines: list[str], columns: list[int]) -> NDArray[np.float64] | None:
        """By NumPy's reader: nothing but plain numbers in these columns; None where it is not so."""
        delimiter = None if self.separator == " " else self.separator
        has_quotes = any('"' in line for line in lines)
        quote = '"' if has_quotes and self._quoted else None

        def loaded(usecols: list[int] | None) -> NDArray[np.float64]:
            return np.loadtxt(lines, delimiter=delimiter, comments=None, quotechar=quote, usecols=usecols, ndmin=2)

        is_part = False
        if delimiter is not None and not has_quotes and len(columns) < self.width:
            is_part = True
            if any(line.count(delimiter) != self.width - 1 for line in lines):
                return None
        try:
            table = loaded(columns if is_part else None)
        except ValueError:
            return None
        if table.shape != (len(lines), len(columns) if is_part else self.width):
            return None
        return table if is_part else table[:, columns]

    def _parsed(
        self,
        lines: list[str],
        numbers: NDArray[np.int64],
        columns: list[int],
        parsers: Mapping[int, Callable[[str], float]],
        wrong: dict[int, tuple[int, str]],
    ) -> NDArray[np.float64]:
        """Cell by cell; the first of a column that is no number goes into `wrong`, with its line."""
        values, row = np.full((len(lines), len(columns)), np.nan), -1
        for row, cells in enumerate(self._records(self._at(lines, numbers))):
            cells = self._fitted(cells)
            for place, column in enumerate(columns):
                cell = cells[column]
                try:
                    values[row, place] = PLAIN.parse(cell)
                except ValueError:
                    try:
                        values[row, place] = parsers[column](cell)
                    except (KeyError, ValueError):
                        wrong.setdefault(column, (self.line, cell.strip()))
        if row + 1 != len(lines):
            raise InputError(f"{self.name}: a row of numbers goes over several lines", fix="write one row a line")
        return values

    def _at(self, lines: list[str], numbers: NDArray[np.int64]) -> Iterator[str]:
        for line, number in zip(lines, numbers.tolist(), strict=True):
            self.line = number
            yield line

    def _data(self, lines: Iterable[str]) -> Iterator[str]:
        """Lines that are neither comments nor drawn; all are counted."""
        for line in lines:
            self.line += 1
            if not (self._comments and line.lstrip().startswith(self._comments)) and not is_frame_line(line):
                yield line

    def _records(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Cells of rows that have any."""
        if self.separator == " ":
            yield from filter(None, (cells_at_blanks(line, self._quoted) for line in lines))
            return
        records = csv.reader(lines, delimiter=self.separator, strict=True, **quoting_of(self._quoted))
        try:
            for cells in records:
                if len(cells) > 1 or (cells and cells[0].strip()):
                    yield cells
        except csv.Error as error:
            raise InputError(
                f"{self.name}, line {self.line}: {error}",
                fix='check the quotes: a quoted field ends with ", and a quote inside it is written twice',
            ) from None

    def _fitted(self, cells: list[str]) -> list[str]:
        """A row of as many cells as there are columns; separators at the end of all rows, or of the header, are none.

        Raises:
            InputError: another number of cells that say something.
        """
        width = self.width
        if len(cells) > width and not any(map(str.strip, cells[width:])):
            return cells[:width]
        if self.names and len(cells) < width and not any(self.names[len(cells) :]):
            return [*cells, *[""] * (width - len(cells))]
        if len(cells) != width:
            raise self._ragged(len(cells))
        return cells

    def _ragged(self, count: int) -> InputError:
        return InputError(
            f"{self.name}, line {self.line}: {count} fields, where there are {self.width} columns",
            fix="correct the line (a separator inside a field needs quotes round it), or export the table again",
        )

    def _empty(self) -> InputError:
        return InputError(
            f"{self.name} has {'a header but' if self.names else ''} no rows", fix="check that it was saved whole"
        )

"""What programs put into the tables that they write, beside the data: numbers of rows, totals, other formats."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from mt_core.errors import InputError
from mt_core.sdk import left_out, text_lines
from mt_plugin_tabular.cells import Row

_NAMELESS = re.compile(r"(?:Unnamed: \d+(?:_level_\d+)?|__index_level_\d+__|\.\.\.\d+)?")
_TOTAL = re.compile(
    r"(?:(?:grand |sub)?totals?|total general|sum|summe|gesamt|insgesamt|average|mean):?", re.IGNORECASE
)
_OTHERS = (
    (b"PK\x03\x04", "an Excel workbook or another zip"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook in the old format"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"<", "HTML or XML"),
    (b"%PDF", "a PDF"),
)


class Nameless:
    """Columns that have no name of their own, as pandas, readxl and R write the numbers or names of rows: they are left
    out, and unless they only count the rows, users are warned.

    Attributes:
        names: The others.
    """

    def __init__(self, names: Sequence[str], source: str) -> None:
        self._places = [place for place, name in enumerate(names) if _NAMELESS.fullmatch(name)]
        self.names = [name for name in names if not _NAMELESS.fullmatch(name)]
        self._source, self._next = source, dict.fromkeys(self._places, -1)
        if not self.names:
            raise InputError(f"{source} has no column with a name", fix="write the names into the first line")

    def check(self, cells: Sequence[Any]) -> None:
        """Tell of a cell that does not count its row."""
        for place in list(self._next):
            cell = cells[place]
            text = "" if cell is None else str(cell).strip()
            last = self._next[place]
            if text and text.isascii() and text.isdigit() and (int(text) == last + 1 or (last < 0 and text == "1")):
                self._next[place] = int(text)
            elif text:
                del self._next[place]
                left_out(self._source, "a column without a name")

    def of(self, cells: Sequence[Any]) -> list[Any]:
        """The cells of the other columns."""
        return [cell for place, cell in enumerate(cells) if place not in self._places] if self._places else list(cells)


def without_totals(rows: Iterator[Row], source: str) -> Iterator[Row]:
    """Rows but for a last one of totals, of which users are warned: its first cell says so, and that of no other does.
    A table of fewer than three rows has none."""
    last: Row | None = None
    num_rows = num_totals = 0
    for row in rows:
        num_rows += 1
        if last is not None:
            yield last
        last = row
        num_totals += _is_total(row)
    if last is not None and _is_total(last) and num_totals == 1 and num_rows > 2:
        left_out(source, "a last row of totals")
    elif last is not None:
        yield last


def _is_total(row: Row) -> bool:
    first = next((cell for cell in row.values() if cell is not None), None)
    return isinstance(first, str) and len(row) > 1 and _TOTAL.fullmatch(first) is not None


def refuse_other_formats(start: bytes, name: str) -> None:
    """Refuse what is known to be no table of text, by its first bytes.

    Raises:
        InputError: says what it is.
    """
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what in _OTHERS:
        if start.startswith(magic):
            raise InputError(
                f"{name} is {what}, not one of .csv .tsv .jsonl .parquet",
                fix="save the sheet as CSV, or in pandas: read_excel (or read_sql, read_hdf, …) and to_csv",
            )


def is_json(start: bytes) -> bool:
    """Whether text begins as JSON does: an object, or a list of objects."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*(?:\"|\})", start) is not None


def json_records(file: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """Objects of JSON lines, or of one list of objects.

    Raises:
        InputError: anything else, with the line.
    """
    lines = enumerate(text_lines(file, name), start=1)
    is_list, names = False, dict[str, Any]()
    for number, line in lines:
        if not line.strip():
            continue
        if line.lstrip().startswith("["):
            is_list = True
            text = line + "".join(more for _, more in lines)
        found = _parsed(text if is_list else line, name, number)
        for record in found if is_list else [found]:
            if not isinstance(record, dict):
                raise _no_record(name, number, f"a {type(record).__name__}, and no object with names")
            names = names or dict.fromkeys(record)
            yield {**names, **record}  # what has no value is often not written


def _parsed(text: str, name: str, number: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_record(name, number, f"not JSON ({type(error).__name__}: {str(error)[:200]})") from None


def _no_record(name: str, number: int, what: str) -> InputError:
    return InputError(
        f"{name}, line {number}: {what}",
        fix="write one JSON object a line, in pandas: to_json(path, orient='records', lines=True)",
    )

"""Rows of delimited text: CSV, TSV and the C4.5 files (`.data`, `.test`) of the UCI repository."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import PurePath
from typing import BinaryIO, Literal

from mt_core.errors import InputError
from mt_plugin_tabular.cells import MISSING, Row, cell, number

Header = Literal["auto", "yes", "no"]

SEPARATORS = ",;\t|"

ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
"""Columns of `adult.data` and `adult.test`, which have no header. Source: `adult.names` of the UCI repository, which
leaves the label without a name."""

_LONGEST_LINE = 1 << 24  # characters; a binary file or an endless line ends here and not in memory
_SNIFFED_LINES = 50


def delimited_rows(file: BinaryIO, name: str, *, header: Header = "auto") -> Iterator[Row]:
    """Rows of a UTF-8 text file, one in memory at a time.

    The separator is the one of `SEPARATORS` that divides the first lines most evenly. The first line is a header if
    none of its cells is a number or "?"; without one the columns are `column_1`, `column_2` …, in Adult's files
    `ADULT_COLUMNS`. A column with an empty name (the row numbers that `DataFrame.to_csv` writes) is left out. In
    `.data` and `.test` files a line that starts with `|` is a comment, and a period may end a record.

    Args:
        file: Open for reading, at its start.
        name: What it is called in messages; its suffix tells a C4.5 file.

    Raises:
        InputError: not UTF-8, binary, no rows, rows of different lengths, two columns of one name, unfinished quotes.
    """
    is_c45 = name.removesuffix(".gz").endswith((".data", ".test"))
    lines = _lines(file, name, skip="|" if is_c45 else None)
    start = list(islice(lines, _SNIFFED_LINES))
    separator = sniff_separator(start)
    records = csv.reader(chain(start, lines), delimiter=separator, skipinitialspace=True, strict=True)
    names: list[str] | None = None
    num_rows = 0
    try:
        for record in records:
            if not any(record) and len(record) <= 1:
                continue
            if names is None:
                names, is_header = _names(record, name, header)
                if is_header:
                    continue
            if len(record) != len(names):
                raise InputError(
                    f"{name}, line {records.line_num}: {len(record)} fields, where there are {len(names)} columns",
                    fix="repair the line (a separator inside a field needs quotes round it), or export the table again",
                )
            if is_c45:
                record[-1] = record[-1].removesuffix(".")
            num_rows += 1
            yield {column: cell(value) for column, value in zip(names, record, strict=True) if column}
    except csv.Error as error:
        raise InputError(
            f"{name}, line {records.line_num}: {error}",
            fix='check the quotes: a quoted field ends with ", and a quote inside it is written twice',
        ) from None
    if not num_rows:
        raise InputError(f"{name} has {'a header but' if names else ''} no rows", fix="export the table again")


def sniff_separator(lines: Sequence[str]) -> str:
    """The separator that gives most lines the same number of fields, and more than one; a comma if none does."""
    best, best_score = ",", (0.0, 1)
    for separator in SEPARATORS:
        records = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        counts = Counter(len(record) for record in records if record)
        if not counts:
            continue
        (num_fields, times), total = counts.most_common(1)[0], counts.total()
        score = (times / total, num_fields)
        if num_fields > 1 and score > best_score:
            best, best_score = separator, score
    return best


def _lines(file: BinaryIO, name: str, *, skip: str | None) -> Iterator[str]:
    """Lines, refused where they are no text. Closes the file."""
    fix = "save the table as CSV in UTF-8 (for instance: iconv -f latin1 -t utf-8 old.csv > new.csv) or as Parquet"
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            while line := text.readline(_LONGEST_LINE):
                if "\0" in line:
                    raise InputError(f"{name} is not text: it contains zero bytes", fix=fix)
                if len(line) == _LONGEST_LINE:
                    raise InputError(f"{name} has a line of more than {_LONGEST_LINE:,} characters", fix=fix)
                if skip is None or not line.startswith(skip):
                    yield line
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"{name} is not UTF-8 text: it contains the byte 0x{byte:02x}", fix=fix) from None


def _names(record: list[str], name: str, header: Header) -> tuple[list[str], bool]:
    """Column names, and whether the record is the header that they come from."""
    texts = [text.strip() for text in record]
    is_header = header == "yes" or (header == "auto" and not any(_is_value(text) for text in texts))
    if is_header:
        named = [text for text in texts if text]
        twice = sorted(text for text, times in Counter(named).items() if times > 1)
        if twice:
            raise InputError(
                f"{name} has several columns called {', '.join(map(repr, twice))}",
                fix="give every column a name of its own in the header",
            )
        return texts, True
    is_adult = PurePath(name.removesuffix(".gz")).name in ("adult.data", "adult.test")
    if is_adult and len(record) == len(ADULT_COLUMNS):
        return list(ADULT_COLUMNS), False
    return column_names(len(record)), False


def column_names(count: int) -> list[str]:
    """What columns without names are called."""
    return [f"column_{index}" for index in range(1, count + 1)]


def _is_value(text: str) -> bool:
    """A number or a token for a missing value, which no header has; an empty name is allowed."""
    if text in MISSING:
        return text != ""
    try:
        number(text)
    except ValueError:
        return False
    return True

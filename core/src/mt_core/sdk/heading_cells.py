"""What a cell above a table, or in its first rows, may be: a number, a date, a name; for `heading`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from mt_core.sdk.number_columns import number_format
from mt_core.sdk.numbers import cell_parts, is_infinite, is_missing_number, is_number

MOSTLY = 0.9
"""Share of the cells of a column that decide what it is."""

DATE = re.compile(
    r"\[?\d{1,4}(?:[-/.:]\d{1,2}){1,2}.*|\d{8}[T ]\d{2}.*|\d{1,2}[-/ ][a-z]{3}[-/ ]\d{2,4}.*|\d{1,4}:\d{2}[.,]\d+",
    re.IGNORECASE,
)


def kind_of(cells: list[str]) -> str:
    said = [cell.strip() for cell in cells if not is_missing_number(cell)]
    if not said:
        return "empty"
    share = sum(map(is_value, said)) / len(said)
    return "values" if share >= MOSTLY else "text" if share <= 1 - MOSTLY else "mixed"


def is_value(cell: str) -> bool:
    """Whether a cell is a number, a date or a time, or a mark for a missing value."""
    if is_number(cell):
        return True
    cell = cell.strip().strip("'\"")
    return is_missing_number(cell) or is_numeric(cell) or bool(DATE.fullmatch(cell))


def is_numeric(cell: str) -> bool:
    return cell_parts(cell) is not None or is_infinite(cell)


def are_times(cells: list[str]) -> bool:
    """Whether most of a column's cells are dates or times, and no numbers."""
    said = [cell.strip().strip("'\"") for cell in cells if not is_missing_number(cell)]
    return sum(bool(DATE.fullmatch(cell)) and not is_numeric(cell) for cell in said) >= max(1, MOSTLY * len(said))


def to_float(cell: str) -> float:
    if is_number(cell):
        return float(cell)
    written = number_format([cell])
    return float("nan") if written is None else written.parse(cell)


def names_each(row: list[str]) -> bool:
    """Whether a row has a name for each column, but maybe the first or last, and none twice."""
    return all(row[1:-1]) and len(set(row)) == len(row) and any(row)


def is_comment(line: str, comments: Sequence[str]) -> bool:
    return bool(comments) and line.lstrip().startswith(tuple(comments))


def without_mark(line: str, comments: Sequence[str]) -> str:
    line = line.strip()
    mark = next(mark for mark in sorted(comments, key=len, reverse=True) if line.startswith(mark))
    return line[len(mark) :].strip()


def cells_of(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return [line]


def join_names(names: list[str], separator: str) -> str:
    if separator == " ":
        return " ".join(re.sub(r"\s+", "_", name) or "-" for name in names) + "\n"
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerow(names)
    return text.getvalue()

"""Which separator a delimited text has, and its cells at it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mt_core.sdk.titles import num_titles

_NUMBER_OR_DATE = re.compile(
    r"[+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?|[+-]?\d{1,3}(?:\.\d{3})+,\d+|"
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?:[ T]\d{1,2}[:.]\d{2}[\d:.]*)?"
)

_DECIMAL_COMMA = re.compile(r"[+-]?\d+(?:,(\d+))?")


def sniff_separator(lines: Sequence[str], separators: str = ",;\t|", *, quoted: bool = True) -> str:
    """Which of several separators a text has: the one that gives most lines the same number of cells, more than one;
    then the one that gives more cells that are numbers (so that 1,5;2,5 is two), then the one that gives more cells.

    Returns:
        One of them; the first where none divides the lines, as in a table of one column; ";" where `is_one_column`.
    """
    lines = [line for line in lines if line.strip()]
    if ";" in separators and is_one_column(lines):
        return ";"
    best, best_score = separators[0], (0.0, 0.0, 0)
    for separator in separators if len(separators) > 1 and lines else "":
        rows = _divided(lines, separator, quoted)
        counts = Counter(map(len, rows))
        num_cells, times = counts.most_common(1)[0]
        share = times / len(rows)
        below = rows[num_titles(rows) :] if num_cells > 2 else rows
        if num_cells < 2 or (len(below[0]) < 2 and share < 0.9):
            continue
        if separator == " " and best == "\t" and best_score[0] == 1:
            continue  # blanks would run over empty cells between tabs
        if separator == " " and lines[1:] and all(map(_NUMBER_OR_DATE.fullmatch, map(str.strip, lines[1:]))):
            continue  # of a date and its time, one column
        cells = [cell.strip() for row in rows for cell in row]
        are_numbers = sum(_NUMBER_OR_DATE.fullmatch(cell) is not None for cell in cells) / len(cells)
        if separator == " " and are_numbers < 0.3:
            continue  # words of a text
        score = (share, are_numbers, num_cells)
        if score > best_score and not (separator == " " and best_score[0] and are_numbers <= best_score[1]):
            best, best_score = separator, score
    return best


def is_one_column(lines: Sequence[str]) -> bool:
    """Whether each line is one number with a decimal comma, and not two with a comma between them: the header is one
    name, or what follows some comma begins with a 0, as 1,05 does and no whole number."""
    rows = [line.strip() for line in lines if line.strip()]
    is_named = len(rows) > 2 and not re.search(r"[\d,;\t]", rows[0])
    numbers = [_DECIMAL_COMMA.fullmatch(row) for row in (rows[1:] if is_named else rows)]
    if not numbers or not all(numbers):
        return False
    wholes = [int(row.partition(",")[0]) for row in rows[is_named:]]
    if len(wholes) > 2 and wholes == list(range(wholes[0], wholes[0] + len(wholes))):
        return False  # numbers of rows, as R writes them without a name
    parts = [match[1] for match in numbers if match is not None and match[1] is not None]
    return bool(parts) and (is_named or any(part[0] == "0" and len(part) > 1 for part in parts))


def _divided(lines: Sequence[str], separator: str, quoted: bool) -> list[list[str]]:
    if separator == " ":
        return [cells_at_blanks(line, quoted) for line in lines]
    rows = csv.reader(lines, delimiter=separator, **quoting_of(quoted))
    try:
        return [row for row in rows if row] or [[""]]
    except csv.Error:  # a cell without an end: reading it says in which line
        return [[""]]


def cells_at_blanks(line: str, quoted: bool) -> list[str]:
    """The cells of a line, between any number of blanks."""
    if '"' not in line or not quoted:
        return line.split()
    return next(csv.reader([" ".join(line.split())], delimiter=" "), [])


def quoting_of(quoted: bool) -> Any:
    """The `quoting` for Python's `csv`: whether cells may stand in quotes."""
    return {"quoting": csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, "skipinitialspace": quoted}

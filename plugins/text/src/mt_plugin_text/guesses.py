"""What the first rows of a table tell where the names of its columns do not: header, quotes, texts and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mt_core.sdk import is_number

_NAME_WORDS = 4
_FEW = 4  # labels are few: a quarter of the rows, at most
_MANY_ROWS = 20


def has_unknown_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a first row names the columns although no name is known: its cells are short, and one of them is a word
    over numbers, or a word over the labels of many rows that is none of them.

    Args:
        rows: The cells of the first rows, of equal length.
    """
    if len(rows) < 3 or not all(cell.strip() and len(cell.split()) <= _NAME_WORDS for cell in rows[0]):
        return False
    if any(map(is_number, rows[0])):
        return False
    for name, *cells in zip(*rows, strict=True):
        filled = [cell.strip() for cell in cells if cell.strip()]
        if filled and all(map(is_number, filled)):
            return True
        is_of_labels = len(filled) >= _MANY_ROWS and len(set(filled)) * _FEW <= len(filled)
        if is_of_labels and name.strip() not in filled and max(len(cell.split()) for cell in filled) <= _NAME_WORDS:
            return True
    return False


def is_quoted(lines: Sequence[str]) -> bool:
    """Whether cells between tabs are quoted as in CSV (pandas does so): each that begins with a quote ends with one and
    has those within it doubled, and some are doubled. Benchmarks write quotes as characters like others."""
    begun = [cell for line in lines for cell in line.rstrip("\r\n").split("\t") if cell.startswith('"')]
    whole = [cell for cell in begun if len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")]
    return len(whole) == len(begun) and any('""' in cell[1:-1] for cell in whole)


def only_column_of_texts(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The one column whose cells are of several words; None where there is none, or more than one."""
    found = []
    for name in names:
        cells = [cell for row in rows if isinstance(cell := row.get(name), str) and cell.strip()]
        words = sum(len(cell.split()) for cell in cells)
        if cells and words >= 2 * len(cells) and sum(map(is_number, cells)) * 2 < len(cells):
            found.append(name)
    return found[0] if len(found) == 1 else None

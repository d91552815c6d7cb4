"""How a column writes its numbers, judged by all of its cells: 1,234 alone is a thousand or a bit more than one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mt_core.sdk.notices import some_of
from mt_core.sdk.numbers import (
    PLAIN,
    NumberFormat,
    cell_parts,
    is_currency,
    is_missing_number,
    is_number,
)

_FORMATS = (PLAIN, *map(NumberFormat, ".,,.,.,", (",", "", ".", " ", " ", "'", "'")))
"""Those that are known, without units, the likeliest first."""

Key = TypeVar("Key")
_Read = tuple[NumberFormat, dict[str, float]]
_NAMES = {",": "commas", ".": "points", " ": "blanks", "'": "apostrophes"}
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_GROUPS = {" ": r"\s", "'": "['’]"}  # noqa: RUF001 - an apostrophe
_UNGROUPED = re.compile(r"\d{4}")
_NINES = str.maketrans("12345678", "99999999")
_MOST_MISFITS = 0.1  # of the cells of a column of numbers with mistakes in it


@dataclass(frozen=True)
class NumberColumn:
    """What the cells of a column are as numbers.

    Attributes:
        written: The format that reads most of them.
        num_numbers: Cells that are numbers, infinite ones among them.
        misfits: Cells that are neither numbers nor missing, and how often each occurs.
        is_ambiguous: Whether another format would read the same cells as other numbers, as with 1,234.
        has_fractions, has_groups: Whether some have a decimal mark, or one between thousands.
        has_parentheses: Whether some are negative by parentheses.
    """

    written: NumberFormat
    num_numbers: int
    misfits: Mapping[str, int] = field(default_factory=dict)
    is_ambiguous: bool = False
    has_fractions: bool = False
    has_groups: bool = False
    has_parentheses: bool = False

    @property
    def num_misfits(self) -> int:
        return sum(self.misfits.values())

    @property
    def is_almost(self) -> bool:
        """Whether these are numbers, but for one cell in ten, or for one of at least four."""
        present = self.num_numbers + self.num_misfits
        return self.num_numbers > 0 and self.num_misfits <= max(present * _MOST_MISFITS, float(present >= 4))

    @property
    def notes(self) -> tuple[str, ...]:
        """What users should know of the format; () for plain numbers."""
        written, found = self.written, []
        mark = _NAMES[written.thousands or written.decimal]
        if self.is_ambiguous:
            kinds = ("thousands", "decimals") if written.thousands else ("decimals", "thousands")
            found.append(f"{mark} before three digits taken for {kinds[0]}, which could be {kinds[1]},")
        else:
            if written.decimal == "," and self.has_fractions:
                found.append("decimal commas")
            if self.has_groups:
                found.append(f"{mark} between thousands")
        if written.unit:
            found.append(f"numbers with {written.unit}")
        if self.has_parentheses:
            found.append("negative numbers in parentheses")
        return tuple(found)


def number_column(cells: Iterable[str], *, decimal: str | None = None) -> NumberColumn:
    """The format in which most cells of a column are numbers, all rows together.

    Args:
        decimal: What stands before fractions elsewhere in the file, "." or ","; None where that is not known. It
            decides of 1,234, and with a comma of 1.234. Without it these are a thousand (with a comma, unless other
            cells tell) and a bit more than one, and the comma `is_ambiguous`.
    """
    counts = Counter(cell for cell in map(str.strip, cells) if not is_missing_number(cell))
    plain = sum(times for cell, times in counts.items() if is_number(cell))
    if plain == counts.total() and (decimal != "," or not plain):
        return NumberColumn(PLAIN, plain)
    shapes: dict[str, list[str]] = {}
    for cell in counts:
        shapes.setdefault(_shape(cell), []).append(cell)
    times_of = {shape: sum(counts[cell] for cell in some) for shape, some in shapes.items()}
    unit = _unit(times_of)
    read = [_read(NumberFormat(each.decimal, each.thousands, unit), times_of) for each in _FORMATS]
    most = max(sum(times_of[shape] for shape in found) for _, found in read)
    best = [(written, found) for written, found in read if sum(times_of[shape] for shape in found) == most]
    (written, numbers), is_ambiguous = _chosen(best, unit, decimal)
    misfits = {cell: counts[cell] for shape, some in shapes.items() if shape not in numbers for cell in some}
    return NumberColumn(
        written,
        most,
        misfits,
        is_ambiguous,
        has_fractions=any(written.decimal in shape for shape in numbers),
        has_groups=bool(written.thousands) and any(_has_groups(shape, written.thousands) for shape in numbers),
        has_parentheses=any(shape.startswith("(") for shape in numbers),
    )


def _has_groups(shape: str, thousands: str) -> bool:
    return re.search(rf"\d{_GROUPS.get(thousands, re.escape(thousands))}\d", shape) is not None


def number_format(cells: Iterable[str]) -> NumberFormat | None:
    """The format of a column, in which all its cells are numbers or missing; None where there is no such."""
    found = number_column(cells)
    return None if found.misfits else found.written


def number_columns(columns: Mapping[Key, Sequence[str]], *, decimal: str | None = None) -> dict[Key, NumberColumn]:
    """`number_column` of several columns of a file, which decide for each other what 1,234 and 1.234 are.

    Args:
        columns: Their cells.
        decimal: What the file suggests, where no column decides; see `number_column`.
    """
    found = {key: number_column(cells) for key, cells in columns.items()}
    decimals = {
        column.written.decimal
        for key, column in found.items()
        if column.is_almost and not column.is_ambiguous and (column.notes or _has_fractions(columns[key]))
    }
    if len(decimals) > 1 and any(column.is_ambiguous for column in found.values()):
        return found
    decimal = decimals.pop() if len(decimals) == 1 else decimal if not decimals else None
    if decimal is None:
        return {
            key: replace(column, is_ambiguous=True) if not decimals and _are_groups(column, columns[key]) else column
            for key, column in found.items()
        }
    is_open = {key for key, column in found.items() if column.is_ambiguous or (decimal == "," and not column.notes)}
    return {key: number_column(columns[key], decimal=decimal) if key in is_open else found[key] for key in found}


def format_notes(columns: Mapping[str, NumberColumn]) -> list[str]:
    """What users should know of the formats of columns, by their names: "decimal commas in the columns a, b"."""
    names: dict[str, list[str]] = {}
    for name, column in columns.items():
        for note in column.notes:
            names.setdefault(note, []).append(name)
    return [f"{note} in the column{'s' * (len(some) > 1)} {some_of(some)}" for note, some in names.items()]


def _shape(cell: str) -> str:
    """The same for cells that the same formats read: each digit a 9, but for a leading 0, and for nothing but zeros."""
    if not any(digit in cell for digit in "123456789"):
        return cell
    shape = cell.translate(_NINES)
    first = re.search(r"\d", shape)
    assert first is not None
    return shape[: first.start() + 1] + shape[first.start() + 1 :].replace("0", "9")


def _are_groups(column: NumberColumn, cells: Iterable[str]) -> bool:
    """Whether what was taken for decimals could be thousands with a point: always three digits, and no 0 before."""
    parts = [parts for cell in cells if "." in cell and (parts := cell_parts(cell)) is not None]
    is_decimal = (column.written.decimal, column.written.thousands) == (".", "") and column.is_almost
    return is_decimal and bool(parts) and all(_ONE_GROUP.fullmatch(each.inner) for each in parts)


def _has_fractions(cells: Iterable[str]) -> bool:
    """Whether plain numbers have some that are no thousands with a point."""
    return any("." in cell and is_number(cell) and not _ONE_GROUP.fullmatch(cell.strip()) for cell in cells)


def _unit(times_of: Mapping[str, int]) -> str:
    """The commonest, where it is commoner than none, or a currency."""
    units: Counter[str] = Counter()
    for shape, times in times_of.items():
        parts = cell_parts(shape)
        if parts is not None and (parts.unit or parts.inner.strip("0.,")):  # 0 needs no unit
            units[parts.unit] += times
    bare = units.pop("", 0)
    likeliest, times = max(units.items(), key=lambda each: (each[1], each[0]), default=("", 0))
    return likeliest if times > bare or is_currency(likeliest) else ""


def _read(written: NumberFormat, times_of: Mapping[str, int]) -> _Read:
    """The shapes that a format reads, and as which numbers."""
    found = {}
    for shape in times_of:
        try:
            found[shape] = written.parse(shape)
        except ValueError:
            continue
    return written, found


def _chosen(best: Sequence[_Read], unit: str, decimal: str | None) -> tuple[_Read, bool]:
    """One of several formats that read the same number of cells, and whether another reads other numbers."""
    first = best[0]
    other = next((each for each in best if not _is_same(first[1], each[1])), None)
    if other is None:
        return first, False
    if decimal is not None:
        return next((each for each in best if each[0].decimal == decimal), first), False
    if not first[0].thousands or (is_currency(unit) and "€" not in unit and unit != "EUR"):
        return first, False
    has_ungrouped = any(_UNGROUPED.search(shape) for shape in first[1])
    return (other if has_ungrouped else first), True


def _is_same(some: Mapping[str, float], others: Mapping[str, float]) -> bool:
    return some.keys() == others.keys() and all(
        number == others[shape] or math.isnan(number) for shape, number in some.items()
    )

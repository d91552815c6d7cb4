"""What a cell of a table can hold, however it was stored: text, a number, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import MISSING_MARKS, canonical_label, left_out

Cell = str | float | None
Row = dict[str, Cell]
"""A sample: column names to cells."""


class CommaRow(dict[str, Cell]):
    """A row of a file with commas between its cells: fractions of numbers stand behind points."""

    decimal = "."


class SemicolonRow(dict[str, Cell]):
    """A row of a file with semicolons between its cells, as programs write that have commas within numbers."""

    decimal = ","


def to_cell(value: Any) -> Cell:
    """A value as a cell: text stripped, numbers as floats, dates and times of the day as ISO text, durations as
    seconds, booleans as "True" and "False".

    Infinite numbers are missing, and users are warned: no scale holds them, and they are how many programs write a
    division by zero.

    Raises:
        InputError: a list, an array or another object that no cell can hold.
    """
    if isinstance(value, str):
        text = value.strip()
        return None if text in MISSING_MARKS else text
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.number | Decimal):
        try:
            number = float(value)
        except OverflowError:
            return None
        if math.isinf(number):
            left_out("a table", "infinite numbers")
        return number if math.isfinite(number) else None
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, timedelta):  # pandas' NaT is one in some places, and equals nothing
        return value.total_seconds() if value == value else None
    if isinstance(value, date):  # NaT is one, and equals nothing
        return value.isoformat() if value == value else None
    if isinstance(value, np.datetime64 | np.str_) or type(value).__name__ == "NAType":  # pandas.NA
        return to_cell(str(value))
    if isinstance(value, bytes):
        return to_cell(value.decode(errors="replace"))
    if getattr(value, "shape", None) == ():
        return to_cell(value.item())
    if type(value).__name__ in ("Period", "Interval"):  # pandas' own: 2020-01; (0, 5]
        return str(value)
    raise InputError(
        f"a {type(value).__name__} is no cell of a table",
        fix="give text, a number, a date, a boolean or None in each column; spread lists over several columns",
    )


def make_row(names: Iterable[Any], values: Iterable[Any], where: str = "") -> Row:
    """A row from names and values, as `to_cell` makes them.

    Args:
        where: The file and the row, for messages.

    Raises:
        InputError: a value that no cell can hold; names the column.
    """
    row: Row = {}
    for name, value in zip(names, values, strict=True):
        try:
            row[str(name)] = to_cell(value)
        except InputError as error:
            raise InputError(f"{where}{': ' * bool(where)}column {str(name)!r}: {error.problem}", error.fix) from None
    return row


def category_name(value: str | float) -> str:
    """How a category is called: 3, 3.0, "3" and "3.0" are one, see `canonical_label`."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return f"{value:.0f}"
    return canonical_label(value) or ""

"""What a cell of a table can hold, however it was stored: text, a number, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import MISSING_MARKS, NumberFormat

Cell = str | float | None
Row = dict[str, Cell]
"""A sample: column names to cells."""

_PLAIN = NumberFormat()
_EPOCH = datetime(1970, 1, 1)


def to_cell(value: Any) -> Cell:
    """A value as a cell: text stripped, numbers as floats, dates as ISO text, booleans as "True" and "False".

    Infinite numbers are missing: no scale holds them, and they are how many programs write a division by zero.

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
        return number if math.isfinite(number) else None
    if isinstance(value, date):  # NaT is one, and equals nothing
        return value.isoformat() if value == value else None
    if isinstance(value, np.datetime64 | np.str_) or type(value).__name__ == "NAType":  # pandas.NA
        return to_cell(str(value))
    if isinstance(value, bytes):
        return to_cell(value.decode(errors="replace"))
    if getattr(value, "shape", None) == ():
        return to_cell(value.item())
    raise InputError(
        f"a {type(value).__name__} is no cell of a table",
        fix="give text, a number, a date, a boolean or None in each column; spread lists over several columns",
    )


def make_row(names: Iterable[Any], values: Iterable[Any]) -> Row:
    """A row from names and values, as `to_cell` makes them."""
    return {str(name): to_cell(value) for name, value in zip(names, values, strict=True)}


def parse_number(value: str | float, written: NumberFormat = _PLAIN) -> float:
    """The number in a cell; NaN where it is infinite ("inf", "1e999") or missing.

    Raises:
        ValueError: text that is no number as its column writes them.
    """
    if isinstance(value, str):
        return written.parse(value)
    return value if math.isfinite(value) else math.nan


def parse_days(value: str | float) -> float:
    """Days since 1970-01-01 of an ISO 8601 date ("2024-02-29") or moment ("2024-02-29T12:00", "…+01:00").

    Raises:
        ValueError: anything else.
    """
    if not isinstance(value, str) or "-" not in value:
        raise ValueError(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - _EPOCH).total_seconds() / 86_400


def category_name(value: str | float) -> str:
    """How a category is called: 3, 3.0, "3" and "3.0" are one, since formats differ in how they write it."""
    try:
        parsed = parse_number(value)
    except ValueError:
        return str(value)
    return f"{parsed:.0f}" if parsed.is_integer() and abs(parsed) < 2**53 else str(value)

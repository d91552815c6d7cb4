"""Numbers as tables write them: decimal points and commas, thousands, currencies, and marks for a missing value.

How a column writes its numbers is judged by all of its cells: 1,234 alone is a thousand or a bit more than one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

MISSING_MARKS = frozenset(("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>"))
"""Texts that mean that there is no value, in a column of anything. Exactly so written: "none" is a category."""

_MISSING_NUMBERS = frozenset(
    {mark.lower() for mark in MISSING_MARKS}
    | {"-", "--", ".", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "#div/0!", "#value!", "#ref!"}
)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_AROUND = re.compile(r"\s*[$€£¥]?\s*(.*?)\s*[$€£¥%]?\s*", re.DOTALL)


@dataclass(frozen=True)
class NumberFormat:
    """How a column writes its numbers.

    Attributes:
        decimal: What stands before the fraction.
        thousands: What stands between groups of three digits; "" for nothing.
    """

    decimal: str = "."
    thousands: str = ""

    def parse(self, text: str) -> float:
        """The number in a cell; NaN where there is none, or an infinite one.

        Raises:
            ValueError: text that is no number in this format; also "1_000", which Python reads and no table means.
        """
        if self.decimal == "." and "_" not in text:
            try:
                number = float(text)
            except ValueError:
                pass
            else:
                return number if math.isfinite(number) else math.nan
        return math.nan if text.strip().lower() in _MISSING_NUMBERS else self._grouped(text)

    def _grouped(self, text: str) -> float:
        match = _AROUND.fullmatch(text)
        inner = match[1] if match else text
        if self == PLAIN or not self._pattern.fullmatch(inner):
            raise ValueError(text)
        digits = re.sub(self._thousands, "", inner) if self.thousands else inner
        return float(digits.replace(self.decimal, "."))

    @cached_property
    def _thousands(self) -> str:
        return r"[ \u00a0\u202f]" if self.thousands == " " else re.escape(self.thousands)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        whole = rf"\d{{1,3}}(?:{self._thousands}\d{{3}})+|\d*" if self.thousands else r"\d*"
        return re.compile(rf"[+-]?(?=.*\d)(?:{whole})(?:{re.escape(self.decimal)}\d*)?(?:[eE][+-]?\d+)?")


PLAIN = NumberFormat()
"""As computers write them, and Python reads them."""

FORMATS = (
    PLAIN,
    NumberFormat(".", ","),
    NumberFormat(",", ""),
    NumberFormat(",", "."),
    NumberFormat(",", " "),
    NumberFormat(".", " "),
    NumberFormat(".", "'"),
)
"""Those that are known, the likeliest first: a column is in the first that reads all its cells."""


def number_format(cells: Iterable[str]) -> NumberFormat | None:
    """The format of a column, in which all its cells are numbers or missing; None where there is no such."""
    possible = list(FORMATS)
    for cell in cells:
        possible = [each for each in possible if _reads(each, cell)]
        if not possible:
            return None
    return possible[0]


def _reads(each: NumberFormat, cell: str) -> bool:
    try:
        each.parse(cell)
    except ValueError:
        return False
    return True


def is_missing_number(text: str) -> bool:
    """Whether a cell of a column of numbers, or of dates, says that there is none."""
    return text.strip().lower() in _MISSING_NUMBERS


def is_number(text: str) -> bool:
    """Whether Python reads a cell as a number, maybe an infinite one or "nan"; not "1_000", which no table means."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names the columns: no cell is a number or a mark for a missing value, some say something."""
    texts = [cell.strip() for cell in cells]
    return any(texts) and not any(
        text and (text in MISSING_MARKS or is_number(text) or _DECIMAL_COMMA.fullmatch(text)) for text in texts
    )

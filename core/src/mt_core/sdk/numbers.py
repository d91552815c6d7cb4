"""What a cell of a table says as a number: decimal points and commas, thousands, currencies, units, marks for none.

How a whole column writes its numbers is `number_columns`'.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

MISSING_MARKS = frozenset(
    (
        "", "?", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "NaN", "-NaN", "nan", "-nan", "NULL", "null", "(null)",
        "None", "NaT", "<NA>", "\\N", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND",
    )
)  # fmt: skip
"""Texts that mean that there is no value, in a column of anything. Exactly so written: "none" is a category."""

_MISSING_NUMBERS = {mark.lower() for mark in MISSING_MARKS} | {
    "-", "--", "---", "–", "—", ".", "..", "...", "*", "n.a.", "n.d.", "n/d", "nd", "k.a.", "nil", "missing",  # noqa: RUF001 - dashes
    "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!", "<null>", "[null]", "undefined",
}  # fmt: skip
_INFINITE = {sign + word for sign in ("", "+", "-") for word in ("inf", "infinity", "1.#inf", "∞")}

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_BLANK = r"[ \u00a0\u2009\u202f]"
_CURRENCY = r"[A-Z]{0,3}[$€£¥₹₩₽₺]|Rs\.?|EUR|USD|GBP|CHF|JPY|CNY|INR|Fr\.|kr\.?|zł"
_UNIT = r"[%‰°]|[°µμ]?[^\W\d_]{1,10}[²³]?(?:/[^\W\d_]{1,5}[²³]?)?"
_CELL = re.compile(
    rf"(?P<open>\()?{_BLANK}*(?P<sign>[+-]?){_BLANK}*(?P<before>{_CURRENCY})?{_BLANK}*"
    rf"(?P<inner>[+-]?(?:\d|[.,](?=\d))(?:[\d.,'’]|{_BLANK}(?=\d))*(?:[eE][+-]?\d+)?)"  # noqa: RUF001 - an apostrophe
    rf"{_BLANK}*(?P<after>{_CURRENCY}|{_UNIT})?{_BLANK}*(?P<close>\))?(?P<minus>-)?"
)
_LONGEST = 80  # characters of a cell; longer ones are text


class CellParts(NamedTuple):
    """A cell that holds digits, with whatever stands around them.

    Attributes:
        inner: Digits and the marks between them.
        unit: What stands before or behind them: a currency, "%", "kg"; "" for nothing.
        has_parentheses: Accountants' way to write a negative number.
    """

    inner: str
    unit: str
    is_negative: bool
    has_parentheses: bool


def cell_parts(text: str) -> CellParts | None:
    """What a cell consists of; None where it is no number in any format."""
    if len(text) > _LONGEST:
        return None
    match = _CELL.fullmatch(text.strip().replace("\u2212", "-"))
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    has_parentheses, is_negative = bool(match["open"]), match["sign"] == "-" or bool(match["minus"])
    unit = (match["before"] or "") + (match["after"] or "")  # "$K"
    return CellParts(match["inner"], unit, is_negative or has_parentheses, has_parentheses)


def is_currency(unit: str) -> bool:
    return re.fullmatch(_CURRENCY, unit) is not None


@dataclass(frozen=True)
class NumberFormat:
    """How a column writes its numbers.

    Attributes:
        decimal: What stands before the fraction.
        thousands: What stands between groups of three digits; "" for nothing, " " for any kind of blank.
        unit: What stands beside each number: "%", "kg"; a currency may be absent from some.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    def parse(self, text: str) -> float:
        """The number in a cell; NaN where there is none, or an infinite one. Accountants' (5), and 5-, are -5.

        Raises:
            ValueError: text that is no number in this format; also "1_000", which Python reads and no table means.
        """
        if self.decimal == "." and not self.unit and "_" not in text:
            try:
                number = float(text.replace("\u2212", "-"))
            except ValueError:
                pass
            else:
                return number if math.isfinite(number) else math.nan
        if is_missing_number(text) or is_infinite(text):
            return math.nan
        parts = cell_parts(text) if self != PLAIN else None
        if parts is None or not self._pattern.fullmatch(parts.inner):
            raise ValueError(text)
        digits = re.sub(self._thousands, "", parts.inner) if self.thousands else parts.inner
        number = float(digits.replace(self.decimal, "."))
        if parts.unit != self.unit and number and (parts.unit or not is_currency(self.unit)):  # 0 needs no unit
            raise ValueError(text)
        return -number if parts.is_negative else number

    @cached_property
    def _thousands(self) -> str:
        return {" ": _BLANK, "'": "['’]"}.get(self.thousands, re.escape(self.thousands))  # noqa: RUF001 - an apostrophe

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        whole = r"\d*"
        if self.thousands:  # in India, groups before the last are of two digits
            between = r"\d{2,3}" if self.thousands == "," else r"\d{3}"
            whole = rf"[1-9]\d{{0,2}}(?:{self._thousands}{between})*{self._thousands}\d{{3}}|\d*"
        return re.compile(rf"[+-]?(?=.*\d)(?:{whole})(?:{re.escape(self.decimal)}\d*)?(?:[eE][+-]?\d+)?")


PLAIN = NumberFormat()
"""As computers write them, and Python reads them."""


def is_missing_number(text: str) -> bool:
    """Whether a cell of a column of numbers, or of dates, says that there is none."""
    return text.strip().lower() in _MISSING_NUMBERS


def is_infinite(text: str) -> bool:
    """Whether a cell says "inf" or the like, or a number beyond what a float holds, as 1e999."""
    bare = text.strip().lower()
    return bare in _INFINITE or ("e" in bare and is_number(bare) and math.isinf(float(bare)))


def is_number(text: str) -> bool:
    """Whether Python reads a cell as a number, maybe an infinite one or "nan"; not "1_000", which no table means."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names the columns: no cell is a number or a mark for a missing value, some say something.

    Beside such names, at least three years or numbers from 0 or 1 on, each one more than the one before, are names
    too; and so are nothing but numbers from 0 on, at least four, as data frames number their columns.
    """
    texts = [cell.strip() for cell in cells]
    values = [text for text in texts if text in MISSING_MARKS or is_number(text) or _DECIMAL_COMMA.fullmatch(text)]
    numbered = [int(text) for text in values if text.isascii() and text.isdigit() and len(text) < 5]
    if any(texts) and len(numbered) > 2 and len(numbered) == sum(map(bool, values)):
        counts_up = all(later - earlier == 1 for earlier, later in pairwise(numbered))
        if counts_up and (len(numbered) < len(texts) or len(numbered) > 3):
            return numbered[0] == 0 or (len(numbered) < len(texts) and (numbered[0] == 1 or 1800 < numbered[0] < 2100))
    return any(texts) and not any(values)

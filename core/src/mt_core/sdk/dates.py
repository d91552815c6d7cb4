"""Dates and times as tables write them: whether the day or the month comes first is judged by all cells of a column.

03/04/2020 alone is in March or in April. Beside 25/04/2020 it is in April.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from mt_core.sdk.numbers import is_missing_number

Order = Literal["ymd", "dmy", "mdy", "compact", "named"]

_EPOCH = datetime(1970, 1, 1)
_CENTURY = 69  # two digits from here on are of the 1900s, as POSIX has it
_LONGEST = 80  # characters of a cell; longer ones are text
_SURE_ROWS = 5  # so many rows are not in order of time by chance

_NAMES = (
    "january jan januar janvier janv enero ene gennaio gen", "february feb februar février févr fév febrero febbraio",
    "march mar märz mär mrz mars marzo", "april apr avril avr abril abr aprile", "may mai mayo maggio mag",
    "june jun juni juin junio giugno giu", "july jul juli juillet juil julio luglio lug",
    "august aug août agosto ago", "september sep sept septembre septiembre settembre set",
    "october oct oktober okt octobre octubre ottobre ott", "november nov novembre noviembre",
    "december dec dezember dez décembre déc diciembre dic dicembre",
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}

_ZONES = {"cet": 1, "cest": 2, "mez": 1, "mesz": 2, "wet": 0, "west": 1, "eet": 2, "eest": 3,
          "est": -5, "edt": -4, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}  # fmt: skip
"""Hours ahead of UTC of the zones whose names mean one: Europe's, and those of RFC 5322, section 4.3, but for CST and
CDT, which are China's and Cuba's as well."""

_NAMED_ZONE = re.compile(r"(?P<date>.*\d:\d{2}.*?)\s*\b(?P<zone>[A-Z]{3,5})\b(?P<year>\s+\d{4})?")
_ZONE_NAMES = "|".join(sorted(_ZONES, key=len, reverse=True))
_TIME = (
    r"(?:(?P<gap>\s*T|\s*,?\s+|:)(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})"
    r"(?:[:.](?P<second>\d{2})(?:[.,:](?P<part>\d{1,9}))?)?)?\s*(?P<half>[ap]\.?m\.?)?"
    rf"\s*(?P<zone>Z|UTC|GMT|{_ZONE_NAMES}|[+-]\d{{2}}(?::?\d{{2}})?)?(?:\s*\[[^\]]*\])?)?"
)


def _dated(date: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?{date}{_TIME}", re.IGNORECASE)


_YEAR_FIRST = _dated(r"(?P<year>\d{4})(?P<mark>[-/. ])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})")
_YEAR_AND_MONTH = re.compile(r"(?P<year>(?:19|20)\d{2})[-/](?P<month>\d{1,2})")
_SHORT_YEAR_FIRST = _dated(r"(?P<year>\d{2})(?P<mark>[-/.])(?P<month>\d{2})(?P=mark)(?P<day>\d{2})")
_YEAR_LAST = r"(?P<{}>\d{{1,2}})(?P<mark>[-/. ])(?P<{}>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|(?<![. ])\d{{2}})"
_COMPACT = r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_NAME = r"(?P<month>[^\W\d_]{3,10})\.?"
_PATTERNS: dict[Order, tuple[re.Pattern[str], ...]] = {
    "ymd": (_YEAR_FIRST, _YEAR_AND_MONTH, _SHORT_YEAR_FIRST),
    "dmy": (
        _dated(_YEAR_LAST.format("day", "month")),
        _dated(r"(?P<day>\d{2})(?P<mark>\.)(?P<month>\d{2})\.(?P<year>\d{2})"),
    ),
    "mdy": (_dated(_YEAR_LAST.format("month", "day")),),
    "compact": (
        _dated(_COMPACT),
        re.compile(rf"{_COMPACT}[T _-]?(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})?(?P<zone>Z)?"),
    ),
    "named": (
        _dated(rf"{_DAY}[-/ ]*(?:de |of )?{_NAME}(?: de)?,?[-/ ]*(?P<year>\d{{4}}|\d{{2}})"),
        _dated(rf"{_NAME}[-/ ]*{_DAY},?[-/ ]+(?P<year>\d{{4}})"),
        _dated(rf"(?P<year>\d{{4}})[-/ ]{_NAME}[-/ ](?P<day>\d{{1,2}})"),
        re.compile(rf"{_NAME}[-/ ]+(?P<year>\d{{4}})"),
        re.compile(  # as C's asctime writes it: Thu Jan  2 03:04:05 2020
            rf"[A-Z][a-z]{{2}}\s+{_NAME}\s+(?P<day>\d{{1,2}})\s+(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}})"
            rf"\s*(?P<zone>UTC|GMT|{_ZONE_NAMES})?\s+(?P<year>\d{{4}})"
        ),
    ),
}


@dataclass(frozen=True)
class DateFormat:
    """How a column writes dates, with or without a time of the day.

    Attributes:
        order: "ymd" (2020-01-31, 2006/12/16, 2020-01), "dmy", "mdy", "compact" (20200131), "named" (31 Jan 2020).
        is_zoned: Whether each cell says its time zone. What is parsed is then UTC, else as written.
        is_ambiguous: Whether the column could as well be read with day and month exchanged.
    """

    order: Order
    is_zoned: bool = False
    is_ambiguous: bool = False

    def parse(self, text: str) -> float:
        """Seconds since 1970-01-01; NaN where the cell is missing.

        Raises:
            ValueError: text that is no date in this format.
        """
        text = text.strip()
        if is_missing_number(text) or text.startswith("0000-00-00"):  # a date that is none, in MySQL's exports
            return math.nan
        for pattern in _PATTERNS[self.order] if len(text) <= _LONGEST else ():
            if match := pattern.fullmatch(text):
                parts = match.groupdict()
                if (parts.get("zone") is not None) != self.is_zoned:
                    raise ValueError(text)
                return _seconds(parts)
        raise ValueError(text)


def date_format(cells: Iterable[str], *, day_first: bool | None = None) -> DateFormat | None:
    """The format of a column, in which all its cells are dates or missing.

    Where day or month may come first: the day, if points stand between; else the order that leaves at least five rows
    in order of time; else the month, as pandas has it, and the format `is_ambiguous`.

    Args:
        day_first: What the user says of 03/04/2020: in April (True), in March (False); None: judged.

    Returns:
        None where some cell is no date, or there is none at all.
    """
    texts = [cell.strip() for cell in cells if not is_missing_number(cell)]
    if not texts:
        return None
    read: dict[Order, tuple[DateFormat, list[float]]] = {}
    for order in _PATTERNS:
        for is_zoned in (False, True):
            found = DateFormat(order, is_zoned)
            try:
                read[order] = found, [found.parse(text) for text in texts]
            except ValueError:
                continue
    if day_first is not None:
        read.pop("mdy" if day_first else "dmy", None)
    if "ymd" in read and len(read) > 1:  # years of two digits: those that change least
        first, last = ({re.split(r"[-/.]", text)[place][:2] for text in texts} for place in (0, 2))
        read = {"ymd": read["ymd"]} if len(first) < len(last) else {k: v for k, v in read.items() if k != "ymd"}
    if "dmy" not in read or "mdy" not in read:
        return next((found for found, _ in read.values()), None)
    (day, as_day), (month, as_month) = read["dmy"], read["mdy"]
    if as_day == as_month or any("." in text[:3] for text in texts):
        return day
    if _is_ordered(as_day) != _is_ordered(as_month) and len(texts) >= _SURE_ROWS:
        return day if _is_ordered(as_day) else month
    return DateFormat("mdy", month.is_zoned, is_ambiguous=True)


def unknown_zone(text: str) -> str | None:
    """The name of the time zone of a date that cannot be read for it alone: CST, IST; None for all else."""
    match = _NAMED_ZONE.fullmatch(text.strip())
    if match is None or match["zone"].lower() in {*_ZONES, "utc", "gmt"}:
        return None
    return match["zone"] if date_format([match["date"] + (match["year"] or "")]) is not None else None


def _is_ordered(seconds: Sequence[float]) -> bool:
    steps = [later - earlier for earlier, later in pairwise(seconds) if not math.isnan(later - earlier)]
    return all(step >= 0 for step in steps) or all(step <= 0 for step in steps)


def _seconds(parts: dict[str, str | None]) -> float:
    """Raises: ValueError: no such day or time."""
    year, month = parts["year"] or "", parts["month"] or ""
    number = int(month) if month.isdecimal() else _MONTHS.get(month.lower(), 0)
    full = int(year) + (0 if len(year) == 4 else 1900 if int(year) >= _CENTURY else 2000)
    moment = datetime(full, number, int(parts.get("day") or 1)) - _EPOCH
    if (hour := parts.get("hour")) is None:
        return moment.total_seconds()
    half, minute, second = parts.get("half"), parts.get("minute"), int(parts.get("second") or 0)
    if minute is None and half is None and len(hour) == 1:  # "1/2/2020 5"
        raise ValueError(hour)
    hours, minutes = int(hour), int(minute or 0)
    if half and not 1 <= hours <= 12:
        raise ValueError(hour)
    if half:
        hours = hours % 12 + 12 * (half[0] in "pP")
    if hours > 24 or minutes > 59 or second > 60 or (hours == 24 and minutes + second):
        raise ValueError(hour)
    moment += timedelta(hours=hours, minutes=minutes, seconds=second) - _offset(parts.get("zone"))
    return moment.total_seconds() + float(f"0.{parts.get('part') or 0}")


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone[0] not in "+-":
        return timedelta(hours=_ZONES.get((zone or "").lower(), 0))
    digits = zone[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return size if zone[0] == "+" else -size

"""Which columns of a table tell the time, alone or together, and what their cells say.  T rows.

Times are whole microseconds: since 1970 where there is a date, else since midnight of the first row, or since zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk.dates import DateFormat, date_format, unknown_zone
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.numbers import is_missing_number

Times = NDArray[np.int64]

DATE_NAMES = frozenset(("date", "datum", "fecha", "data", "day", "dates", "calendar date", "local date", "utc date"))
TIME_OF_DAY_NAMES = frozenset(
    ("time", "uhrzeit", "zeit", "hora", "heure", "ora", "clock", "time of day", "tod", "local time", "utc time", "hour")
)
_PARTS = (
    ("year", ("year", "yr", "yyyy", "yy", "jahr", "ano", "annee")),
    ("month", ("month", "mo", "mm", "mon", "monat", "mes", "mois")),
    ("day", ("day", "dy", "dd", "dom", "mday", "day of month", "tag", "dia", "jour")),
    ("day of year", ("doy", "day of year", "yday", "julian", "julian day", "jday")),
    ("hour", ("hour", "hr", "hh", "h", "hours", "stunde", "hora", "heure")),
    ("minute", ("minute", "min", "mn", "mi", "mm", "minutes")),
    ("second", ("second", "sec", "ss", "seconds", "s")),
    ("millisecond", ("millisecond", "ms", "msec", "milliseconds", "millis")),
)

INDEX_NAMES = frozenset(
    ("", "no", "no.", "nr", "nr.", "#", "index", "idx", "row", "rows", "row number", "rownum", "rownames", "record",
     "record no", "obs", "observation", "sample", "samples", "sample index", "sample no", "sample number", "frame",
     "frames", "counter", "packetcounter", "packet counter", "line", "id", "n", "sn", "s.no", "s no", "serial no"),
)  # fmt: skip
_UNNAMED = re.compile(r"unnamed:? ?\d+(?:[ _]level.*)?|level_\d+|x1|\.\.\.1|column1")

_SECONDS = re.compile(r"(?:^|[. ])(?:secs?|seconds)$")
_NANOSECONDS = re.compile(r"(?:^|[. ])(?:nsecs?|nanosecs?|nanoseconds|nanosec)$")  # beside seconds, as in ROS

_PROBED = 2000  # dates of which the format is judged, before that of all is
_DAY = 86_400_000_000
_SECOND = 1_000_000
_TIME_OF_DAY = re.compile(
    r"(?P<first>\d{1,3}):(?P<second>\d{1,2})(?::(?P<third>\d{1,2}))?(?:[.,:](?P<part>\d{1,9}))?\s*(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_WITH_POINTS = re.compile(r"(\d{1,2})\.(\d{2})\.(\d{2})")
_TIME_THEN_DATE = re.compile(r"(\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?)\s+(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})")


@dataclass(frozen=True)
class Clock:
    """Columns that tell the time together.

    Attributes:
        places: Of the columns, from 0.
        parts: What each tells: "date" and "time", or "year", "month", "day", "day of year", "hour", "minute", …; or
            "seconds" and "nanoseconds".
    """

    places: tuple[int, ...]
    parts: tuple[str, ...]


def find_clock(names: Sequence[str]) -> Clock | None:
    """The columns of a table that tell the time together, by their names: `Date` and `Time`; or `year`, `month`, `day`
    and maybe `hour` and so on. None where there are none; a single column of time is no such."""
    plain = [plain_name(name) for name in names]
    found: dict[str, int] = {}
    for part, known in _PARTS:
        place = next((at for at, name in enumerate(plain) if name in known and at not in found.values()), None)
        if place is not None:
            found[part] = place
    if "year" in found and ("month" in found or "day of year" in found):
        smallest_missing = False
        for part in ("hour", "minute", "second", "millisecond"):  # of "s" without an hour nobody knows what it means
            smallest_missing = smallest_missing or part not in found
            if smallest_missing:
                found.pop(part, None)
        parts = sorted(found, key=lambda part: found[part])
        return Clock(tuple(found[part] for part in parts), tuple(parts))
    whole = next((at for at, name in enumerate(plain) if _SECONDS.search(name)), None)
    rest = next((at for at, name in enumerate(plain) if _NANOSECONDS.search(name)), None)
    if whole is not None and rest is not None:
        return Clock((whole, rest), ("seconds", "nanoseconds"))
    date = next((at for at, name in enumerate(plain) if name in DATE_NAMES), None)
    time = next((at for at, name in enumerate(plain) if name in TIME_OF_DAY_NAMES and at != date), None)
    return None if date is None or time is None else Clock((date, time), ("date", "time"))


def plain_name(name: str) -> str:
    """A column's name in lower case, without brackets, units and underscores."""
    bare = re.sub(r"[(\[{][^)\]}]*[)\]}]", "", name.strip().strip("<>'\"#")).lower()
    return re.sub(r"[\s_]+", " ", bare).strip()


def is_row_number(name: str, values_T: NDArray[np.float64]) -> bool:
    """Whether a column only counts the rows: it is called `No`, `index`, `Unnamed: 0` or the like, and each row is one
    more than the row before."""
    called = plain_name(name)
    if called not in INDEX_NAMES and not _UNNAMED.fullmatch(called):
        return False
    return len(values_T) > 1 and bool((np.diff(values_T) == 1).all())


class ClockCells:
    """Collects the cells of a column of time that are no numbers, to be read all together.

    A parser for `Delimited.numbers`.

    Attributes:
        TEXT: What it gives for each such cell.
        texts: The cells, in order.
    """

    TEXT = -1e301

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, cell: str) -> float:
        self.texts.append(cell)
        return self.TEXT


def times_of_texts(texts: Sequence[str], column: str, name: str, where: Callable[[int], str]) -> tuple[Times, bool]:
    """What a column of texts says: dates with their time, or times of the day, of which midnight passes.

    Args:
        texts: None missing.
        column: What it is called in messages.
        where: How a row, counted from 0, is called in messages.

    Returns:
        (T,) microseconds, and whether they are dated.

    Raises:
        InputError: a text that is neither; names the row.
    """
    bare = [text.strip().strip("'\"[]").strip() for text in texts]
    if (moments := _times_of_day(bare)) is not None:
        return moments, False
    if all(map(_TIME_THEN_DATE.fullmatch, bare)):
        bare = [_TIME_THEN_DATE.sub(r"\2 \1", text) for text in bare]
    if (moments := times_of_dates(bare, name)) is not None:
        return moments, True
    common = date_format(bare[:1])
    fits = [bool(_TIME_OF_DAY.fullmatch(text)) or _reads(common, text) for text in bare]
    row = fits.index(False) if False in fits else 0
    raise InputError(
        f"{name}, {where(row)}: {texts[row].strip()[:40]!r} in {column} is no time like the others",
        fix="write all times in one format, such as 2024-02-29 12:00:00.250",
    )


def times_of_dates(texts: Sequence[str], name: str) -> Times | None:
    """Dates, with a time of the day or without, as (T,) microseconds since 1970; None where a text is none.

    Where 1/2/2024 may be in January or in February, and the order of the rows does not decide, it is the one that
    leaves no gap; else in January, with a warning.

    Raises:
        InputError: dates with the name of a time zone that is not known, or means several.
    """
    distinct = dict.fromkeys(texts)  # of dates without a time of the day, there are few
    if any(map(is_missing_number, distinct)):
        return None
    some = list(distinct)[:: max(1, len(distinct) // _PROBED)]
    written = date_format(some)
    if written is not None and not written.is_ambiguous:
        try:
            return _parsed(written, texts, distinct)
        except ValueError:
            pass
    written = date_format(distinct)
    if written is None and (zone := next(filter(None, map(unknown_zone, some)), None)):
        raise InputError(
            f"{name}: times in the zone {zone}, which is not known or has several meanings",
            fix="write the distance from UTC instead, such as 2024-02-29 12:00:00-06:00, or leave the zone out",
        )
    if written is None:
        return None
    if written.is_ambiguous:
        ways = [date_format(distinct, day_first=day_first) for day_first in (False, True)]
        gaps = [_longest_gap([way.parse(text) for text in distinct]) for way in ways if way is not None]
        written = (ways[gaps.index(min(gaps))] if len(gaps) == 2 and 3 * min(gaps) < max(gaps) else None) or written
        if written is not None and written.is_ambiguous:
            reinterpreted(name, "dates like 1/2/2024 taken for the second of January")
    assert written is not None
    return _parsed(written, texts, distinct)


def _parsed(written: DateFormat, texts: Sequence[str], distinct: Iterable[str]) -> Times:
    """Raises: ValueError: a text that is no date in this format."""
    moments_of = {text: round(written.parse(text) * _SECOND) for text in distinct}
    return np.array([moments_of[text] for text in texts], dtype=np.int64)


def _longest_gap(seconds: Sequence[float]) -> float:
    """The largest step; infinite for dates without a time of the day, of which months may be the steps."""
    steps = np.abs(np.diff(np.array(seconds)))
    return float(steps.max()) if len(steps) and (np.array(seconds) % 86_400).any() else math.inf


def times_of_parts(
    clock: Clock, columns: Sequence[Sequence[str] | NDArray[np.float64]], name: str, where: Callable[[int], str]
) -> Times:
    """The times that several columns tell together.

    Args:
        columns: Of each of the clock's parts: texts of dates and times of the day, or numbers (T,).

    Raises:
        InputError: a row that tells none.
    """
    if clock.parts == ("date", "time"):
        dates, times = ([str(cell).strip().strip("'\"") for cell in column] for column in columns)
        called = "the columns of date and time"
        written, moments = date_format(dict.fromkeys(dates)), _times_of_day(times, wraps=False)
        if written is None or written.is_ambiguous or moments is None:
            joined = [f"{date} {time}" for date, time in zip(dates, times, strict=True)]
            return times_of_texts(joined, called, name, where)[0]
        day_T, _ = times_of_texts(dates, called, name, where)
        if (day_T % _DAY).any():  # the dates have times of the day themselves
            return day_T
        return np.asarray(day_T + moments, dtype=np.int64)
    return _of_numbers(dict(zip(clock.parts, columns, strict=True)), name, where)  # type: ignore[arg-type]


def _of_numbers(parts: Mapping[str, NDArray[np.float64]], name: str, where: Callable[[int], str]) -> Times:
    if "nanoseconds" in parts:
        return np.rint(parts["seconds"]).astype(np.int64) * _SECOND + np.rint(parts["nanoseconds"] / 1000).astype(
            np.int64
        )
    limits = {
        "year": (0, 2999), "month": (1, 12), "day": (1, 31), "day of year": (1, 367), "hour": (0, 24),
        "minute": (0, 59), "second": (0, 60.999999), "millisecond": (0, 999.999),
    }  # fmt: skip
    for part, values_T in parts.items():
        least, most = limits[part]
        with np.errstate(invalid="ignore"):
            wrong = ~((values_T >= least) & (values_T <= most))
        if part not in ("second", "millisecond"):
            wrong |= values_T != np.floor(values_T)
        if part == "day of year":
            wrong = ~((values_T >= least) & (values_T < most))
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(
                f"{name}, {where(row)}: {values_T[row]:g} is no {part}",
                fix="correct the row, or name the columns to take without the times",
            )
    years_T = parts["year"]
    if (years_T < 100).all():
        years_T = years_T + np.where(years_T >= 69, 1900, 2000)
    months_T = (years_T.astype(np.int64) - 1970) * 12
    if "month" in parts:
        months_T = months_T + parts["month"].astype(np.int64) - 1
    moments = months_T.astype("M8[M]").astype("M8[us]").astype(np.int64)
    days_T = parts["day"] if "day" in parts else parts.get("day of year") if "month" not in parts else None
    if days_T is not None:
        moments = moments + np.rint((days_T - 1) * _DAY).astype(np.int64)
    for part, size in (("hour", 3600 * _SECOND), ("minute", 60 * _SECOND), ("second", _SECOND), ("millisecond", 1000)):
        if part in parts:
            moments = moments + np.rint(parts[part] * size).astype(np.int64)
    return moments


def _times_of_day(texts: Sequence[str], *, wraps: bool = True) -> Times | None:
    """Microseconds, rising where midnight passes; None where a text is no time of the day.

    `1:05.250` is a minute and five seconds, `10:05` ten hours and five minutes.
    """
    moments_of: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        match = _TIME_OF_DAY.fullmatch(_WITH_POINTS.sub(r"\1:\2:\3", text))
        if match is None:
            return None
        first, second, third = int(match["first"]), int(match["second"]), match["third"]
        if second > 59 or int(third or 0) > 60:
            return None
        if third is None and match["part"] is not None:
            seconds = first * 60 + second
        else:
            if match["half"]:
                first = first % 12 + 12 * (match["half"][0] in "pP")
            seconds = first * 3600 + second * 60 + int(third or 0)
        moments_of[text] = seconds * _SECOND + round(float(f"0.{match['part'] or 0}") * _SECOND)
    moments = np.array([moments_of[text] for text in texts], dtype=np.int64)
    if wraps and len(moments) and moments.max() <= _DAY:
        passed = np.cumsum(np.diff(moments, prepend=moments[:1]) < -_DAY // 2)
        moments = moments + passed * _DAY
    return moments


def _reads(written: DateFormat | None, text: str) -> bool:
    try:
        return written is not None and not math.isnan(written.parse(text))
    except ValueError:
        return False

"""When a series was measured: dates in columns, the step between them, and the steps that follow.

Times are int64 microseconds since 1970. Where a column has time zones they are in UTC.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import reinterpreted, times_of_dates
from mt_plugin_timeseries.decimal_years import (
    DECIMAL_NAMES,
    YEAR_NAMES,
    are_decimal_years,
    month_numbers,
    times_of_decimal_years,
)

Times = NDArray[np.int64]

TIME_NAMES = (
    "date", "time", "timestamp", "datetime", "date time", "ds", "utc", "year", "timestamps", "ts", "time stamp",
    "epoch", "unix", "unix time", "unixtime", "unix timestamp", "datum", "zeit", "zeitstempel", "zeitpunkt", "fecha",
    "horodate", *DECIMAL_NAMES,
)  # fmt: skip
"""Names of columns of time, in any case, without units and underscores."""

_DAY = 86_400_000_000
_SHORTEST_MONTH = 28 * _DAY
_PROBED = 20  # cells that are looked at before all are parsed
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)|^\d{8}")  # a time of day alone is no date

# microseconds in a unit of a number of that size since 1970: from 1973 on for each
_EPOCH = ((1e8, 1e10, 1e6), (1e11, 1e13, 1e3), (1e14, 1e16, 1.0), (1e17, 9.3e18, 1e-3))
_WITH_TIME = {10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How dates with their time are written as one number, by its digits."""

_WEEK = re.compile(r"(?P<year>\d{4})-?W(?P<week>0[1-9]|[1-4]\d|5[0-2])(?:-1)?")
_QUARTER = re.compile(r"(?P<year>\d{4})[-/: ]?Q(?P<q>[1-4])|Q(?P<first>[1-4])[-/ ]?(?P<behind>\d{4})", re.IGNORECASE)
_MONTH = re.compile(r"(?P<year>\d{4})-?M(?P<month>0[1-9]|1[0-2])")
_DAYS = ((20_000.0, 80_000.0, 25_569.0), (693_000.0, 800_000.0, 719_529.0))
"""From, below, and the number of 1970-01-01: days since 1900 in spreadsheets, and since the year 0 in MATLAB."""


@dataclass(frozen=True)
class Step:
    """The regular distance of times: so many microseconds, months or business days (Monday to Friday)."""

    unit: Literal["microseconds", "months", "business days"]
    size: int

    def places(self, times: Times) -> Times | None:
        """The index of each time on the lattice that begins with the first; None where one lies beside it."""
        if self.unit == "microseconds":
            return _divided(times - times[0], self.size)
        if self.unit == "months":
            if _month_offset(times) is None:
                return None
            months = _months(times)
            return _divided(months - months[0], self.size)
        if len(np.unique(times % _DAY)) > 1:
            return None
        days = _days(times)
        return np.asarray(np.busday_count(days[0], days), dtype=np.int64)

    def at(self, times: Times, places: Times) -> Times:
        """The times at these indices of the lattice that `times` lie on, counted from the first of them."""
        if self.unit == "microseconds":
            return np.asarray(times[0] + places * self.size, dtype=np.int64)
        if self.unit == "months":
            months = _months(times[:1]) + places * self.size
            from_start, offset = _month_offset(times) or (True, 0)
            starts = _month_starts(months if from_start else months + 1)
            return np.asarray(starts + offset, dtype=np.int64)
        days = np.busday_offset(_days(times[:1]), places, roll="forward")
        return np.asarray(days.astype("M8[us]").astype(np.int64) + times[0] % _DAY, dtype=np.int64)


def infer_step(times: Times) -> Step | None:
    """The step of times, some of which may be left out; None where they have none, or do not follow each other."""
    differences, counts = np.unique(np.diff(times), return_counts=True)
    if not len(differences) or differences[0] <= 0:
        return None
    usual = int(differences[counts.argmax()])
    candidates = [Step("microseconds", usual)]
    if usual == _DAY and _has_no_weekend(times):
        candidates.insert(0, Step("business days", 1))
    if usual >= _SHORTEST_MONTH:
        gaps, counts = np.unique(np.diff(_months(times)), return_counts=True)
        if gaps[0] > 0:
            candidates.append(Step("months", int(gaps[counts.argmax()])))
    return next((step for step in candidates if step.places(times) is not None), None)


def next_times(times: Times, steps: int) -> Times | None:
    """The times of the steps after the last; None where the times have no regular step."""
    step = infer_step(times)
    if step is None:
        return None
    places = step.places(times)
    assert places is not None
    return step.at(times, places[-1] + np.arange(1, steps + 1))


def format_times(times: Times) -> list[str]:
    """The times as ISO 8601, days alone where all are at midnight."""
    moments = times.astype("M8[us]")
    unit = "D" if not (times % _DAY).any() else "s" if not (times % 1_000_000).any() else "us"
    return [text.replace("T", " ") for text in moments.astype(f"M8[{unit}]").astype(str).tolist()]


def parse_dates(column: Any, name: str, *, is_named: bool = False) -> tuple[Times, NDArray[np.bool_]] | None:
    """What a column of a data frame says as dates.

    Args:
        column: A pandas Series of any type; of text, more than half of the cells must be dates in one format, with a
            year of four digits, unless all are and the column is called so.
        name: How the series is called in messages.
        is_named: Whether the column is called a time.

    Returns:
        The times, and which cells hold one; None for a column of something else.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(column):
        return _as_times(column)
    if not (pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)):
        return None
    probe = column.dropna().head(_PROBED).astype(str)
    if len(probe) and column.notna().all() and (quarters := _quarters(column)) is not None:
        return quarters, np.ones(len(quarters), dtype=bool)
    if not is_named and sum(_YEAR.search(cell) is not None for cell in probe) <= len(probe) / 2:
        return None
    whole = _parsed(column, "coerce", {"format": "ISO8601"})
    if whole is not None and whole[1].all():
        return whole
    is_date = column.notna().to_numpy()
    if (times := times_of_dates([str(cell) for cell in column[is_date]], name)) is not None:
        filled = np.zeros(len(column), dtype=np.int64)
        filled[is_date] = times
        return filled, is_date
    if is_named and sum(_YEAR.search(cell) is not None for cell in probe) <= len(probe) / 2:
        return None
    best = None
    # 2.1.2024 is read as in most places where it is written so, 2/1/2024 as in the United States if that can be
    day_first = (True, False) if "." in probe.iloc[0].split()[0] else (False, True)
    ways: list[dict[str, Any]] = [{"format": "ISO8601"}, *({"dayfirst": first} for first in day_first)]
    for settings in ways:
        whole = _parsed(column, "coerce", settings)
        if whole is not None and (best is None or whole[1].sum() > best[1].sum()):
            best = whole
        if best is not None and best[1].all():
            break
    return best if best is not None and best[1].sum() > len(column) / 2 else None


def _quarters(column: Any) -> Times | None:
    """The starts of quarters such as 2024Q1, 2024-Q1 and Q1 2024, of weeks such as 2024-W01, and of months such as
    2024M01; None for others."""
    weeks = [_WEEK.fullmatch(str(cell).strip()) for cell in column]
    if all(weeks):
        days = [date.fromisocalendar(int(week["year"]), int(week["week"]), 1) for week in weeks if week]
        return np.array(days, dtype="M8[us]").astype(np.int64)
    months = [_MONTH.fullmatch(str(cell).strip()) for cell in column]
    if all(months):
        found = [(int(month["year"]) - 1970) * 12 + int(month["month"]) - 1 for month in months if month]
        return _month_starts(np.array(found, dtype=np.int64))
    matches = [_QUARTER.fullmatch(str(cell).strip()) for cell in column]
    if not all(matches):
        return None
    quarters = [
        (int(match["year"] or match["behind"]), int(match["first"] or match["q"])) for match in matches if match
    ]
    return _month_starts(
        np.array([(year - 1970) * 12 + 3 * (quarter - 1) for year, quarter in quarters], dtype=np.int64)
    )


def parse_numeric_dates(numbers: NDArray[Any], column: str, name: str) -> Times | None:
    """Numbers of a column called time as times; None for what only counts.

    Seconds, milli-, micro- or nanoseconds since 1970; 20240229, also with hours, minutes and seconds behind; 202402;
    years, also with a fraction; days since 1900 or the year 0, as spreadsheets and MATLAB count.

    Args:
        column: What it is called.
    """
    if np.isnan(numbers).any():
        return None
    low, high = float(numbers.min()), float(numbers.max())
    is_whole = bool((numbers == np.floor(numbers)).all())
    if is_whole and 1000 <= low and high < 3000:
        return _month_starts((numbers.astype(np.int64) - 1970) * 12)
    if are_decimal_years(numbers) and (column in YEAR_NAMES or _is_monthly(numbers)):
        reinterpreted(name, "a time in decimal years")
        return times_of_decimal_years(numbers)
    if is_whole and 19_000_101 <= low and high <= 21_001_231:
        parsed = _parsed_numbers(numbers, "%Y%m%d")
        if parsed is not None:
            return parsed
    for length, form in _WITH_TIME.items():
        if is_whole and 19 * 10 ** (length - 2) <= low and high < 21 * 10 ** (length - 2):
            parsed = _parsed_numbers(numbers, form)
            if parsed is not None:
                return parsed
    if is_whole and 190_001 <= low and high <= 210_012 and ((numbers % 100 >= 1) & (numbers % 100 <= 12)).all():
        years, months = np.divmod(numbers.astype(np.int64), 100)
        return _month_starts((years - 1970) * 12 + months - 1)
    if "date" in column or (not is_whole and column in ("time", "timestamp", "datum")):
        for least, most, day_of_1970 in _DAYS:
            if least <= low and high < most:
                reinterpreted(name, "a time in days, as spreadsheets count it")
                seconds = (numbers - day_of_1970) * 86_400
                near = np.rint(seconds)  # a day has no binary fractions that are seconds
                return np.rint(np.where(np.abs(seconds - near) < 5e-3, near, seconds) * 1e6).astype(np.int64)
    for least, most, microseconds in _EPOCH:
        if least <= low and high < most:
            if numbers.dtype.kind in "iu" and microseconds <= 1:
                return numbers.astype(np.int64) // round(1 / microseconds)
            return np.asarray(np.rint(numbers * microseconds), dtype=np.int64)
    return None


def _is_monthly(years: NDArray[np.float64]) -> bool:
    """Whether there is a number for each month: seconds since a start that is no date have other steps."""
    months = month_numbers(np.unique(years))
    return months is not None and len(months) > 2 and bool((np.diff(months) == 1).all())


def _parsed_numbers(numbers: NDArray[Any], form: str) -> Times | None:
    import pandas as pd

    text = pd.Series(numbers.astype(np.int64).astype(str))
    parsed = _parsed(text, "raise", {"format": form})
    return None if parsed is None else parsed[0]


def _parsed(
    text: Any, errors: Literal["raise", "coerce"], settings: dict[str, Any]
) -> tuple[Times, NDArray[np.bool_]] | None:
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pandas warns where it has to guess each cell by itself
            warnings.filterwarnings("ignore", message="Parsing dates in")  # the format found is not the one hinted at
            return _as_times(pd.to_datetime(text, errors=errors, utc=True, **settings))
    except (ValueError, TypeError, OverflowError, Warning):
        return None


def _as_times(dates: Any) -> tuple[Times, NDArray[np.bool_]]:
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    moments = dates.to_numpy().astype("M8[us]")
    return moments.astype(np.int64), ~np.isnat(moments)


def _divided(distances: Times, size: int) -> Times | None:
    """How many times the size; None where one is no whole number of times."""
    places, rest = np.divmod(distances, size)
    return None if rest.any() else np.asarray(places, dtype=np.int64)


def _days(times: Times) -> NDArray[np.datetime64]:
    return times.astype("M8[us]").astype("M8[D]")


def _months(times: Times) -> Times:
    """Months since January 1970."""
    return times.astype("M8[us]").astype("M8[M]").astype(np.int64)


def _month_starts(months: Times) -> Times:
    return months.astype("M8[M]").astype("M8[us]").astype(np.int64)


def _month_offset(times: Times) -> tuple[bool, int] | None:
    """Whether the times are as far from the start of their months as each other (else from the end), and how far."""
    for from_start in (True, False):
        offsets = times - _month_starts(_months(times) + (0 if from_start else 1))
        if (offsets == offsets[0]).all():
            return from_start, int(offsets[0])
    return None


def _has_no_weekend(times: Times) -> bool:
    """Whether there are Fridays and Mondays, and no day between them."""
    days = _days(times)
    weekdays = np.unique((days.astype(np.int64) + 3) % 7)  # 1970-01-01 was a Thursday
    return 0 in weekdays and 4 in weekdays and weekdays.max() <= 4

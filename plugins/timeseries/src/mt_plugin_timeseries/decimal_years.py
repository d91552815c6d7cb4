"""Years with a fraction as times: 1958.2027, 1958.2877, … are the middles of March and April.  T rows.

Sources: the monthly means of NOAA's Global Monitoring Laboratory, of SILSO (sunspots) and of CSIRO (sea level).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DECIMAL_NAMES = (
    "decimal date", "decimal year", "decimal", "date decimal", "year decimal", "decimaldate", "decimalyear",
    "decyear", "dec year", "dec date", "decdate", "date fraction", "year fraction", "fraction of date",
    "fractional year",
)  # fmt: skip
"""Names of columns of such years, in any case, without units and underscores."""

YEAR_NAMES = ("year", "date", *DECIMAL_NAMES)
"""Names of columns in which numbers that may be such years are."""

_FIRST, _LAST = 1500.0, 2200.0
_NEAR_MONTH = 0.2  # months of 28 to 31 days lie less than this beside twelfths of a year
_NEAR_DAY = 0.2  # of three decimals: half of the last is more than a sixth of a day
_NEAR_STEP = 0.25
_DAY = 86_400_000_000


def are_decimal_years(numbers_T: NDArray[np.float64]) -> bool:
    """Whether numbers may be years with a fraction: they are of that size, and not whole."""
    if not len(numbers_T) or np.isnan(numbers_T).any() or (numbers_T == np.floor(numbers_T)).all():
        return False
    return bool(numbers_T.min() >= _FIRST and numbers_T.max() < _LAST)


def month_numbers(years_T: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Months since 1970, where each of the years is a whole number of months after the first; else None."""
    after = 12 * (years_T - years_T[0])
    near = np.rint(after)
    if (np.abs(after - near) > _NEAR_MONTH).any() or len(np.unique(near)) < len(near):
        return None
    first = np.floor(12 * (years_T[0] - 1970) + 0.1)  # twelfths are rounded
    return np.asarray(first + near, dtype=np.int64)


def times_of_decimal_years(years_T: NDArray[np.float64]) -> NDArray[np.int64]:
    """Microseconds since 1970, by the length of each year; in any order, also of several series in one table.

    One row a month, or every so many months, are the months; where all are days, they are days; else what lies near
    even steps of whole minutes is on them.
    """
    distinct, places_T = np.unique(years_T, return_inverse=True)
    return np.asarray(_of_rising(distinct)[places_T])


def _of_rising(years_T: NDArray[np.float64]) -> NDArray[np.int64]:
    year = np.floor(years_T)
    starts, ends = (
        (year.astype(np.int64) - 1970 + later).astype("M8[Y]").astype("M8[D]").astype(np.int64) for later in (0, 1)
    )
    days = np.asarray(starts + (years_T - year) * (ends - starts), dtype=np.float64)
    months = month_numbers(years_T)
    for middle in (0.0, 0.5):  # of midnight, or of noon
        near = np.rint(days - middle).astype(np.int64)
        if (np.abs(days - middle - near) < _NEAR_DAY).all() and len(np.unique(near)) == len(near):
            if months is None:
                return near * _DAY
            by_day = near.astype("M8[D]").astype("M8[M]").astype(np.int64)  # the last of a month is near the next
            if (np.diff(by_day) == np.diff(months)).all():
                months = by_day
            break
    if months is None:
        return _evenly(days)
    return np.asarray(months.astype("M8[M]").astype("M8[us]").astype(np.int64))


def _evenly(days_T: NDArray[np.float64]) -> NDArray[np.int64]:
    """The times of days with their fractions, which are rounded: on the even steps that they lie near, if they do."""
    exact = np.asarray(np.rint(days_T * _DAY), dtype=np.int64)
    step = float(np.median(np.diff(days_T))) if len(days_T) > 1 else 0.0
    if step <= 0:
        return exact
    places = np.rint((days_T - days_T[0]) / step)
    if places[-1] < 1:
        return exact
    minutes = max(1, round((days_T[-1] - days_T[0]) / places[-1] * 1440))
    even = days_T[0] + places * minutes / 1440
    if (np.abs(even - days_T) > _NEAR_STEP * step).any() or len(np.unique(places)) < len(places):
        return exact
    start = round(days_T[0] * 1440)
    return np.asarray((start + places.astype(np.int64) * minutes) * (_DAY // 1440))

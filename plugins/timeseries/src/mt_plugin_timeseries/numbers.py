"""Columns of text that are numbers, as other programs and other countries write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import format_notes, number_columns, reinterpreted

_MARKS = (
    -999.0, -9999.0, -99999.0, -999.9, -9999.9, -999.99, -9999.99, 9999.0, 99999.0, 999.9, 9999.9, 1e20, -1e20, 1e30,
    9.969209968386869e36,
)  # fmt: skip
"""Numbers that stand for a missing value in the records of weather, water and air; the last are those of netCDF."""

_SMALL_MARKS = (-99.0, -99.9, -99.99, -9.99)
"""Such numbers that may be values as well. They are marks only where they are repeated."""

_FAR = 5.0  # times the range of all other values
_FAR_BELOW_ZERO = 2.0  # the same, of a negative mark where no other value is negative
_MOST_MARKS = 0.5


def written_numbers(parsed: Callable[[Sequence[int]], Any], decimal: str | None, name: str) -> Any:
    """The data frame of a text file, in which columns of numbers are numbers, however they are written.

    Args:
        parsed: Gives the frame that pandas reads, with the columns at these places as text.
        decimal: What the file suggests to stand before fractions; see `number_columns`.

    Warns:
        DataWarning: decimal commas, thousands and the like.
    """
    frame = parsed(())
    texts = _texts(frame)
    found = number_columns(texts, decimal=decimal)
    if any(not column.misfits and column.written.decimal == "," for column in found.values()):
        fractions = [place for place in range(frame.shape[1]) if frame.dtypes.iloc[place].kind == "f"]
        if fractions:  # 1.100 that pandas has read as a bit more than one is a thousand here
            frame = parsed(fractions)
            texts = _texts(frame)
            found = number_columns(texts, decimal=decimal)
    numbers = {place: column for place, column in found.items() if not column.misfits and column.num_numbers}
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    for place, column in numbers.items():
        columns[place] = columns[place].map({text: column.written.parse(text) for text in dict.fromkeys(texts[place])})
        columns[place] = columns[place].astype(np.float64)
    for note in format_notes({str(frame.columns[place]): column for place, column in numbers.items()}):
        reinterpreted(name, note)
    if not numbers:
        return frame
    whole = frame.copy(deep=False)
    for place in numbers:
        whole.isetitem(place, columns[place])
    return whole


def without_marks(values: NDArray[np.float64], channel: str, name: str) -> NDArray[np.float64]:
    """The values of a channel with NaN for a number like -9999 that lies far beyond all others.

    Warns:
        DataWarning: there is such; or one of which it is not clear, and which stays.
    """
    for mark in (*_MARKS, *_SMALL_MARKS):
        is_mark = values == mark
        if not is_mark.any() or is_mark.mean() > _MOST_MARKS:
            continue
        others = values[~is_mark & np.isfinite(values)]
        if not len(others):
            continue
        low, high = float(others.min()), float(others.max())
        apart = low - mark if mark < low else mark - high
        is_far = apart > _FAR * max(high - low, 1.0)
        if mark in _SMALL_MARKS:
            is_odd = is_far or (apart > 0 and (low >= 0 or apart > high - low))
            is_far = is_far or (low >= 0 and apart > _FAR_BELOW_ZERO * max(high - low, 1.0))
            if is_odd and not (is_far and is_mark.sum() > 1):
                reinterpreted(
                    name,
                    f"{mark:g} in {channel}, apart from all others, taken for a value: leave the cell "
                    "empty where it stands for a missing one",
                )
                continue
        if is_far:
            reinterpreted(name, f"{mark:g} taken for a missing value")
            values = np.where(is_mark, np.nan, values)
    return values


def _texts(frame: Any) -> dict[int, list[str]]:
    """The cells of the columns of text, "" where one is missing."""
    places = [place for place in range(frame.shape[1]) if frame.dtypes.iloc[place].kind not in "iufbMmc"]
    return {place: frame.iloc[:, place].fillna("").astype(str).tolist() for place in places}

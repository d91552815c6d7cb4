"""First rows of a table of numbers that are no samples: when the recording began, and how many samples a second.

R rows, C columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError

EPOCHS = ((1e8, 1e10, 1.0), (1e11, 1e13, 1e-3), (1e14, 1e16, 1e-6), (1e17, 9.3e18, 1e-9))
"""From, below, and seconds in a unit of a number of that size since 1970: from 1973 on for each."""

_SLOWEST, _FASTEST = 1 / 3600, 100_000
_FEWEST_ROWS = 5
_CHECKED_ROWS = 3
_FAR, _FAR_FOR_A_TIME = 1e5, 1e4  # times the largest of the rows below
_LATEST = 4.2e9  # seconds since 1970, in the next century


def seconds_since_1970(number: float) -> float | None:
    """What a number of that size is, in seconds, milli-, micro- or nanoseconds since 1970; None for none."""
    return next((number * unit for least, most, unit in EPOCHS if least <= number < most), None)


def start_and_rate(values_RC: NDArray[np.float64]) -> tuple[float, float] | None:
    """The start in seconds since 1970 and the rate in Hz that the first two rows give.

    Certain it is where each of the two repeats one number in all its cells, the first of them is a time since 1970
    that dwarfs all that follows, and the second may be a rate: wristbands write `1544027337.0, 1544027337.0, …` and
    `32.0, 32.0, …`.
    """
    if len(values_RC) < _FEWEST_ROWS:
        return None
    start, rate = (_only_number(row) for row in values_RC[:2])
    if start is None or rate is None or not _SLOWEST <= rate <= _FASTEST:
        return None
    moment = seconds_since_1970(start)
    below = np.abs(values_RC[2:])
    largest = float(np.nanmax(below)) if np.isfinite(below).any() else 0.0
    if moment is None or not 1e9 <= moment < _LATEST or largest * 1e3 > start:
        return None
    return moment, rate


def check_first_rows(values_RC: NDArray[np.float64], lines: Sequence[int], name: str) -> None:
    """Refuse first rows that cannot be samples like those below them: some ten thousand times as large.

    Raises:
        InputError: names the line.
    """
    if len(values_RC) < _FEWEST_ROWS + _CHECKED_ROWS:
        return
    with np.errstate(invalid="ignore"):
        sizes = np.nan_to_num(np.abs(values_RC), nan=0.0, posinf=0.0)
    usual_C = np.maximum(sizes[_CHECKED_ROWS:].max(0), 1.0)
    for row, line in zip(range(_CHECKED_ROWS), lines, strict=False):
        said = sizes[row] > 0
        far = sizes[row] > np.where(sizes[row] >= 1e9, _FAR_FOR_A_TIME, _FAR) * usual_C
        if far.any() and 2 * far.sum() >= said.sum():
            column = int(far.argmax())
            raise InputError(
                f"{name}, line {line}: {values_RC[row, column]:.10g} is no value like those below, which are at most "
                f"{sizes[_CHECKED_ROWS:, column].max():.6g}: maybe a start time or a setting of the recorder",
                fix="remove the lines above the samples, and state the rate or add a column of time",
            )


def _only_number(row_C: NDArray[np.float64]) -> float | None:
    numbers = row_C[~np.isnan(row_C)]
    return float(numbers[0]) if len(numbers) and (numbers == numbers[0]).all() else None

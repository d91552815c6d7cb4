"""A scene as its pixels are looked up.  H rows, W columns, B bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import reinterpreted

Wavelengths = tuple[float, ...]
"""Nanometres, one a band."""

MAX_BANDS = 8192
MAX_PIXELS = 2**31

LARGEST_BYTES = 2**31
"""Of a cube that has to be held in memory; MATLAB's own limit for an array in a version 5 file."""

_BLOCK_BYTES = 2**24

_FEWEST_BANDS = 20  # that a first axis is taken for
_OF_BANDS, _CLEARLY = 0.5, 10.0
"""Share of the variance that lies between bands at least, and how many times that between rows."""


class Values(Protocol):
    """What a cube's values can be: an array, a map of a file into memory, or a data set of an HDF5 file."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: tuple[slice, slice], /) -> Any: ...


@dataclass(frozen=True)
class Cube:
    """Pixels by row and column; nothing is read before it is asked for.

    Attributes:
        values: (H, W, all bands of the file), any type of number.
        name: How the source is called in messages.
        wavelengths: Of the bands that are kept; None where not known.
        ignored: What stands in the file for no value; None for nothing.
        kept: Indices of the bands that are not marked as bad; None for all.
        scale: What the numbers in the file are to be divided by.

    Raises:
        InputError: not three axes, fewer than two bands, no pixel, too many of either, or complex numbers.
    """

    values: Values
    name: str
    wavelengths: Wavelengths | None = None
    ignored: float | None = None
    kept: NDArray[np.int64] | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        shape = self.values.shape
        if len(shape) != 3:
            raise InputError(
                f"{self.name} is an array of {tuple(shape)}, not (rows, columns, bands)",
                fix="pass a cube; of a table of spectra, pass each row, or reshape it to (rows, 1, bands)",
            )
        if self.values.dtype.kind not in "uifb":
            raise InputError(f"{self.name} holds {self.values.dtype} values", fix="save it as real numbers")
        height, width, bands = shape
        if not height * width or bands < 2:
            raise InputError(
                f"{self.name} is {height} x {width} pixels of {bands} band{'s' * (bands != 1)}: no spectrum",
                fix="pass a scene of at least two bands",
            )
        if height * width > MAX_PIXELS or bands > MAX_BANDS:
            raise InputError(
                f"{self.name} has {height:,} x {width:,} pixels of {bands:,} bands, more than any scene",
                fix="check the header and the order of the axes: rows, columns, bands",
            )

    @property
    def height(self) -> int:
        return self.values.shape[0]

    @property
    def width(self) -> int:
        return self.values.shape[1]

    @property
    def bands(self) -> int:
        return self.values.shape[2] if self.kept is None else len(self.kept)

    def resident(self) -> Cube:
        """The same, quick at single pixels: what is neither an array nor mapped is loaded.

        Raises:
            InputError: it would take more than `LARGEST_BYTES`.
        """
        if isinstance(self.values, np.ndarray):
            return self
        check_size(self.values.shape, self.values.dtype, self.name)
        whole = self._read(slice(None), slice(None))
        return replace(self, values=whole)

    def neighbourhood(self, row: int, column: int, window: int) -> NDArray[np.float32]:
        """(window, window, B) about a pixel, reflected at the borders; NaN where a pixel has no data.

        Raises:
            InputError: a pixel outside, or one whose bands are missing in part.
        """
        if not (0 <= row < self.height and 0 <= column < self.width):
            raise InputError(
                f"{self.name} has no pixel in row {row}, column {column}: it is {self.height} x {self.width}",
                fix="count rows and columns from 0",
            )
        return self._part(_around(row, row + 1, window, self.height), _around(column, column + 1, window, self.width))

    def neighbourhoods(self, window: int) -> Iterator[NDArray[np.float32]]:
        """`neighbourhood` of every pixel, row by row, some rows at a time in memory."""
        columns = _around(0, self.width, window, self.width)
        for start, stop in self._blocks():
            block = self._part(_around(start, stop, window, self.height), columns)
            for row in range(stop - start):
                for column in range(self.width):
                    yield block[row : row + window, column : column + window].copy()

    def brightness(self) -> NDArray[np.float32]:
        """(H, W) the mean of each pixel over its bands that have a value, NaN where none has; some rows at a time."""
        return np.concatenate([self._mean_of(slice(start, stop)) for start, stop in self._blocks()])

    def _mean_of(self, rows: slice) -> NDArray[np.float32]:
        values = self._numbers(rows, slice(None))
        is_missing = self._is_missing(values)
        count = (~is_missing).sum(-1)
        total = np.where(is_missing, 0, values).sum(-1, dtype=np.float64)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)

    def _blocks(self) -> Iterator[tuple[int, int]]:
        rows = max(1, _BLOCK_BYTES // (self.width * self.values.shape[2] * 4))
        for start in range(0, self.height, rows):
            yield start, min(start + rows, self.height)

    def _part(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """(len(rows), len(columns), B), checked."""
        top, left = int(rows.min()), int(columns.min())
        part = self._numbers(slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1))
        is_missing = self._is_missing(part)
        if is_missing.any():
            is_empty = np.asarray(is_missing.all(-1))
            if self.ignored == 0:  # where other bands have values, a zero is one
                is_missing = ~np.isfinite(part)
            self._refuse_gaps(is_missing & ~is_empty[..., None], top, left)
            part[is_empty] = np.nan
        part /= np.float32(self.scale)
        return part[np.ix_(rows - top, columns - left)]

    def _numbers(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        part = self._read(rows, columns)
        if self.kept is not None:
            part = part[..., self.kept]
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is infinite, and refused as such
            return np.array(part, dtype=np.float32)

    def _read(self, rows: slice, columns: slice) -> NDArray[Any]:
        try:
            return np.asarray(self.values[rows, columns])
        except OSError as error:  # of a data set of HDF5, which is read only now
            raise _damaged(self.name, error) from None

    def _is_missing(self, part: NDArray[np.float32]) -> NDArray[np.bool_]:
        is_missing: NDArray[np.bool_] = ~np.isfinite(part)
        if self.ignored is not None:
            is_missing |= part == np.float32(self.ignored)
        return is_missing

    def _refuse_gaps(self, has_gap: NDArray[np.bool_], top: int, left: int) -> None:
        if not has_gap.any():
            return
        row, column, band = np.argwhere(has_gap)[0]
        count = int(has_gap[row, column].sum())
        raise InputError(
            f"{self.name}, row {top + row}, column {left + column}: {count} of {self.bands} bands have no finite "
            f"value, the first of them band {band}",
            fix="leave these bands out of all pixels (in an ENVI header, bbl marks them with 0), or interpolate them",
        )


def bands_axis(values: Values) -> int | None:
    """Which axis of an array of three, the first or the last, is that of the bands: the mean changes much from band to
    band, and little from row to row. None where the numbers do not tell."""
    part = _some_of(values)
    if not part.size or not np.isfinite(part).all():
        return None
    total = float(part.var())
    first, last = (float(part.mean(axis).var()) / total if total else 0.0 for axis in ((1, 2), (0, 1)))
    if max(first, last) < _OF_BANDS or max(first, last) < _CLEARLY * min(first, last):
        return None
    if first < last:
        return 2
    return 0 if values.shape[0] >= _FEWEST_BANDS else None


def _some_of(values: Values) -> NDArray[np.float64]:
    """Rows and columns all over an array; of one in a file those in the middle, which lie together there."""
    if isinstance(values, np.ndarray):
        rows, columns = (slice(None, None, max(1, size // 64)) for size in values.shape[:2])
    else:
        rows, columns = (slice(max(0, size // 2 - 32), size // 2 + 32) for size in values.shape[:2])
    return np.asarray(values[rows, columns], dtype=np.float64)


def bands_last(values: Values, name: str) -> Values:
    """An array (H, W, B), also of one that has its bands first, as rasterio reads and many scripts save it.

    Warns:
        DataWarning: it has.

    Raises:
        InputError: a damaged file.
    """
    if len(values.shape) != 3 or values.dtype.kind not in "uif":
        return values
    try:
        is_first = bands_axis(values) == 0
    except OSError as error:  # of a data set of HDF5
        raise _damaged(name, error) from None
    if not is_first:
        return values
    reinterpreted(name, "the first axis taken for the bands")
    return np.moveaxis(values, 0, -1) if isinstance(values, np.ndarray) else _BandsLast(values)


def _damaged(name: str, error: OSError) -> InputError:
    return InputError(f"{name} is damaged ({error})", fix="copy or save the file again")


class _BandsLast:
    """An array in a file, its first axis last."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.shape: tuple[int, ...] = (*values.shape[1:], values.shape[0])
        self.dtype: np.dtype[Any] = values.dtype

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[Any]:
        rows, columns = key
        part = np.asarray(self.values[slice(None), rows])
        return np.moveaxis(part, 0, -1)[:, columns]


def _around(start: int, stop: int, window: int, size: int) -> NDArray[np.int64]:
    """Indices from half a window before `start` to half a window after `stop`, reflected into 0..size - 1."""
    reach = window // 2
    indices = np.arange(start - reach, stop + reach)
    period = max(1, 2 * (size - 1))
    indices %= period
    return np.minimum(indices, period - indices) if size > 1 else np.zeros_like(indices)


def check_size(shape: Sequence[int], dtype: np.dtype[Any], name: str) -> None:
    """Refuse what would not fit, before it is loaded.

    Raises:
        InputError: more than `LARGEST_BYTES`.
    """
    promised = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if promised > LARGEST_BYTES:
        raise InputError(
            f"{name} should hold an array of {tuple(shape)} {dtype}, which would take {promised / 2**30:,.1f} GiB",
            fix="save it as ENVI or .npy, which are read part by part, or cut the scene into several",
        )

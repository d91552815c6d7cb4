"""Recordings in arrays: by themselves, in mappings, and in NumPy's archives.  N recordings, T steps, C axes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import as_array, left_out, names_in_npz, read_npz, some_of
from mt_plugin_imu.recording import Recording, make_recording
from mt_plugin_imu.tables import from_times

VALUES = ("values", "imu", "data", "series", "signal", "x")
PARTS = (("acc", "accelerometer"), ("gyro", "gyr", "gyroscope"), ("mag", "magnetometer"))
RATES = ("rate", "rate_hz", "fs", "hz", "frequency", "sampling_rate", "sample_rate")
_NO_AXES = re.compile(r"y|labels?|target|class|activity|subjects?|users?|name|unit|units|id|meta.*")
CLOCKS = ("time", "t", "timestamp", "timestamps", "time_s", "time_ms", "ms")


def from_array(array: Any, name: str, rate: float | None = None) -> Iterator[Recording]:
    """The recording in an array (T, C) or (T,), or those in one of (N, T, C)."""
    array = as_array(array)
    if array.ndim != 3:
        yield make_recording(array, rate, name)
        return
    for row, values in enumerate(array, 1):
        yield make_recording(values, rate, f"{name}, recording {row}")


def from_mapping(mapping: Mapping[str, Any], name: str) -> Iterator[Recording]:
    """What arrays by name hold; see `_of_named`."""
    yield from _of_named([str(key) for key in mapping], lambda key: as_array(mapping[key]), name)


def from_npz(file: BinaryIO, name: str) -> Iterator[Recording]:
    """What the arrays of an .npz file hold; see `_of_named`."""
    names = names_in_npz(file)
    if not names:
        raise InputError(f"{name} is an archive without arrays", fix="save the sheet of a workbook as CSV")
    yield from _of_named(names, lambda key: read_npz(file, (key,), name=name), name)


def _of_named(names: Sequence[str], array_of: Callable[[str], NDArray[Any]], name: str) -> Iterator[Recording]:
    """The recordings in arrays that have names.

    They are `values` (or `imu`, `data`, …), or `acc`, `gyro` and `mag` side by side, or `x`, `y` and `z`, or the only
    array there is; with `rate` in Hz, or `time`, where it is known. Further arrays are left out, with a warning.

    Raises:
        InputError: none of these names, parts of different shapes, a rate that is no number.
    """
    key_of = {key.lower(): key for key in names}

    def first(known: Sequence[str]) -> str | None:
        return next((key_of[name] for name in known if name in key_of), None)

    rate, clock, whole = first(RATES), first(CLOCKS), first(VALUES)
    others = [key for key in names if key not in (rate, clock)]
    parts = [key for known in PARTS if (key := first(known)) is not None]
    if whole is None and not parts and len(others) == 1:
        whole = others[0]
    if whole is None and not parts:
        raise InputError(
            f"{name} holds {', '.join(names)[:200] or 'nothing'}",
            fix=f"call the array {VALUES[0]!r}, or its parts 'acc', 'gyro' and 'mag'",
        )
    if whole is not None and whole.lower() == "x" and "y" in key_of and "z" in key_of:
        whole, parts = None, [key_of[axis] for axis in "xyz"]
    used = {rate, clock, *([whole] if whole is not None else parts)}
    if further := [key for key in others if key not in used and not _NO_AXES.fullmatch(key.lower())]:
        left_out(name, f"the arrays {some_of(further)}")
    values = array_of(whole) if whole is not None else _joined([array_of(key) for key in parts], name)
    if rate is not None:
        yield from from_array(values, name, _scalar(array_of(rate), f"{name}: {rate}"))
    elif clock is not None and values.ndim in (1, 2):
        yield from_times(values, array_of(clock), clock, name)
    else:
        yield from from_array(values, name)


def _joined(parts: Sequence[NDArray[Any]], name: str) -> NDArray[Any]:
    arrays = [array[:, None] if array.ndim == 1 else array for array in parts]
    if len({array.shape[:-1] for array in arrays}) > 1:
        raise InputError(
            f"{name} has parts of the shapes {', '.join(str(array.shape) for array in arrays)}",
            fix="bring them to the same steps first",
        )
    return np.concatenate(arrays, axis=-1)


def _scalar(array: NDArray[Any], name: str) -> float:
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise InputError(f"{name} is {str(array)[:40]}, not a number", fix="give the steps a second, in Hz")
    return float(array.reshape(()))

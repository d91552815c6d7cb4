"""Recordings in arrays: NumPy's files, mappings, data frames, and arrays in memory.  N recordings, T steps, C axes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import read_npz
from mt_plugin_imu.clock import at_even_steps
from mt_plugin_imu.columns import chosen_columns
from mt_plugin_imu.recording import Recording, recording_of

VALUES = ("values", "imu", "data", "series", "signal", "x")
PARTS = (("acc", "accelerometer"), ("gyro", "gyr", "gyroscope"), ("mag", "magnetometer"))
RATES = ("rate", "rate_hz", "fs", "hz", "frequency", "sampling_rate", "sample_rate")
CLOCKS = ("time", "t", "timestamp", "timestamps")

_LARGEST_BYTES = 2**30


def of_array(array: Any, name: str, rate: float | None = None) -> Iterator[Recording]:
    """The recording in an array (T, C) or (T,), or those in one of (N, T, C)."""
    array = np.asarray(array)
    if array.ndim != 3:
        yield recording_of(array, rate, name)
        return
    for row, values in enumerate(array, 1):
        yield recording_of(values, rate, f"{name}, recording {row}")


def of_mapping(mapping: Mapping[str, Any], name: str) -> Iterator[Recording]:
    """What arrays by name hold; see `_of_named`."""
    yield from _of_named([str(key) for key in mapping], mapping.__getitem__, name)


def of_table(frame: Any, columns: Sequence[str], name: str) -> Recording:
    """The axes of a data frame, by the names of its columns, as in a file with a header."""
    names = [str(column) for column in frame.columns]
    places = chosen_columns(names, columns, name)
    values = np.asarray(frame.iloc[:, list(places.axes)])
    if places.clock is None:
        return recording_of(values, None, name)
    clock = np.asarray(frame.iloc[:, places.clock])
    if clock.dtype.kind == "M":
        clock = (clock - clock[0]) / np.timedelta64(1, "s")
        return _timed(values, clock, "time (s)", name)
    return _timed(values, clock, names[places.clock], name)


def of_npy(source: Path | bytes, name: str) -> Iterator[Recording]:
    """The array of an .npy file, whose header is not believed."""
    if isinstance(source, bytes):
        stream = io.BytesIO(source)
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(stream)
        if int(np.prod(shape, dtype=object)) * dtype.itemsize > len(source):
            raise InputError(f"{name} ends before its array of {shape} {dtype} does", fix="copy the file again")
        array = np.load(io.BytesIO(source), allow_pickle=False)
    else:
        array = np.load(source, mmap_mode="r", allow_pickle=False)  # refuses a file shorter than its header says
    if array.nbytes > _LARGEST_BYTES:
        raise InputError(f"{name} is {array.shape} {array.dtype}, more than 1 GiB", fix="cut it into several files")
    yield from of_array(np.array(array), name)  # in memory: the file may go


def of_npz(opened: Callable[[], Any], name: str) -> Iterator[Recording]:
    """The arrays of an .npz file; see `_of_named`.

    Args:
        opened: Gives the file anew: its path, or a stream.
    """
    with zipfile.ZipFile(opened()) as archive:
        names = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
    yield from _of_named(names, lambda key: read_npz(opened(), (key,), name=name, largest=_LARGEST_BYTES), name)


def _of_named(names: Sequence[str], array_of: Callable[[str], Any], name: str) -> Iterator[Recording]:
    """The recordings in arrays that have names.

    They are `values` (or `imu`, `data`, …), or `acc`, `gyro` and `mag` side by side, or the only array there is; with
    `rate` in Hz, or `time`, where it is known.

    Raises:
        InputError: none of these names, parts of different shapes, a rate that is no number.
    """
    key_of = {key.lower(): key for key in names}
    rate, clock = _first(key_of, RATES), _first(key_of, CLOCKS)
    others = [key for key in names if key not in (rate, clock)]
    whole = _first(key_of, VALUES)
    parts = [key for names in PARTS if (key := _first(key_of, names)) is not None]
    if whole is None and not parts and len(others) == 1:
        whole = others[0]
    if whole is None and not parts:
        raise InputError(
            f"{name} holds {', '.join(names)[:200] or 'nothing'}",
            fix=f"call the array {VALUES[0]!r}, or its parts 'acc', 'gyro' and 'mag'",
        )
    values = np.asarray(array_of(whole)) if whole is not None else _joined([array_of(key) for key in parts], name)
    if rate is not None:
        yield from of_array(values, name, _scalar(array_of(rate), f"{name}: {rate}"))
    elif clock is not None and values.ndim in (1, 2):
        yield _timed(values, np.asarray(array_of(clock)), clock, name)
    else:
        yield from of_array(values, name)


def _joined(parts: Sequence[Any], name: str) -> NDArray[Any]:
    arrays = [array[:, None] if array.ndim == 1 else array for array in map(np.asarray, parts)]
    if len({array.shape[:-1] for array in arrays}) > 1:
        raise InputError(
            f"{name} has parts of the shapes {', '.join(str(array.shape) for array in arrays)}",
            fix="bring them to the same steps first",
        )
    return np.concatenate(arrays, axis=-1)


def _timed(values: NDArray[Any], clock: NDArray[Any], column: str, name: str) -> Recording:
    if values.dtype.kind not in "fiub" or clock.dtype.kind not in "fiu" or clock.shape != values.shape[:1]:
        raise InputError(
            f"{name}: {column!r} is {clock.shape} {clock.dtype}, the values are {values.shape} {values.dtype}",
            fix="give one number of time a step",
        )
    values = values[:, None] if values.ndim == 1 else values
    even, rate = at_even_steps(
        values.astype(np.float64), clock.astype(np.float64), column, name, lambda row: f"row {row + 1}"
    )
    return recording_of(even, rate, name)


def _first(known: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((known[name] for name in names if name in known), None)


def _scalar(value: Any, name: str) -> float:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise InputError(f"{name} is {str(value)[:40]}, not a number", fix="give the steps a second, in Hz")
    return float(array.reshape(()))

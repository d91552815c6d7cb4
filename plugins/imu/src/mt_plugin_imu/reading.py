"""Recordings from files, bytes and objects in memory."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import read_uea
from mt_plugin_imu.arrays import of_array, of_mapping, of_npy, of_npz, of_table
from mt_plugin_imu.delimited import MAX_BYTES, read_delimited
from mt_plugin_imu.recording import Recording, recording_of

TABLES = (".csv", ".txt")
ARRAYS = (".npz", ".npy")
SERIES = (".ts", ".arff")
FORMATS = " ".join((*TABLES, *ARRAYS, *SERIES))


def recordings(source: Any, columns: Sequence[str] = ()) -> Generator[Recording, None, None]:
    """Every recording of a source, in order.

    Args:
        source: A path, or the bytes, of a text table or of an .npy or .npz file, which are told by what they hold; the
            path of a .ts or .arff file; an array (T, C), (T,) or, of several recordings, (N, T, C); a mapping with
            `values` (or `acc`, `gyro`, `mag`), and `rate` or `time` where they are known; a data frame; a `Recording`.
        columns: The axes in tables; none: found by `columns.chosen_columns`.

    Raises:
        InputError: not readable as a recording; names the file, and the line in text.
    """
    name = name_of(source)
    if isinstance(source, Recording):
        is_whole = np.isfinite(source.values).all()
        yield source if is_whole else recording_of(source.values, source.rate, source.name)
    elif isinstance(source, str | Path | bytes):
        with reading(source, formats=FORMATS):
            yield from _of_file(source, columns, name)
    elif isinstance(source, Mapping):
        with reading(source, formats="arrays of numbers"):
            yield from of_mapping(source, name)
    elif hasattr(source, "columns") and hasattr(source, "iloc"):  # a pandas DataFrame; pandas stays unimported
        with reading(source, formats="tables of numbers"):
            yield of_table(source, columns, name)
    elif isinstance(source, np.ndarray | list) or hasattr(source, "__array__"):
        with reading(source, formats="arrays of numbers"):
            yield from of_array(source, name)
    else:
        raise InputError(
            f"{name} is no recording", fix="give a path, an array (steps, axes), or {'values': array, 'rate': Hz}"
        )


def only_recording(source: Any, columns: Sequence[str] = ()) -> Recording:
    """The recording of a source that holds exactly one.

    Raises:
        InputError: as `recordings`; also none, or more than one.
    """
    return only_one(recordings(source, columns), source, "recording")


def _of_file(source: str | Path | bytes, columns: Sequence[str], name: str) -> Iterator[Recording]:
    if isinstance(source, bytes):
        content, magic = source, source[:6]
    else:
        source = Path(source)
        if source.suffix.lower() in SERIES:
            for row, series in enumerate(read_uea(source).series, 1):
                yield from of_array(series, f"{name}, series {row}")
            return
        with source.open("rb") as file:
            magic = file.read(6)
            file.seek(0)
            is_text = magic[:2] != b"PK" and magic != b"\x93NUMPY"
            # as much is allocated as is asked for
            content = file.read(min(source.stat().st_size, MAX_BYTES + 1)) if is_text else b""
    if magic == b"\x93NUMPY":
        yield from of_npy(source, name)
    elif magic[:2] == b"PK":
        whole = source
        yield from of_npz(lambda: io.BytesIO(whole) if isinstance(whole, bytes) else whole, name)
    else:
        yield read_delimited(content, name, columns)

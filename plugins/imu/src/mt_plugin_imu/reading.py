"""Recordings from files, bytes and objects in memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import declared_suffixes, first_bytes, is_uea, open_binary, read_npy, read_uea
from mt_plugin_imu.arrays import from_array, from_mapping, from_npz
from mt_plugin_imu.recording import Recording, make_recording
from mt_plugin_imu.tables import from_frame, read_table

SUFFIXES = declared_suffixes("mt_plugin_imu")


def read_recordings(source: Any, columns: Sequence[str] = ()) -> Generator[Recording, None, None]:
    """Every recording of a source, in order.

    Args:
        source: A path, or the bytes, of a text table or of an .npy or .npz file, which are told by what they hold; the
            path of a .ts or .arff file; an array (T, C), (T,) or, of several recordings, (N, T, C); a mapping with
            `values` (or `acc`, `gyro`, `mag`), and `rate` or `time` where they are known; a data frame; a `Recording`.
        columns: The axes in tables; none: found by `tables.choose_columns`.

    Raises:
        InputError: not readable as a recording; names the file, and the line in text.
    """
    name = name_of(source)
    if isinstance(source, Recording):
        is_whole = np.isfinite(source.values).all()
        yield source if is_whole else make_recording(source.values, source.rate, source.name)
    elif isinstance(source, str | Path | bytes):
        with reading(source, formats=" ".join(SUFFIXES)):
            yield from _of_file(source, columns, name)
    elif isinstance(source, Mapping):
        with reading(source, formats="arrays of numbers"):
            yield from from_mapping(source, name)
    elif hasattr(source, "columns") and hasattr(source, "iloc"):  # a pandas DataFrame; pandas stays unimported
        with reading(source, formats="tables of numbers"):
            yield from_frame(source, columns, name)
    elif isinstance(source, np.ndarray | list) or hasattr(source, "__array__"):
        with reading(source, formats="arrays of numbers"):
            yield from from_array(source, name)
    else:
        raise InputError(
            f"{name} is no recording", fix="give a path, an array (steps, axes), or {'values': array, 'rate': Hz}"
        )


def only_recording(source: Any, columns: Sequence[str] = ()) -> Recording:
    """The recording of a source that holds exactly one.

    Raises:
        InputError: as `read_recordings`; also none, or more than one.
    """
    return only_one(read_recordings(source, columns), source, "recording")


def _of_file(source: str | Path | bytes, columns: Sequence[str], name: str) -> Iterator[Recording]:
    if not isinstance(source, bytes) and is_uea(Path(source)):
        for row, series in enumerate(read_uea(Path(source)).series, 1):
            yield from from_array(series, f"{name}, series {row}")
        return
    magic = first_bytes(source, 6)
    with open_binary(source) as file:
        if magic == b"\x93NUMPY":
            yield from from_array(read_npy(file, name), name)
        elif magic[:2] == b"PK":
            yield from from_npz(file, name)
        else:
            yield read_table(file, name, columns)

"""NumPy's files, and its zips of them, read without trusting what they promise."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mt_core.errors import InputError

LARGEST_BYTES = 2**30
"""Of one array, unpacked."""


def read_npy(file: BinaryIO, name: str, *, largest: int = LARGEST_BYTES) -> NDArray[Any]:
    """The array of an .npy file; nothing is unpickled, and no memory is taken before its size is known.

    Call it within `mt_core.contract.reading`, which turns what NumPy raises into our errors.

    Args:
        file: Open for reading, at its start.
        name: How it is called in messages.
        largest: Bytes that the array may take.

    Raises:
        InputError: a larger one, whatever its header promises; a file that ends before its array does.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if _check_size(file, 0, largest, name) + file.tell() > size:
        raise InputError(f"{name} cannot be read to its end: it is truncated", fix="copy the file again")
    file.seek(0)
    array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def read_npz(
    source: str | Path | BinaryIO, names: tuple[str, ...], *, name: str = "", largest: int = LARGEST_BYTES
) -> NDArray[Any]:
    """One array of an .npz file; nothing is unpickled, and nothing is unpacked before its size is known.

    Call it within `mt_core.contract.reading`, which turns what zipfile and NumPy raise into our errors.

    Args:
        source: The file.
        names: The first of these names that is there is taken; otherwise the only array there is.
        name: How the file is called in messages; by default its path.
        largest: Bytes that the array may take.

    Raises:
        InputError: several arrays and none of these names, or one that would unpack to more than `largest`, whatever
            its header or the zip's directory promises.
    """
    name = name or str(source)
    with zipfile.ZipFile(source) as archive:
        members = {member.removesuffix(".npy"): member for member in archive.namelist() if member.endswith(".npy")}
        key = next((key for key in names if key in members), None)
        if key is None and len(members) == 1:
            key = next(iter(members))
        if key is None:
            raise InputError(
                f"{name} holds the arrays {', '.join(sorted(members))[:200] or 'none'}",
                fix=f"call the one that is meant {names[0]!r}" if names else "keep one array in the file",
            )
        with archive.open(members[key]) as stream:
            _check_size(stream, archive.getinfo(members[key]).file_size, largest, f"{name}: the array {key!r}")
        with archive.open(members[key]) as stream:
            array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return array


def _check_size(stream: Any, size: int, largest: int, name: str) -> int:
    """The bytes that an array needs, as its header says; at least `size`."""
    version = npy.read_magic(stream)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(stream)
    needed = max(int(np.prod(shape, dtype=object)) * dtype.itemsize, size)
    if needed > largest:
        raise InputError(
            f"{name} is {shape} {dtype} and would take {needed / 2**30:,.1f} GiB, more than {largest / 2**30:,.1f}",
            fix="save a part of it, or each sample in a file of its own",
        )
    return needed


def names_in_npz(path: Path | BinaryIO) -> tuple[str, ...]:
    """The names of the arrays in an .npz file; () for a file that is no zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
    except (OSError, zipfile.BadZipFile):
        return ()

"""NumPy's own files: one array, or a zip of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from mt_core.errors import InputError
from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.readers.columns import from_rows
from mt_plugin_pointcloud.readers.reading import Raw

_KEYS = ("points", "pos", "xyz")
_LARGEST_BYTES = 2**30  # of one array, unpacked


def read_npy(path: Path) -> Raw:
    """An array of one row a point; of a large one only the rows that are kept are read."""
    rows = np.load(path, mmap_mode="r", allow_pickle=False)
    kept = np.array(rows[:: step_for(len(rows))]) if rows.ndim else rows
    return Raw(*from_rows(kept, str(path)))


def read_npz(path: Path) -> Raw:
    """The array called points, pos or xyz, or the only one.

    Raises:
        InputError: several arrays and none of these names, or one that would unpack to more than a GiB, whatever its
            header or the zip's directory promises.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
        key = next((key for key in _KEYS if key in members), None)
        if key is None and len(members) == 1:
            key = next(iter(members))
        if key is None:
            raise InputError(
                f"{path} holds the arrays {', '.join(sorted(members))[:200] or 'none'}",
                fix=f"call the one with the points {_KEYS[0]!r}",
            )
        with archive.open(members[key]) as stream:
            version = npy.read_magic(stream)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = header(stream)
        promised = max(int(np.prod(shape, dtype=object)) * dtype.itemsize, archive.getinfo(members[key]).file_size)
        if promised > _LARGEST_BYTES:
            raise InputError(
                f"{path}: the array {key!r} is {shape} {dtype} and would take {promised / 2**30:,.1f} GiB",
                fix="save it as .npy, which can be read in part, or sample the cloud first",
            )
        with archive.open(members[key]) as stream:
            rows = npy.read_array(stream, allow_pickle=False)
    return Raw(*from_rows(rows, str(path)))

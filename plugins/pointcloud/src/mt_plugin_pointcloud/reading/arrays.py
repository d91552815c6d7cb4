"""NumPy's own files: one array, or a zip of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_core.sdk import read_npz as read_array
from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.reading.columns import Raw, from_rows

_KEYS = ("points", "pos", "xyz")


def read_npy(path: Path) -> Raw:
    """An array of one row a point; of a large one only the rows that are kept are read."""
    rows = np.load(path, mmap_mode="r", allow_pickle=False)
    kept = np.array(rows[:: step_for(len(rows))]) if rows.ndim else rows
    return from_rows(kept, str(path))


def read_npz(path: Path) -> Raw:
    """The array called points, pos or xyz, or the only one; see `mt_core.sdk.read_npz`."""
    return from_rows(read_array(path, _KEYS), str(path))

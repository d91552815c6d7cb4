"""Single clouds of HDF5 files that hold many, as benchmarks ship them."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mt_plugin_pointcloud.reading.columns import Raw, from_rows


class Hdf5Row(NamedTuple):
    """One cloud among those of an HDF5 file, a row of its `data` (clouds, points, channels)."""

    path: Path
    row: int

    @property
    def filename(self) -> str:
        """What it is called in messages."""
        return f"{self.path}[{self.row}]"


def read_row(item: Hdf5Row) -> Raw:
    """The points of one cloud."""
    file = _opened(item.path, item.path.stat().st_mtime_ns, os.getpid())
    return from_rows(file["data"][item.row], item.filename)


@lru_cache(maxsize=32)
def _opened(path: Path, mtime: int, process: int) -> Any:
    """Opened once a process: a forked one must not share its parent's file."""
    import h5py

    return h5py.File(path, "r")

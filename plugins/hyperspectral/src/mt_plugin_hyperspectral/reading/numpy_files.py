"""NumPy's own files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from mt_core.sdk import read_npz
from mt_plugin_hyperspectral.cube import LARGEST_BYTES, Cube

_NAMES = ("cube", "data", "values", "image")


def open_npy(file: Path | BinaryIO, name: str) -> Cube:
    """(H, W, B), mapped into memory where it is a file."""
    values = np.load(file, mmap_mode="r" if isinstance(file, Path) else None, allow_pickle=False)
    return Cube(values, name)


def open_npz(file: Path | BinaryIO, name: str) -> Cube:
    """(H, W, B): the array called cube, data, values or image, or the only one."""
    return Cube(read_npz(file, _NAMES, name=name, largest=LARGEST_BYTES), name)

"""Raw sweeps of a rotating scanner: float32 x, y, z, intensity and nothing else (KITTI, ONCE)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_core.errors import InputError
from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.reading.columns import Raw

_ROW = 16  # bytes
_FARTHEST = 1e6  # metres; what is read from bytes of another kind lies mostly beyond


def read_bin(path: Path) -> Raw:
    """Points in metres about the scanner, and intensity.

    Raises:
        InputError: a length that is no multiple of 16 bytes, or numbers that are no coordinates.

    Source: Geiger et al. 2013, "Vision meets robotics: the KITTI dataset", section 4.
    """
    size = path.stat().st_size
    if size % _ROW:
        raise InputError(
            f"{path} has {size} bytes, which is no multiple of {_ROW} (float32 x, y, z, intensity)",
            fix="copy the file again if it is cut short; write other layouts as .npy, one row a point",
        )
    rows = np.memmap(path, "<f4", "r", shape=(size // _ROW, 4))
    kept = np.array(rows[:: step_for(len(rows))])
    coordinates = kept[:, :3]
    if 2 * np.count_nonzero(np.abs(coordinates) < _FARTHEST) < np.count_nonzero(np.isfinite(coordinates)):
        raise InputError(
            f"{path} does not hold float32 x, y, z, intensity: most coordinates lie beyond {_FARTHEST:,.0f} metres",
            fix="check what wrote the file; write other layouts as .npy, one row a point",
        )
    return Raw(coordinates, {"intensity": kept[:, 3:]})

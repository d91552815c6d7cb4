"""Raw sweeps of a rotating scanner: rows of float32 numbers and nothing else; x, y, z first, then mostly intensity.

A row has 4 columns in KITTI and ONCE, 5 in nuScenes (whose files are called .pcd.bin), 3 or 6 in what people export.
K columns, N points.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import reinterpreted
from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.reading.columns import Raw

_USUAL = 4
_POSSIBLE = (4, 5, 3, 6)
_FEW_BYTES = 800
_LOOKED_AT = 1 << 18  # numbers
_FARTHEST, _NEAREST = 1e6, 1e-6  # metres; what is read from bytes of another kind lies mostly beyond either
_UNLIKE = 0.02  # of the variance, that columns differ by; of a wrong number of columns it is nothing

Array = NDArray[Any]


def read_bin(path: Path, columns: int = 0) -> Raw:
    """Points in metres about the scanner, and intensity, the fourth column where there are four.

    Args:
        columns: Float32 numbers a point; 0: what the name or the numbers tell.

    Raises:
        InputError: a length that is no multiple of a row, numbers that are no coordinates, or that could be rows of
            several lengths.

    Source: Geiger et al. 2013, "Vision meets robotics: the KITTI dataset", section 4; Caesar et al. 2020, nuScenes,
    arXiv:1903.11027.
    """
    size = path.stat().st_size
    width = columns or _columns_of(path, size)
    if size % (4 * width):
        raise InputError(
            f"{path} has {size} bytes, which is no multiple of {4 * width} ({width} float32 numbers a point)",
            fix="copy the file again if it is cut short; the option bin_columns says how many numbers a point has",
        )
    rows = np.memmap(path, "<f4", "r", shape=(size // (4 * width), width))
    kept = np.array(rows[:: step_for(len(rows))])
    coordinates = kept[:, :3]
    sizes = np.abs(coordinates[np.isfinite(coordinates)])
    if 10 * np.count_nonzero((sizes > _FARTHEST) | ((sizes < _NEAREST) & (sizes > 0))) > len(sizes):
        raise InputError(
            f"{path} does not hold {width} float32 numbers a point: too many are above {_FARTHEST:,.0f} metres or "
            f"below {_NEAREST:g}",
            fix="check what wrote the file, and the option bin_columns; write other layouts as .npy, one row a point",
        )
    return Raw(coordinates, {"intensity": kept[:, 3:4]} if width > 3 else {})


def _columns_of(path: Path, size: int) -> int:
    """How many columns a file has, by its name, its length and its numbers.

    Raises:
        InputError: several are possible, and none is likelier by far.
    """
    possible = [columns for columns in _POSSIBLE if size % (4 * columns) == 0]
    if path.name.lower().endswith(".pcd.bin") and 5 in possible:
        return 5
    if not possible or (possible == [_USUAL] and size < _FEW_BYTES):
        return _USUAL
    numbers = np.array(np.memmap(path, "<f4", "r", shape=(min(size // 4, _LOOKED_AT),)))
    likeness = {columns: _unlike(numbers, columns) for columns in possible}
    best = max(likeness, key=lambda columns: likeness[columns])
    if best == 6 and likeness.get(3, 0.0) > likeness[6] - _UNLIKE:
        best = 3  # twice the right number tells columns apart as well as the right one
    others = [unlike for columns, unlike in likeness.items() if columns % best]
    if likeness[best] < _UNLIKE + max(others, default=0.0):
        raise InputError(
            f"{path}: neither its length nor its numbers show how many float32 numbers a point has",
            fix=f"give it by the option bin_columns={_USUAL} (KITTI, ONCE), or 5 (nuScenes), or what else wrote it",
        )
    if best != _USUAL:
        reinterpreted(str(path), f"{best} float32 numbers a point, and not {_USUAL}, as its length and numbers show")
    return best


def _unlike(numbers: Array, columns: int) -> float:
    """How much columns differ, as a share of all variance, in sign, magnitude, rank and distance from the middle
    rank: nothing for a wrong number of columns, each of which then holds numbers of all kinds."""
    rows = numbers[: len(numbers) // columns * columns].astype(np.float64)
    rows = np.clip(np.nan_to_num(rows, nan=0, posinf=0, neginf=0), -_FARTHEST, _FARTHEST)
    if len(rows) < 2 * columns:
        return 0.0
    _, place, counts = np.unique(rows, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2)[place] / len(rows)
    shares = []
    for seen in (np.sign(rows), np.log(np.abs(rows) + 1e-3), ranks, np.abs(ranks - 0.5)):
        total = seen.var()
        share = seen.reshape(-1, columns).mean(0).var() / total if total else 0.0
        # less what columns of so few rows differ by chance
        shares.append(1 - (1 - share) * (seen.size - 1) / max(seen.size - columns, 1))
    return float(max(0.0, np.mean(shares)))

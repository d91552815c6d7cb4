"""Clouds as files, for the demonstration's data.  N points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


def _ply(path: Path, points: Points) -> None:
    properties = "".join(f"property float {axis}\n" for axis in "xyz")
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{properties}end_header\n"
    path.write_bytes(header.encode() + points.astype("<f4").tobytes())


def _pcd(path: Path, points: Points) -> None:
    header = (
        f"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {len(points)}\nHEIGHT 1\n"
        f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points)}\nDATA binary\n"
    )
    path.write_bytes(header.encode() + points.astype("<f4").tobytes())


def _xyz(path: Path, points: Points) -> None:
    path.write_text("".join(f"{x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in points.tolist()), encoding="utf-8")


def _npy(path: Path, points: Points) -> None:
    np.save(path, points)


def _bin(path: Path, points: Points) -> None:
    np.concatenate([points, np.ones((len(points), 1), np.float32)], axis=1).astype("<f4").tofile(path)


WRITERS: dict[str, Callable[[Path, Points], None]] = {
    ".ply": _ply,
    ".pcd": _pcd,
    ".xyz": _xyz,
    ".npy": _npy,
    ".bin": _bin,
}

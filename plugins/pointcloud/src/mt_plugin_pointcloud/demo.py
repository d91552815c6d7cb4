"""Clouds that need no download: points on the surface of solids, written as files of each format.  N points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import Listing, demo_files

Points = NDArray[np.floating[Any]]


def solids(split: str, size: int, seed: int) -> Listing:
    """`size` clouds a split, in files that vanish with the process."""
    return demo_files("pointcloud", split, size, seed, tuple(SOLIDS), _write_solid)


def write_examples(folder: Path) -> list[Path]:
    """The points of a torus a suffix."""
    points = draw_solid("torus", np.random.default_rng(0))[:200]
    for suffix, write in _WRITERS.items():
        write(folder / f"torus{suffix}", points)
    return sorted(folder.iterdir())


def _write_solid(stem: Path, kind: str, turn: int, draw: np.random.Generator) -> Path:
    path = stem.with_suffix(FORMATS[turn % len(FORMATS)])
    _WRITERS[path.suffix](path, draw_solid(kind, draw))
    return path


def draw_solid(kind: str, draw: np.random.Generator) -> NDArray[np.float32]:
    """(N, 3) noisy points of a solid in any pose, 50 to 2,000 of them, 0.5 to 2 metres in radius."""
    count = int(np.exp(draw.uniform(np.log(50), np.log(2000))))
    pose, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    points = SOLIDS[kind](draw, count) * draw.uniform(0.9, 1.1, 3) + draw.normal(scale=0.02, size=(count, 3))
    return np.asarray(points @ pose * draw.uniform(0.5, 2) + draw.uniform(-10, 10, 3), dtype=np.float32)


def _sphere(draw: np.random.Generator, count: int) -> Points:
    points = draw.normal(size=(count, 3))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def _cube(draw: np.random.Generator, count: int) -> Points:
    points = draw.uniform(-1, 1, (count, 3))
    points[np.arange(count), draw.integers(3, size=count)] = draw.choice([-1.0, 1.0], count)
    return points


def _cylinder(draw: np.random.Generator, count: int) -> Points:
    angle, height = draw.uniform(0, 2 * np.pi, count), draw.uniform(-1, 1, count)
    radius = np.full(count, 0.5)
    lid = draw.random(count) < 0.2  # two lids of 0.25 pi beside a mantle of 2 pi
    radius[lid] *= np.sqrt(draw.random(lid.sum()))
    height[lid] = np.sign(height[lid])
    return _around(radius, angle, height)


def _cone(draw: np.random.Generator, count: int) -> Points:
    angle, radius = draw.uniform(0, 2 * np.pi, count), np.sqrt(draw.random(count))
    height = np.where(draw.random(count) < 0.3, -1.0, 1 - 2 * radius)
    return _around(radius * 0.8, angle, height)


def _torus(draw: np.random.Generator, count: int) -> Points:
    angle, turn = draw.uniform(0, 2 * np.pi, (2, count))
    return _around(1 + 0.3 * np.cos(turn), angle, 0.3 * np.sin(turn))


def _around(radius: Points, angle: Points, height: Points) -> Points:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


SOLIDS: dict[str, Callable[[np.random.Generator, int], Points]] = {
    "cone": _cone,
    "cube": _cube,
    "cylinder": _cylinder,
    "sphere": _sphere,
    "torus": _torus,
}


def _write_ply(path: Path, points: Points) -> None:
    properties = "".join(f"property float {axis}\n" for axis in "xyz")
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{properties}end_header\n"
    path.write_bytes(header.encode() + points.astype("<f4").tobytes())


def _write_pcd(path: Path, points: Points) -> None:
    header = (
        f"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {len(points)}\nHEIGHT 1\n"
        f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points)}\nDATA binary\n"
    )
    path.write_bytes(header.encode() + points.astype("<f4").tobytes())


def _write_las(path: Path, points: Points) -> None:
    import laspy

    header = laspy.LasHeader(point_format=0, version="1.2")
    header.offsets, header.scales = np.floor(points.min(0)), np.full(3, 0.001)
    survey: Any = laspy.LasData(header)
    survey.x, survey.y, survey.z = points.T
    survey.write(path)


def _rows(points: Points, before: str = "", mark: str = " ") -> str:
    return "".join(f"{before}{mark.join(f'{number:.5f}' for number in point)}\n" for point in points.tolist())


_WRITERS: dict[str, Callable[[Path, Points], Any]] = {
    ".ply": _write_ply,
    ".pcd": _write_pcd,
    ".xyz": lambda path, points: path.write_text(_rows(points)),
    ".npy": np.save,
    ".bin": lambda path, points: np.insert(points, 3, 1, axis=1).astype("<f4").tofile(path),
    ".las": _write_las,
    ".laz": _write_las,
    ".off": lambda path, points: path.write_text(f"OFF\n{len(points)} 0 0\n{_rows(points)}"),
    ".obj": lambda path, points: path.write_text(_rows(points, before="v ")),
    ".txt": lambda path, points: path.write_text(_rows(points)),
    ".csv": lambda path, points: path.write_text("x,y,z\n" + _rows(points, mark=",")),
    ".npz": lambda path, points: np.savez(path, points=points),
    ".pts": lambda path, points: path.write_text(f"{len(points)}\n{_rows(points)}"),
}
FORMATS = tuple(_WRITERS)[:5]
"""Those of the demonstration; the others are written by `write_examples` alone."""

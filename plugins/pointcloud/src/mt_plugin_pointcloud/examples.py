"""One small cloud in each format that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_plugin_pointcloud.solids import draw_solid
from mt_plugin_pointcloud.writing import WRITERS

Points = NDArray[np.float32]


def write_examples(folder: Path) -> list[Path]:
    """The points of a torus a suffix."""
    points = draw_solid("torus", np.random.default_rng(0))[:200]
    written = []
    for suffix, write in {**WRITERS, **_FURTHER}.items():
        written.append(folder / f"torus{suffix}")
        write(written[-1], points)
    return written


def _rows(points: Points, before: str = "", mark: str = " ") -> str:
    return "".join(f"{before}{mark.join(f'{number:.5f}' for number in point)}\n" for point in points.tolist())


def _write_las(path: Path, points: Points) -> None:
    import laspy

    header = laspy.LasHeader(point_format=0, version="1.2")
    header.offsets, header.scales = np.floor(points.min(0)), np.full(3, 0.001)
    survey: Any = laspy.LasData(header)
    survey.x, survey.y, survey.z = points.T
    survey.write(path)


_FURTHER: dict[str, Callable[[Path, Points], Any]] = {
    ".las": _write_las,
    ".laz": _write_las,
    ".off": lambda path, points: path.write_text(f"OFF\n{len(points)} 0 0\n{_rows(points)}"),
    ".obj": lambda path, points: path.write_text(_rows(points, before="v ")),
    ".txt": lambda path, points: path.write_text(_rows(points)),
    ".csv": lambda path, points: path.write_text("x,y,z\n" + _rows(points, mark=",")),
    ".npz": lambda path, points: np.savez(path, points=points),
}

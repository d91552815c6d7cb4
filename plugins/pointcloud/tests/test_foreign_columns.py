"""Columns and arrays without names, as other people's programs write them: what is which channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.errors import DataWarning
from mt_plugin_pointcloud.reading import read_cloud

foreign_file = pytest.mark.foreign_file

DRAW = np.random.default_rng(0)
POINTS = DRAW.normal(size=(80, 3))
COLOURS = DRAW.integers(0, 256, (80, 3))
NORMALS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
CLASSES = np.arange(80) % 13


def saved(path: Path, *columns: Any) -> Path:
    np.save(path, np.column_stack(columns))
    return path


@pytest.mark.parametrize("largest", [255, 1])
@foreign_file("x y z r g b and a class", "PointNet's S3DIS, .npy", "read, told: colours and classes")
def test_a_class_behind_the_colours_is_no_colour(tmp_path: Path, largest: int):
    path = saved(tmp_path / "room.npy", POINTS, COLOURS / 255 if largest == 1 else COLOURS, CLASSES)
    with pytest.warns(DataWarning, match="taken for red, green, blue and a class"):
        cloud = read_cloud(path)
    assert np.allclose(cloud.channels["colour"], COLOURS / 255, atol=1e-6) and "intensity" not in cloud.channels
    assert cloud.labels is not None and np.array_equal(cloud.labels, CLASSES)


@foreign_file("x y z, a normal and a class", "ShapeNet parts, .txt", "read: normals and classes")
def test_a_class_behind_the_normals(tmp_path: Path):
    np.savetxt(tmp_path / "chair.txt", np.column_stack([POINTS, NORMALS, CLASSES]), "%.6f")
    cloud = read_cloud(tmp_path / "chair.txt")
    assert np.allclose(cloud.channels["normals"], NORMALS, atol=1e-5)
    assert cloud.labels is not None and np.array_equal(cloud.labels, CLASSES)


@foreign_file("colours of -1 to 1", "neural networks, .npy", "read, told: left out")
def test_negative_numbers_are_no_colours(tmp_path: Path):
    with pytest.warns(DataWarning, match="neither colours nor normals"):
        assert read_cloud(saved(tmp_path / "a.npy", POINTS, COLOURS / 127.5 - 1)).channels == {}


@foreign_file("points, colors and labels, and further arrays", "scripts, .npz", "read, told: which are left out")
def test_arrays_beside_the_points(tmp_path: Path):
    np.savez(tmp_path / "a.npz", points=POINTS, colors=COLOURS, labels=CLASSES, pose=np.eye(4))
    with pytest.warns(DataWarning, match="left out: the arrays pose"):
        cloud = read_cloud(tmp_path / "a.npz")
    assert np.allclose(cloud.channels["colour"], COLOURS / 255, atol=1e-6)
    assert cloud.labels is not None and np.array_equal(cloud.labels, CLASSES)


@pytest.mark.parametrize("name", ["Points_m_XYZ", "Points"])
@foreign_file("Points:0, Points:1, Points:2", "VeloView, ParaView, .csv", "read")
def test_coordinates_of_paraview(tmp_path: Path, name: str):
    header = ",".join(f"{name}:{axis}" for axis in range(3))
    np.savetxt(tmp_path / "a.csv", POINTS, "%.6f", ",", header=header, comments="")
    cloud = read_cloud(tmp_path / "a.csv")
    assert np.allclose(cloud.points + cloud.origin, POINTS, atol=1e-5)


@foreign_file("blanks in front of the lines", "scripts, OBJ", "read")
def test_indented_vertices(tmp_path: Path):
    (tmp_path / "a.obj").write_text("".join(f"  v {x} {y} {z}\n" for x, y, z in POINTS))
    cloud = read_cloud(tmp_path / "a.obj")
    assert np.allclose(cloud.points + cloud.origin, POINTS, atol=1e-5)

"""PLY, PCD, OFF and OBJ as other people's programs write them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.errors import DataWarning, InputError
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.reading import read_cloud

foreign_file = pytest.mark.foreign_file

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3.0]])
FACES = ((0, 1, 2), (0, 1, 3), (1, 2, 3))


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def has_points(cloud: PointCloud, points: Any = POINTS) -> bool:
    return bool(np.allclose(cloud.points + cloud.origin, points, atol=1e-4))


def ply(
    order: str, vertices: bytes, properties: str, *, faces: bytes = bytes(3), first: str = "vertex", end: str = "\n"
) -> bytes:
    """A binary PLY, its faces before or behind its vertices."""
    of_vertex = f"element vertex 4\n{properties}"
    of_face = "element face 3\nproperty list uchar int vertex_indices\n"
    elements = f"{of_vertex}{of_face}" if first == "vertex" else f"{of_face}{of_vertex}"
    header = f"ply\nformat binary_{order}_endian 1.0\ncomment by hand\nobj_info none\n{elements}end_header\n"
    data = vertices + faces if first == "vertex" else faces + vertices
    return header.replace("\n", end).encode() + data


XYZ = "property float x\nproperty float y\nproperty float z\n"


@pytest.mark.parametrize(("order", "mark"), [("little", "<"), ("big", ">")])
@foreign_file("faces before the vertices", "CAD exports, PLY of either byte order", "read")
def test_faces_may_stand_first(tmp_path: Path, order: str, mark: str):
    faces = b"".join(struct.pack(f"{mark}B3i", 3, *face) for face in FACES)
    content = ply(order, POINTS.astype(f"{mark}f4").tobytes(), XYZ, faces=faces, first="face")
    path = put(tmp_path / "a.ply", content)
    assert has_points(read_cloud(path))
    surface = read_cloud(path, surface_points=500)
    assert len(surface.points) == 500 and (surface.points + surface.origin).max() <= 3


@foreign_file("faces of several sizes before the vertices", "CAD exports, PLY", "read")
def test_faces_of_several_sizes_may_stand_first(tmp_path: Path):
    faces = struct.pack("<B3i", 3, 0, 1, 2) + struct.pack("<B4i", 4, 0, 1, 3, 2) + struct.pack("<B3i", 3, 1, 2, 3)
    content = ply("little", POINTS.astype("<f4").tobytes(), XYZ, faces=faces, first="face")
    assert has_points(read_cloud(put(tmp_path / "a.ply", content)))


@foreign_file("line ends of an old Mac in the header", "old scanners, PLY", "read")
def test_a_header_with_carriage_returns(tmp_path: Path):
    content = ply("little", POINTS.astype("<f4").tobytes(), XYZ, end="\r")
    assert has_points(read_cloud(put(tmp_path / "a.ply", content)))


@foreign_file("normals in bytes, further properties between", "compressed scans, PLY", "read, told: as -1 to 1")
def test_normals_in_bytes_point_both_ways(tmp_path: Path):
    table = np.zeros(4, [(name, "<f8") for name in "xyz"] + [("q", "<i2")] + [(f"n{name}", "u1") for name in "xyz"])
    table["x"], table["y"], table["z"] = POINTS.T
    table["nx"], table["nz"] = 0, 255
    names = "".join(f"property {kind} {name}\n" for kind, name in zip(
        ["double"] * 3 + ["short"] + ["uchar"] * 3, table.dtype.names or (), strict=True))  # fmt: skip
    with pytest.warns(DataWarning, match="normals of 0 to 255 taken for -1 to 1"):
        cloud = read_cloud(put(tmp_path / "a.ply", ply("little", table.tobytes(), names)))
    assert has_points(cloud) and np.allclose(cloud.channels["normals"][0], [-1, -1, 1])


@foreign_file("doubles of a UTM zone", "surveys, PLY", "read: millimetres are kept")
def test_doubles_far_from_the_origin(tmp_path: Path):
    far = POINTS * 0.001 + [636_590.0, 4_849_216.0, 463.0]
    content = ply("big", far.astype(">f8").tobytes(), XYZ.replace("float", "double"))
    cloud = read_cloud(put(tmp_path / "a.ply", content))
    assert np.allclose(np.diff(cloud.points, axis=0), np.diff(POINTS * 0.001, axis=0), atol=1e-8)


@foreign_file("empty lines between the rows", "edited by hand, PLY as text", "read")
def test_empty_lines_in_text(tmp_path: Path):
    rows = "\n\n".join(" ".join(map(str, point)) for point in POINTS.tolist())
    text = f"ply\nformat ascii 1.0\nelement vertex 4\n{XYZ}end_header\n\n{rows}\n"
    assert has_points(read_cloud(put(tmp_path / "a.ply", text)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "a.ply",
            f"ply\nformat binary_little_endian 1.0\nelement vertex {10**15}\n{XYZ}end_header\n".encode() + bytes(99),
            marks=foreign_file("10^15 vertices announced", "damaged, PLY", "refused: by the header"),
        ),
        pytest.param(
            "a.pcd",
            f"VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nPOINTS {10**15}\nDATA binary\n",
            marks=foreign_file("10^15 points announced", "damaged, PCD", "refused: by the header"),
        ),
        pytest.param(
            "a.off",
            f"OFF\n{10**15} 0 0\n0 0 0\n",
            marks=foreign_file("10^15 points announced", "damaged, OFF", "refused: by the header"),
        ),
    ],
)
def test_headers_are_not_believed(tmp_path: Path, name: str, content: str | bytes):
    with pytest.raises(InputError, match="promises"):
        read_cloud(put(tmp_path / name, content))


def pcd(fields: str, sizes: str, types: str, counts: str, data: bytes, *, width: int = 4, height: int = 1) -> bytes:
    header = (
        f"# .PCD v0.7\nVERSION 0.7\nFIELDS {fields}\nSIZE {sizes}\nTYPE {types}\nCOUNT {counts}\nWIDTH {width}\n"
        f"HEIGHT {height}\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {width * height}\nDATA binary\n"
    )
    return header.encode() + data


@foreign_file("padding fields called _, several of one name", "ROS, PCD", "read")
def test_padding_fields_are_passed_over(tmp_path: Path):
    table = np.zeros(4, [("xyz", "<f4", 3), ("pad", "u1", 4), ("i", "<f4"), ("more", "u1", 12)])
    table["xyz"], table["i"], table["pad"] = POINTS, [1, 2, 3, 4], 255
    content = pcd("x y z _ intensity _", "4 4 4 1 4 1", "F F F U F U", "1 1 1 4 1 12", table.tobytes())
    cloud = read_cloud(put(tmp_path / "a.pcd", content))
    assert has_points(cloud) and cloud.channels["intensity"].ravel().tolist() == [1, 2, 3, 4]


@foreign_file("an organised cloud with NaN where nothing returned", "RealSense, Kinect, PCD", "read: without them")
def test_an_organised_cloud(tmp_path: Path):
    rows = np.full((8, 3), np.nan, "<f4")
    rows[::2] = POINTS
    content = pcd("x y z", "4 4 4", "F F F", "1 1 1", rows.tobytes(), width=4, height=2)
    assert has_points(read_cloud(put(tmp_path / "a.pcd", content)))


@foreign_file("COLUMNS in place of FIELDS, WIDTH without POINTS", "PCL before 1.0, PCD", "read")
def test_an_old_header(tmp_path: Path):
    rows = "\n".join(" ".join(map(str, point)) for point in POINTS.tolist())
    text = f"COLUMNS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 4\nHEIGHT 1\nDATA ascii\n{rows}\n"
    assert has_points(read_cloud(put(tmp_path / "a.pcd", text)))


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        pytest.param("OFF4 3 0\n{xyz}", "", marks=foreign_file("counts behind OFF, no blank", "ModelNet, OFF", "read")),
        pytest.param("OFF 4 3 0 # counts\n\n{xyz}", "", marks=foreign_file("counts on the first line", "OFF", "read")),
        pytest.param(
            "COFF\n4 3 0\n{colours}",
            "colour",
            marks=foreign_file("colours: COFF", "MeshLab, OFF", "read: with colours"),
        ),
        pytest.param(
            "NOFF\n4 3 0\n{normals}",
            "normals",
            marks=foreign_file("normals: NOFF", "Geomview, OFF", "read: with normals"),
        ),
    ],
)
def test_off_in_its_forms(tmp_path: Path, text: str, channel: str):
    further = {"xyz": "", "colours": " 255 0 0 255", "normals": " 0 0 1"}
    rows = {
        key: "\n".join(" ".join(map(str, point)) + more for point in POINTS.tolist()) for key, more in further.items()
    }
    faces = "\n".join(f"3 {' '.join(map(str, face))} 0.5 0.5 0.5" for face in FACES)
    cloud = read_cloud(put(tmp_path / "a.off", f"{text.format(**rows)}\n{faces}\n"))
    assert has_points(cloud) and set(cloud.channels) == ({channel} if channel else set())
    if channel == "colour":
        assert cloud.channels["colour"][0].tolist() == [1, 0, 0]


@foreign_file("corners counted back from where they stand, in several objects", "Blender, OBJ", "read")
def test_negative_corners_count_from_their_face(tmp_path: Path):
    square = "v 0 0 {z}\nv 1 0 {z}\nv 1 1 {z}\nv 0 1 {z}\nf -4//1 -3//1 -2//1 -1//1 # a square\n"
    path = put(tmp_path / "a.obj", "o one\n" + square.format(z=0) + "o two\n" + square.format(z=5))
    surface = read_cloud(path, surface_points=1000)
    heights = np.round((surface.points + surface.origin)[:, 2], 4)
    assert set(heights.tolist()) == {0.0, 5.0} and 400 < (heights == 0).sum() < 600

"""Every format gives the points that were written, and every bad file is refused in our own words.

The files are put together here by hand, byte for byte, from the descriptions of their formats.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mt_core.errors import DataWarning, InputError
from mt_plugin_pointcloud.cloud import KEPT_POINTS, PointCloud
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.reading.lzf import decompress

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 4], [0.5, 0.25, -8]], dtype=np.float64)
INTENSITY = np.array([0, 0.25, 0.5, 0.75, 1])
NORMALS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [0.6, 0.8, 0]])
COLOUR = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 102, 204], [0, 0, 0]])


def absolute(cloud: PointCloud) -> np.ndarray:
    return cloud.points + cloud.origin


def lines(rows: np.ndarray, mark: str = " ") -> str:
    return "".join(mark.join(map(str, row)) + "\n" for row in rows.tolist())


def ply_header(format: str, vertices: object, properties: str, faces: str = "") -> str:
    named = "".join(f"property {each.strip()}\n" for each in properties.split(","))
    return f"ply\nformat {format} 1.0\ncomment made here\nelement vertex {vertices}\n{named}{faces}end_header\n"


def pcd_header(data: str, points: object = 5, fields: str = "x y z", kinds: str = "F F F") -> str:
    four = " ".join("4" for _ in fields.split())
    ones = " ".join("1" for _ in fields.split())
    return (
        f"# .PCD v.7\nVERSION .7\nFIELDS {fields}\nSIZE {four}\nTYPE {kinds}\nCOUNT {ones}\n"
        f"WIDTH {points}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {points}\nDATA {data}\n"
    )


def lzf_literal(raw: bytes) -> bytes:
    """LZF that only stores: every 32 bytes behind their count less one."""
    parts = [raw[start : start + 32] for start in range(0, len(raw), 32)]
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


def write_las(path: Path, points: np.ndarray, *, format: int = 3) -> Path:
    import laspy

    header = laspy.LasHeader(point_format=format, version="1.2")
    header.offsets, header.scales = np.floor(points.min(0)), np.array([0.001] * 3)
    las = laspy.LasData(header)
    las.x, las.y, las.z = points.T
    las.intensity = np.linspace(0, 65535, len(points)).astype(np.uint16)
    if format == 3:
        las.red = las.green = np.zeros(len(points), np.uint16)
        las.blue = np.full(len(points), 65535, np.uint16)
    las.write(path)
    return path


def patch(path: Path, offset: int, format: str, value: int) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into(format, content, offset, value)
    path.write_bytes(content)


def patch_chunks(path: Path, count: int) -> None:
    """Let the table of chunks, whose place stands before the first of them, promise so many."""
    content = path.read_bytes()
    (start,) = struct.unpack_from("<I", content, 96)
    (table,) = struct.unpack_from("<q", content, start)
    patch(path, table + 4, "<I", count)


# what is there is read


def test_ply_as_text_gives_points_intensity_and_normals(tmp_path):
    path = tmp_path / "a.ply"
    header = ply_header("ascii", 5, "double x,double y,double z,float intensity,float nx,float ny,float nz")
    path.write_text(header + lines(np.c_[POINTS, INTENSITY, NORMALS]))
    cloud = read_cloud(path)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    np.testing.assert_allclose(cloud.channels["intensity"][:, 0], INTENSITY)
    np.testing.assert_allclose(cloud.channels["normals"], NORMALS, atol=1e-6)


@pytest.mark.parametrize(("format", "order"), [("binary_little_endian", "<"), ("binary_big_endian", ">")])
def test_binary_ply_of_either_byte_order_gives_points_and_colour(tmp_path, format, order):
    path = tmp_path / "a.ply"
    header = ply_header(format, 5, "float x,float y,float z,uchar red,uchar green,uchar blue")
    rows = b"".join(struct.pack(f"{order}3f3B", *p, *c) for p, c in zip(POINTS, COLOUR.tolist(), strict=True))
    path.write_bytes(header.encode() + rows)
    cloud = read_cloud(path)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    np.testing.assert_allclose(cloud.channels["colour"], COLOUR / 255, atol=1e-6)


@pytest.mark.parametrize("faces", [[(0, 1, 2), (0, 1, 3)], [(0, 1, 2), (0, 1, 2, 3)]])
def test_a_ply_mesh_gives_vertices_or_points_on_its_faces(tmp_path, faces):
    path = tmp_path / "a.ply"
    listed = f"element face {len(faces)}\nproperty list uchar int vertex_indices\nproperty uchar shade\n"
    header = ply_header("binary_little_endian", 5, "float x,float y,float z", listed)
    packed = b"".join(struct.pack(f"<B{len(face)}iB", len(face), *face, 7) for face in faces)
    path.write_bytes(header.encode() + POINTS.astype("<f4").tobytes() + packed)
    np.testing.assert_allclose(absolute(read_cloud(path)), POINTS, atol=1e-6)
    sampled = absolute(read_cloud(path, surface_points=300))
    assert sampled.shape == (300, 3)
    assert sampled[:, 2].min() > -1e-6  # vertex 4, the only one below, belongs to no face


def test_surface_points_are_spread_by_area(tmp_path):
    path = tmp_path / "a.off"  # two triangles, of areas 1/2 and 3/2
    path.write_text("OFF\n6 2 0\n0 0 0\n1 0 0\n0 1 0\n0 0 5\n3 0 5\n0 1 5\n3 0 1 2\n3 3 4 5\n")
    upper = absolute(read_cloud(path, surface_points=4000))[:, 2] > 2.5
    assert upper.mean() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("start", ["OFF\n5 2 0\n", "OFF5 2 0\n", "OFF\n# made here\n\n5 2 0\n"])
def test_off_is_read_also_where_the_counts_stand_on_the_first_line(tmp_path, start):
    path = tmp_path / "a.off"
    path.write_text(start + lines(POINTS) + "3 0 1 2\n4 0 1 2 3\n")
    np.testing.assert_allclose(absolute(read_cloud(path)), POINTS, atol=1e-6)


def test_obj_counts_its_vertices_from_one_and_from_the_end(tmp_path):
    path = tmp_path / "a.obj"
    vertices = "".join(f"v {row}\n" for row in lines(POINTS).splitlines())
    path.write_text(f"# made here\n{vertices}vn 0 0 1\nf 1/1/1 2//1 3\nf -5 -4 -3\n")
    np.testing.assert_allclose(absolute(read_cloud(path)), POINTS, atol=1e-6)
    assert np.abs(absolute(read_cloud(path, surface_points=50))[:, 2]).max() < 1e-6


def test_pcd_as_text_gives_points_and_intensity_and_drops_no_returns(tmp_path):
    path = tmp_path / "a.pcd"
    rows = np.c_[POINTS, INTENSITY]
    path.write_text(pcd_header("ascii", 6, "x y z intensity", "F F F F") + lines(rows) + "nan nan nan 0\n")
    cloud = read_cloud(path)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    np.testing.assert_allclose(cloud.channels["intensity"][:, 0], INTENSITY)


def test_binary_pcd_unpacks_its_colour(tmp_path):
    path = tmp_path / "a.pcd"
    packed = [(r << 16) + (g << 8) + b for r, g, b in COLOUR.tolist()]
    rows = b"".join(struct.pack("<3fI", *p, c) for p, c in zip(POINTS, packed, strict=True))
    path.write_bytes(pcd_header("binary", 5, "x y z rgb", "F F F U").encode() + rows)
    cloud = read_cloud(path)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    np.testing.assert_allclose(cloud.channels["colour"], COLOUR / 255, atol=1e-6)


def test_compressed_pcd_holds_column_after_column(tmp_path):
    path = tmp_path / "a.pcd"
    raw = POINTS.T.astype("<f4").tobytes()
    packed = lzf_literal(raw)
    path.write_bytes(pcd_header("binary_compressed").encode() + struct.pack("<II", len(packed), len(raw)) + packed)
    np.testing.assert_allclose(absolute(read_cloud(path)), POINTS, atol=1e-6)


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (b"\x02abc", b"abc"),
        (b"\x02abc" + bytes([1 << 5, 2]), b"abcabc"),  # three from three back
        (b"\x00a" + bytes([7 << 5, 91, 0]), b"a" * 101),  # a hundred from one back: overlapping
        (b"\x01ab" + bytes([3 << 5, 1]) + b"\x00z", b"abababa" + b"z"),
    ],
)
def test_lzf_unpacks_literals_copies_and_overlapping_copies(packed, plain):
    assert decompress(packed, len(plain)) == plain


@pytest.mark.parametrize("packed", [b"\x02ab", bytes([1 << 5, 0]), b"\x00a" + bytes([7 << 5, 255, 0]), b"\x05"])
def test_lzf_refuses_what_does_not_unpack_to_what_was_promised(packed):
    with pytest.raises(ValueError, match=r"came out|beginning"):
        decompress(packed, 10)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".xyz", lines(POINTS)),
        (".txt", "# x y z\n" + lines(POINTS, "\t")),
        (".csv", lines(POINTS, ",")),
        (".csv", "X;Y;Z\n" + lines(POINTS, ";")),
        (".txt", "\ufeffx, y, z\n" + lines(POINTS, ", ")),
        (".xyz", "// made here\n" + lines(np.c_[POINTS, INTENSITY])),
    ],
)
def test_text_is_read_whatever_stands_between_its_columns(tmp_path, suffix, text):
    path = tmp_path / f"a{suffix}"
    path.write_text(text, encoding="utf-8")
    np.testing.assert_allclose(absolute(read_cloud(path)), POINTS, atol=1e-6)


def test_lidarnet_columns_give_points_and_no_label(tmp_path):
    path = tmp_path / "car1.csv"
    header = "origin_x,origin_y,origin_z,relative_x,relative_y,relative_z,object,complexity\n"
    rows = "".join(f"9,9,9,{x},{y},{z},car,1\n" for x, y, z in POINTS.tolist())
    path.write_text(header + rows)
    cloud = read_cloud(path)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    assert not cloud.channels


def test_text_may_have_decimal_commas_comments_behind_its_numbers_and_cells_without_a_value(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x;y;z;intensity\n0,5;1;2;7 # the first\n1,5;1;;8\n2,5;-1;0,25;\n")
    with pytest.warns(DataWarning, match="decimal commas in the columns x, z"):
        cloud = read_cloud(path)
    np.testing.assert_allclose(absolute(cloud), [[0.5, 1, 2], [2.5, -1, 0.25]], atol=1e-6)
    assert cloud.channels["intensity"][:, 0].tolist() == [7, 0]


@pytest.mark.parametrize("key", ["points", "pos", "xyz", "whatever"])
def test_npz_gives_the_array_of_a_known_name_or_the_only_one(tmp_path, key):
    np.savez_compressed(tmp_path / "a.npz", **{key: POINTS})
    np.testing.assert_allclose(absolute(read_cloud(tmp_path / "a.npz")), POINTS, atol=1e-6)


def test_npy_and_bin_give_what_was_written(tmp_path):
    np.save(tmp_path / "a.npy", POINTS)
    np.c_[POINTS, INTENSITY].astype("<f4").tofile(tmp_path / "a.bin")
    np.testing.assert_allclose(absolute(read_cloud(tmp_path / "a.npy")), POINTS, atol=1e-6)
    cloud = read_cloud(str(tmp_path / "a.bin"), bin_columns=4)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    np.testing.assert_allclose(cloud.channels["intensity"][:, 0], INTENSITY)


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_surveys_keep_millimetres_of_coordinates_in_the_millions(tmp_path, suffix):
    far = POINTS + np.array([636_590.0, 4_849_216.0, 463.0])
    cloud = read_cloud(write_las(tmp_path / f"a{suffix}", far))
    np.testing.assert_allclose(absolute(cloud), far, atol=1e-3)
    np.testing.assert_allclose(cloud.points - cloud.points[0], POINTS - POINTS[0], atol=1e-3)
    np.testing.assert_allclose(cloud.channels["intensity"][:, 0], INTENSITY, atol=1e-4)
    np.testing.assert_allclose(cloud.channels["colour"], [[0, 0, 1]] * 5)


def test_a_survey_without_colour_has_none(tmp_path):
    assert set(read_cloud(write_las(tmp_path / "a.las", POINTS, format=1)).channels) == {"intensity"}


@pytest.mark.parametrize("suffix", [".las", ".npy", ".bin"])
def test_every_third_point_is_read_of_a_file_of_half_a_million(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("mt_plugin_pointcloud.reading.las._CHUNK", 100_001)
    points = np.stack([np.arange(500_000), np.zeros(500_000), np.zeros(500_000)], axis=1)
    path = tmp_path / f"a{suffix}"
    if suffix == ".las":
        write_las(path, points)
    elif suffix == ".npy":
        np.save(path, points)
    else:
        np.c_[points, points[:, 1]].astype("<f4").tofile(path)
    cloud = read_cloud(path)
    assert len(cloud.points) <= KEPT_POINTS
    np.testing.assert_allclose(absolute(cloud)[:, 0], np.arange(0, 500_000, 3), atol=0.1)


# what is bad is refused

HUGE = 10**12


def packed_ply(count: int) -> bytes:
    """Of 40 bytes behind its header, whatever that promises."""
    return ply_header("binary_little_endian", count, "float x,float y,float z").encode() + bytes(40)


def npy_header(count: int) -> bytes:
    described = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({count}, 3), }}"
    return b"\x93NUMPY\x01\x00v\x00" + described.ljust(117).encode() + b"\n"


BAD: dict[str, tuple[str, bytes | Callable[[Path], object], str]] = {
    "empty": ("a.ply", b"", "empty"),
    "no suffix": ("scan", b"1 2 3\n", "suffix"),
    "unknown suffix": ("a.dwg", b"1 2 3\n", "suffix"),
    "ply: another kind of file": ("a.ply", b"\x89PNG\r\n\x1a\n" + bytes(50), "does not start with 'ply'"),
    "ply: no end of the header": ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 3\n", "header"),
    "ply: unknown type": ("a.ply", ply_header("ascii", 1, "quad x").encode() + b"1\n", "quad"),
    "ply: no coordinates": ("a.ply", ply_header("ascii", 1, "float a").encode() + b"1\n", "no coordinates"),
    "ply: cut short": ("a.ply", packed_ply(5), "promises"),
    "ply: huge": ("a.ply", packed_ply(HUGE), "promises"),
    "ply: huge text": ("a.ply", ply_header("ascii", HUGE, "float x,float y,float z").encode() + b"1 2 3\n", "promises"),
    "ply: no points": ("a.ply", ply_header("ascii", 0, "float x,float y,float z").encode(), "no points"),
    "ply: words": ("a.ply", ply_header("ascii", 1, "float x,float y,float z").encode() + b"1 2 up\n", "up"),
    "ply: not text": ("a.ply", ply_header("ascii", 1, "float x,float y,float z").encode() + b"\xff\xfe\n", "text"),
    "ply: faces missing": (
        "a.ply",
        ply_header(
            "binary_little_endian", 1, "float x,float y,float z",
            f"element face {HUGE}\nproperty list uint int vertex_indices\n",
        ).encode() + bytes(12) + b"\xff" * 40,
        "promises",
    ),
    "pcd: another kind of file": ("a.pcd", bytes(100), "header"),
    "pcd: cut short": ("a.pcd", pcd_header("binary").encode() + bytes(10), "promises"),
    "pcd: huge": ("a.pcd", pcd_header("binary", HUGE).encode() + bytes(60), "promises"),
    "pcd: huge text": ("a.pcd", pcd_header("ascii", HUGE).encode() + b"1 2 3\n", "promises"),
    "pcd: huge when unpacked": (
        "a.pcd",
        pcd_header("binary_compressed", 10**8).encode() + struct.pack("<II", 4, 1_200_000_000) + bytes(4),
        "unpack",
    ),
    "pcd: garbage in compression": (
        "a.pcd",
        pcd_header("binary_compressed", 5).encode() + struct.pack("<II", 9, 60) + b"\xff" * 9,
        "cannot be read",
    ),
    "pcd: unknown compression": ("a.pcd", pcd_header("zip").encode() + b"1", "zip"),
    "off: another kind of file": ("a.off", b"solid cube\n", "OFF"),
    "off: cut short": ("a.off", b"OFF\n5 2 0\n1 2 3\n", "promises"),
    "off: huge": ("a.off", f"OFF\n{HUGE} 0 0\n1 2 3\n".encode(), "promises"),
    "off: no counts": ("a.off", b"OFF\n", "counts"),
    "obj: no vertices": ("a.obj", b"# nothing\n", "no line"),
    "obj: two coordinates": ("a.obj", b"v 1 2\nv 2 3\n", "coordinates"),
    "xyz: two columns": ("a.xyz", b"1 2\n3 4\n", "shape"),
    "xyz: ragged": ("a.xyz", b"1 2 3\n4 5\n", "columns"),
    "xyz: a molecule": ("a.xyz", b"2\nwater\nO 0 0 0\nH 0 0 1\n", "columns"),
    "txt: not UTF-8": ("a.txt", b"1 2 3 \x81\n", "not UTF-8"),
    "csv: only names": ("a.csv", b"x,y,z\n", "a header but no rows"),
    "csv: no coordinates": ("a.csv", b"time,height\n1,2\n", "no coordinates"),
    "csv: comments alone": ("a.csv", b"# nothing\n", "no rows"),
    "npy: pickled": ("a.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "cannot be read"),
    "npy: cut short": ("a.npy", lambda path: (np.save(path, POINTS), os.truncate(path, 150)), "cannot be read"),
    "npy: a number": ("a.npy", lambda path: np.save(path, np.float64(3)), "shape"),
    "npy: transposed": ("a.npy", lambda path: np.save(path, POINTS[:2].T.copy()), "shape"),
    "npy: huge": (
        "a.npy",
        npy_header(HUGE),
        "cannot be read",
    ),
    "npz: several arrays": ("a.npz", lambda path: np.savez(path, a=POINTS, b=POINTS), "a, b"),
    "npz: not a zip": ("a.npz", bytes(100), "cannot be read"),
    "las: another kind of file": ("a.las", bytes(400), "LAS header"),
    "las: huge": ("a.las", lambda path: patch(write_las(path, POINTS), 107, "<I", 2**32 - 1), "promises"),
    "las: many records": ("a.las", lambda path: patch(write_las(path, POINTS), 100, "<I", 2**32 - 1), "records"),
    "laz: huge": ("a.laz", lambda path: patch(write_las(path, POINTS), 107, "<I", 2**32 - 1), "cannot be read"),
    "las: cut short": ("a.las", lambda path: os.truncate(write_las(path, POINTS), 300), "promises"),
    "laz: many chunks": ("a.laz", lambda path: patch_chunks(write_las(path, POINTS), 2**31), "chunks"),
    "laz: cut short": ("a.laz", lambda path: os.truncate(write_las(path, POINTS), 330), "announces"),
    "bin: not a multiple of 16": ("a.bin", bytes(1030), "multiple of 16"),
    "bin: other numbers": ("a.bin", np.full((43, 4), 1e30, "<f4").tobytes(), "too many are above"),
    "bin: all NaN": ("a.bin", np.full((43, 4), np.nan, "<f4").tobytes(), "no finite point"),
    "bin: all infinite": ("a.bin", np.full((43, 4), np.inf, "<f4").tobytes(), "no finite point"),
    "one point": ("a.xyz", b"1 2 3\n", "same place"),
    "one place": ("a.xyz", b"1 2 3\n1 2 3\n", "same place"),
    "an impossible span": ("a.xyz", b"1 2 3\n1e300 2 3\n", "spans"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name_with_a_fix(tmp_path, name):
    file, content, said = BAD[name]
    path = tmp_path / file
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    with pytest.raises(InputError, match=said) as caught:
        read_cloud(path)
    assert str(path) in caught.value.problem
    assert caught.value.fix


def test_a_zip_bomb_is_refused_by_its_headers(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", npy_header(10**8) + bytes(10_000_000))
    with pytest.raises(InputError, match="GiB"):
        read_cloud(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_cloud(tmp_path / "a.ply")
    with pytest.raises(InputError, match="folder"):
        read_cloud(tmp_path)


@pytest.mark.filterwarnings("ignore:.*16-bit colours that are all below 256")
@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
@pytest.mark.parametrize(
    ("suffix", "pattern", "count", "channels"),
    [
        (".bin", "once/**/*.bin", 62_998, {"intensity"}),
        (".bin", "kitti/*.bin", 17_238, {"intensity"}),
        (".las", "las/*.las", 1_065, {"intensity", "colour"}),
        (".laz", "las/*.laz", 110_000, {"intensity", "colour"}),
    ],
)
def test_real_scans_give_all_their_points(suffix, pattern, count, channels):
    (path,) = Path(os.environ["MT_DATA"], "point_cloud", "lidar_scans").glob(pattern)
    cloud = read_cloud(path)
    assert cloud.points.shape == (count, 3)
    assert set(cloud.channels) == channels
    assert np.isfinite(cloud.points).all()

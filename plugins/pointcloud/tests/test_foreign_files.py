"""Clouds as other people's programs write them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest

from mt_core.errors import DataWarning, InputError
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.reading.las import classes_of_las

foreign_file = pytest.mark.foreign_file

DRAW = np.random.default_rng(0)
POINTS = np.round(DRAW.normal(size=(6, 3)) * 10, 3)
COLOURS = np.array([[255, 0, 0], [0, 128, 0], [0, 0, 255], [9, 9, 9], [7, 80, 90], [1, 2, 3]])
INTENSITY = np.arange(1, 7) * 10


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def absolute(cloud: PointCloud) -> Any:
    return cloud.points + cloud.origin


def has_points(cloud: PointCloud, points: Any = POINTS, atol: float = 1e-4) -> bool:
    return bool(np.allclose(absolute(cloud), points, atol=atol))


def lines(*columns: Any, separator: str = " ", end: str = "\n") -> str:
    rows = np.column_stack(columns)
    return "".join(separator.join(f"{value:g}" for value in row) + end for row in rows)


# sweeps without a header


def sweep(num_points: int, columns: int) -> Any:
    """A scanner's points, its rings at random, then intensity, ring and time."""
    draw = np.random.default_rng(num_points)
    angle, distance = draw.uniform(0, 2 * np.pi, num_points), draw.uniform(3, 50, num_points)
    found = [distance * np.cos(angle), distance * np.sin(angle), draw.normal(size=num_points) - 1]
    found += [draw.integers(0, 255, num_points), draw.integers(0, 32, num_points), draw.uniform(0, 0.1, num_points)]
    return np.stack(found[:columns], axis=1).astype("<f4")


@foreign_file("5 float columns: x, y, z, intensity, ring", "nuScenes, .pcd.bin", "read: by its name")
def test_nuscenes_sweeps_have_five_columns(tmp_path: Path):
    rows = sweep(400, 5)  # 400 x 5 numbers are also 500 x 4
    cloud = read_cloud(put(tmp_path / "n015__LIDAR_TOP__1.pcd.bin", rows.tobytes()))
    assert has_points(cloud, rows[:, :3]) and np.allclose(cloud.channels["intensity"][:, 0], rows[:, 3])


@pytest.mark.parametrize(
    ("columns", "num_points"),
    [
        pytest.param(5, 400, marks=foreign_file("5 float columns under any name", "nuScenes, .bin", "read, told")),
        pytest.param(3, 400, marks=foreign_file("3 float columns", "Waymo export, .bin", "read, told")),
        pytest.param(6, 400, marks=foreign_file("6 float columns with ring and time", "Waymo, .bin", "read, told")),
    ],
)
def test_columns_of_a_sweep_are_told_by_the_numbers(tmp_path: Path, columns: int, num_points: int):
    rows = sweep(num_points, columns)
    with pytest.warns(DataWarning, match=f"{columns} float32 numbers a point, and not 4"):
        cloud = read_cloud(put(tmp_path / "a.bin", rows.tobytes()))
    assert has_points(cloud, rows[:, :3])


@pytest.mark.parametrize("num_points", [5, 60, 400, 401])
@foreign_file("4 float columns, of a length that others divide too", "KITTI, .bin", "read")
def test_kitti_sweeps_have_four_columns(tmp_path: Path, num_points: int):
    rows = sweep(num_points, 4)
    assert has_points(read_cloud(put(tmp_path / "a.bin", rows.tobytes())), rows[:, :3])


@foreign_file("columns that are all alike", "synthetic sweeps, .bin", "refused: asks for bin_columns, and takes it")
def test_a_sweep_that_tells_nothing_asks_for_an_option(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(400, 3)).astype("<f4")
    path = put(tmp_path / "a.bin", rows.tobytes())
    with pytest.raises(InputError, match=r"how many float32 numbers[\s\S]*bin_columns"):
        read_cloud(path)
    assert has_points(read_cloud(path, bin_columns=3), rows)


@foreign_file("7 float columns, of a length that only 4 divides", "own recordings, .bin", "refused: asks")
def test_a_sweep_of_seven_columns_is_not_taken_for_four(tmp_path: Path):
    rows = np.c_[sweep(404, 6), np.zeros(404)].astype("<f4")
    assert rows.nbytes % 16 == 0 and rows.nbytes % 12 and rows.nbytes % 20
    path = put(tmp_path / "a.bin", rows.tobytes())
    with pytest.raises(InputError, match="how many float32 numbers"):
        read_cloud(path)
    assert has_points(read_cloud(path, bin_columns=7), rows[:, :3])


@foreign_file("float64 in place of float32", "numpy tofile, .bin", "refused")
def test_doubles_are_no_sweep(tmp_path: Path):
    with pytest.raises(InputError, match="float32 numbers a point"):
        read_cloud(put(tmp_path / "a.bin", sweep(404, 4).astype("<f8").tobytes()))


# surveys


def survey(path: Path, *, colours: Any = COLOURS, point_format: int = 7, shift: Any = 0.0) -> Path:
    header = laspy.LasHeader(point_format=point_format, version="1.4")
    header.scales, header.offsets = np.full(3, 0.001), 1000.0 + np.zeros(3) + shift
    las = laspy.LasData(header)
    las.xyz = POINTS + shift
    las.intensity = INTENSITY
    las.red, las.green, las.blue = np.asarray(colours).T
    las.write(path)
    return path


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@foreign_file("colours of 8 bits in fields of 16", "photogrammetry, LAS", "read, told")
def test_colours_of_eight_bits_in_a_survey_are_not_black(tmp_path: Path, suffix: str):
    path = survey(tmp_path / f"a{suffix}")
    with pytest.warns(DataWarning, match="16-bit colours that are all below 256 taken for 8-bit"):
        cloud = read_cloud(path)
    assert np.allclose(cloud.channels["colour"], COLOURS / 255, atol=1e-6)


@foreign_file("scale, offset and coordinates of a UTM zone", "survey, LAS", "read: millimetres are kept")
def test_a_survey_far_from_its_origin(tmp_path: Path):
    path = survey(tmp_path / "a.las", colours=COLOURS * 257, shift=[636_590, 4_849_216, 463])
    cloud, wanted = read_cloud(path), np.asarray(laspy.read(path).xyz)
    assert has_points(cloud, wanted, atol=1e-3)
    assert np.allclose(np.diff(cloud.points, axis=0), np.diff(POINTS, axis=0), atol=1.5e-3)


def withholding(path: Path, *withheld: int) -> Path:
    las = laspy.read(path)
    las.withheld = np.isin(np.arange(len(POINTS)), withheld)
    las.classification = np.arange(1, len(POINTS) + 1)
    las.write(path)
    return path


@pytest.mark.parametrize("point_format", [3, 7])
@pytest.mark.parametrize("suffix", [".las", ".laz"])
@foreign_file("points that are withheld, as deleted ones", "survey, LAS and LAZ", "read, told: left out")
def test_withheld_points_are_left_out(tmp_path: Path, suffix: str, point_format: int):
    path = survey(tmp_path / f"a{suffix}", colours=COLOURS * 257, point_format=point_format)
    with pytest.warns(DataWarning, match="left out: 2 of 6 points are withheld"):
        cloud = read_cloud(withholding(path, 0, 3))
    kept = [1, 2, 4, 5]
    assert has_points(cloud, POINTS[kept], atol=1e-3) and np.allclose(cloud.channels["colour"], COLOURS[kept] / 255)
    assert cloud.labels is not None and cloud.labels.tolist() == [2, 3, 5, 6]
    assert classes_of_las(path) == {2, 3, 5, 6}
    with pytest.raises(InputError, match="holds no points that count: all are withheld"):
        read_cloud(withholding(path, *range(6)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(48, 2**32 - 1, marks=foreign_file("a layer of 4 GiB announced", "damaged, LAZ 1.4", "refused")),
        pytest.param(
            8 + 36, 2**31, marks=foreign_file("a chunk of 2 billion points announced", "damaged, LAZ 1.4", "read")
        ),
        pytest.param(1, 2**32 - 1, marks=foreign_file("a table of chunks behind the end", "damaged, LAZ", "refused")),
    ],
)
def test_a_laz_that_asks_for_memory_that_it_cannot_fill_is_refused(tmp_path: Path, place: int, value: int):
    content = bytearray(survey(tmp_path / "a.laz", colours=COLOURS * 257).read_bytes())
    (start,) = struct.unpack_from("<I", content, 96)
    struct.pack_into("<I", content, start + place, value)
    path = put(tmp_path / "b.laz", bytes(content))
    if place == 44:  # the number is not what the reader goes by
        assert has_points(read_cloud(path), atol=1e-3)
        return
    with pytest.raises(InputError, match="announces"):
        read_cloud(path)


@foreign_file("10^18 points announced", "damaged, LAS 1.4", "refused: by the header")
def test_a_survey_that_announces_more_than_it_has_is_refused(tmp_path: Path):
    content = bytearray(survey(tmp_path / "a.las", colours=COLOURS * 257).read_bytes())
    struct.pack_into("<Q", content, 247, 10**18)
    with pytest.raises(InputError, match="1,000,000,000,000,000,000 points"):
        read_cloud(put(tmp_path / "b.las", bytes(content)))


@pytest.mark.parametrize("suffix", [".e57", ".ptx", ".stl", ".rcp"])
@foreign_file("E57, PTX, STL, RCP", "scanners, CAD", "refused: how to convert it")
def test_other_formats_are_refused_with_a_way_out(tmp_path: Path, suffix: str):
    with pytest.raises(InputError, match=r"no reader takes\n.*(convert|export)"):
        read_cloud(put(tmp_path / f"a{suffix}", b"ASTM-E57"))


# lines of text


@pytest.mark.parametrize(
    ("name", "text", "channels"),
    [
        pytest.param(
            "a.pts",
            "6\n" + lines(POINTS, INTENSITY - 2048, COLOURS),
            {"intensity", "colour"},
            marks=foreign_file("the number of points first; x y z i r g b", "Leica, .pts", "read"),
        ),
        pytest.param(
            "a.txt",
            "//X Y Z R G B\n" + lines(POINTS, COLOURS),
            {"colour"},
            marks=foreign_file("names in a comment", "CloudCompare, .txt", "read"),
        ),
        pytest.param(
            "a.csv",
            "//X,Y,Z,Scalar_Intensity,Time\n" + lines(POINTS, INTENSITY, INTENSITY, separator=","),
            {"intensity"},
            marks=foreign_file("names in a comment, commas", "CloudCompare, .csv", "read"),
        ),
        pytest.param(
            "a.csv",
            "X [m];Y [m];Z [m];Intensity\r\n" + lines(POINTS, INTENSITY, separator=";", end="\r\n").replace(".", ","),
            {"intensity"},
            marks=foreign_file("units in the header, decimal commas, semicolons", "spreadsheet, .csv", "read"),
        ),
        pytest.param(
            "a.xyz",
            "\ufeffEasting Northing Elevation\n" + lines(POINTS),
            set(),
            marks=foreign_file("easting, northing, elevation", "survey office, .xyz", "read"),
        ),
        pytest.param(
            "a.txt",
            lines(POINTS, COLOURS, INTENSITY + 0.5),
            {"colour", "intensity"},
            marks=foreign_file("x y z r g b i without names", "Semantic3D, S3DIS, .txt", "read"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_lines_of_text(tmp_path: Path, name: str, text: str, channels: set[str]):
    cloud = read_cloud(put(tmp_path / name, text))
    assert has_points(cloud) and set(cloud.channels) == channels
    if "colour" in channels:
        assert np.allclose(cloud.channels["colour"], COLOURS / 255, atol=1e-6)


@foreign_file("fewer points than the first line says", "broken off, .pts", "refused")
def test_a_pts_that_was_cut_off_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="promises 1,000 points and has 6"):
        read_cloud(put(tmp_path / "a.pts", "1000\n" + lines(POINTS)))


# arrays


@foreign_file("points at 0, 0, 0 for no return", "depth cameras, Ouster, .npy", "read, told: they are left out")
def test_points_at_the_origin_are_no_points(tmp_path: Path):
    rows = np.concatenate([POINTS, np.zeros((4, 3))])
    np.save(tmp_path / "a.npy", rows)
    with pytest.warns(DataWarning, match="4 of 10 points lie exactly at 0, 0, 0"):
        assert has_points(read_cloud(tmp_path / "a.npy"))


@foreign_file("an array of shape (3, points)", "scripts, .npy", "refused: to be transposed")
def test_points_side_by_side_are_refused(tmp_path: Path):
    np.save(tmp_path / "a.npy", sweep(500, 3).T)
    with pytest.raises(InputError, match=r"3 rows of 500 columns\n.*transpose"):
        read_cloud(tmp_path / "a.npy")


@foreign_file("two columns without names behind x, y, z", "scripts, .txt", "read, told: they are left out")
def test_columns_without_a_meaning_are_told(tmp_path: Path):
    path = put(tmp_path / "a.txt", lines(POINTS, INTENSITY, INTENSITY))
    with pytest.warns(DataWarning, match="2 columns behind x, y, z, whose meaning is not known"):
        cloud = read_cloud(path)
    assert has_points(cloud) and not cloud.channels


@foreign_file("an array of named fields", "ROS, PDAL, .npy", "read: by its names")
def test_named_fields_are_read(tmp_path: Path):
    fields = [("ring", "u2"), ("X", "f8"), ("Y", "f8"), ("Z", "f8"), ("Intensity", "f4")]
    table = np.zeros(6, fields)
    table["X"], table["Y"], table["Z"] = POINTS.T
    table["Intensity"] = INTENSITY
    np.save(tmp_path / "a.npy", table)
    cloud = read_cloud(tmp_path / "a.npy")
    assert has_points(cloud) and cloud.channels["intensity"].ravel().tolist() == INTENSITY.tolist()

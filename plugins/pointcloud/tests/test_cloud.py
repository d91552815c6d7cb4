"""Arrays, tensors and mappings become clouds, and what is no cloud is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mt_core.errors import InputError
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.reading import read_cloud

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 4], [0.5, 0.25, -8]], dtype=np.float64)
INTENSITY = np.array([0, 0.25, 0.5, 0.75, 1])
NORMALS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [0.6, 0.8, 0]])
COLOUR = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 102, 204], [0, 0, 0]])


def absolute(cloud: PointCloud) -> np.ndarray:
    return cloud.points + cloud.origin


def test_columns_without_names_are_told_apart_by_their_values():
    assert set(read_cloud(np.c_[POINTS, INTENSITY]).channels) == {"intensity"}
    assert set(read_cloud(np.c_[POINTS, NORMALS]).channels) == {"normals"}
    assert set(read_cloud(np.c_[POINTS, COLOUR]).channels) == {"colour"}
    assert set(read_cloud(np.c_[POINTS, COLOUR, NORMALS]).channels) == {"colour", "normals"}


@pytest.mark.parametrize(
    "source",
    [
        POINTS,
        POINTS.astype(np.float16),
        torch.tensor(POINTS),
        torch.tensor(POINTS, dtype=torch.bfloat16, requires_grad=True),
        {"points": POINTS, "intensity": INTENSITY},
        {"points": torch.tensor(POINTS), "normals": NORMALS, "colour": COLOUR},
        POINTS.tolist(),
    ],
)
def test_objects_in_memory_are_clouds_too(source):
    cloud = read_cloud(source)
    np.testing.assert_allclose(absolute(cloud), POINTS, atol=1e-6)
    assert read_cloud(cloud) is cloud


def test_a_tensor_of_coordinates_in_the_millions_keeps_its_millimetres():
    far = torch.tensor(POINTS) + torch.tensor([636_590.0, 4_849_216.0, 463.0], dtype=torch.float64)
    np.testing.assert_allclose(absolute(read_cloud(far)), far.numpy(), atol=1e-5)


def test_points_that_are_not_finite_are_left_out_with_their_channels():
    rows = np.c_[POINTS, INTENSITY]
    rows[1, 0], rows[3, 2] = np.nan, np.inf
    cloud = read_cloud(rows)
    np.testing.assert_allclose(absolute(cloud), POINTS[[0, 2, 4]], atol=1e-6)
    np.testing.assert_allclose(cloud.channels["intensity"][:, 0], INTENSITY[[0, 2, 4]])


def test_a_channel_that_is_not_finite_counts_as_zero():
    cloud = read_cloud({"points": POINTS, "intensity": np.array([np.nan, np.inf, 1, 2, 3])})
    assert cloud.channels["intensity"][:, 0].tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64, np.float32])
def test_colour_lies_between_zero_and_one_whatever_its_type(kind):
    cloud = read_cloud({"points": POINTS, "colour": COLOUR.astype(kind)})
    np.testing.assert_allclose(cloud.channels["colour"], COLOUR / 255, atol=1e-6)


def test_wide_integers_keep_their_intensity():
    cloud = read_cloud({"points": POINTS, "intensity": np.array([0, 1, 20, 300, 4000])})
    assert cloud.channels["intensity"][:, 0].tolist() == [0, 1, 20, 300, 4000]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"ply\n", "suffix"),
        (np.zeros((0, 3)), "no points"),
        (np.zeros((5, 2)), "shape"),
        (np.array(["a", "b"]), "shape"),
        (None, "shape"),
        ({"intensity": INTENSITY}, "keys"),
        ({"points": POINTS, "temperature": INTENSITY}, "keys"),
        ({"points": POINTS, "normals": INTENSITY}, "normals"),
        (torch.zeros(2, 5, 3), "shape"),
    ],
)
def test_an_object_that_is_no_cloud_is_refused_with_a_fix(source, said):
    with pytest.raises(InputError, match=said) as caught:
        read_cloud(source)
    assert caught.value.fix


def test_infinities_of_both_signs_in_one_point_are_left_out():
    rows = np.vstack([POINTS, [[np.inf, -np.inf, 0]]])
    np.testing.assert_allclose(absolute(read_cloud(rows)), POINTS, atol=1e-6)


def test_a_sweep_of_which_most_did_not_return_is_read(tmp_path):
    rows = np.full((43, 4), np.nan, "<f4")
    rows[::10, :3] = POINTS
    rows.tofile(tmp_path / "a.bin")
    np.testing.assert_allclose(absolute(read_cloud(tmp_path / "a.bin")), POINTS, atol=1e-6)


def test_a_cloud_that_was_changed_to_hold_nan_is_refused():
    for changed in ("points", "intensity"):
        cloud = read_cloud({"points": POINTS, "intensity": INTENSITY})
        ({"points": cloud.points} | dict(cloud.channels))[changed][2] = np.nan
        with pytest.raises(InputError, match=f"holds {changed} that are NaN"):
            read_cloud(cloud)

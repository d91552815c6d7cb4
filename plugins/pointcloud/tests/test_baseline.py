"""The shape of a cloud."""

import numpy as np
import torch

from mt_plugin_pointcloud.baseline import PointCloudBaseline
from mt_plugin_pointcloud.tokenizer import PointCloudTokenizer

torch.manual_seed(0)
TOKENIZER = PointCloudTokenizer(8, PointCloudTokenizer.Options.parse({}))
RANDOM = np.random.default_rng(0)


def features(points: np.ndarray) -> np.ndarray:
    return PointCloudBaseline(TOKENIZER).features(TOKENIZER.read(points.astype(np.float32)))


def test_lines_planes_and_balls_are_told_apart_by_their_axes() -> None:
    ball = RANDOM.normal(size=(2000, 3))
    shapes = {name: features(ball * scale) for name, scale in
              {"line": (1, 0.01, 0.01), "plane": (1, 1, 0.01), "ball": (1, 1, 1)}.items()}  # fmt: skip
    linear, planar, scattered = (np.array([shapes[name][place] for name in shapes]) for place in (7, 8, 9))
    assert np.allclose(linear, [1, 0, 0], atol=0.1)
    assert np.allclose(planar, [0, 1, 0], atol=0.1)
    assert np.allclose(scattered, [0, 0, 1], atol=0.1)


def test_the_order_of_the_points_changes_nothing() -> None:
    points = RANDOM.normal(size=(500, 3))
    assert np.allclose(features(points), features(RANDOM.permutation(points)), atol=1e-6)


def test_distances_between_pairs_are_a_distribution() -> None:
    assert np.isclose(features(RANDOM.normal(size=(100, 3)))[-16:].sum(), 1)

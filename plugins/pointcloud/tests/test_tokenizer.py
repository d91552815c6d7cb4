"""Tokens of a cloud: which points they stand for, and what must not change them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from mt_core.contract import Tokens
from mt_core.errors import InputError, OptionError
from mt_plugin_pointcloud.grouping import canonical_order, farthest_points, nearest_neighbours
from mt_plugin_pointcloud.pointnet import MiniPointNet
from mt_plugin_pointcloud.tokenizer import PointCloudTokenizer

WIDTH = 24


def tokenizer(**options: object) -> PointCloudTokenizer:
    torch.manual_seed(0)
    return PointCloudTokenizer(WIDTH, PointCloudTokenizer.Options.parse(options)).eval()


def scattered(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


def tokens_of(made: PointCloudTokenizer, *sources: object) -> Tokens:
    with torch.no_grad():
        return made(made.collate([made.prepare(made.read(source)) for source in sources]))


def as_set(tokens: Tokens) -> torch.Tensor:
    """Tokens of one cloud in an order of their own."""
    values = tokens.values[0]
    return values[np.lexsort(values.round(decimals=2).T.numpy())]


# sampling


def test_farthest_points_are_those_of_the_textbook():
    points = scattered(300)
    chosen = [7]
    for _ in range(39):  # every distance anew in float64
        distances = np.linalg.norm(points[:, None].astype(np.float64) - points[chosen][None], axis=-1)
        chosen.append(int(distances.min(1).argmax()))
    assert farthest_points(points, 40, start=7).tolist() == chosen


def test_farthest_points_begin_with_the_one_farthest_from_the_mean():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-9, 0, 0]], dtype=np.float32)
    assert farthest_points(points, 1).tolist() == [3]


def test_farthest_points_of_all_are_all():
    assert sorted(farthest_points(scattered(20), 20)) == list(range(20))


def test_neighbours_are_the_nearest_by_brute_force():
    points = scattered(200)
    distances = np.linalg.norm(points[:10, None] - points[None], axis=-1)
    assert nearest_neighbours(points, points[:10], 6).tolist() == distances.argsort(1)[:, :6].tolist()


def test_neighbours_of_a_small_cloud_are_repeated():
    found = nearest_neighbours(scattered(3), scattered(3)[:1], 7)
    assert found.shape == (1, 7)
    assert set(found[0, :3]) == {0, 1, 2}
    assert found[0, 3:].tolist() == [*found[0, :3], found[0, 0]]


def test_the_canonical_order_does_not_depend_on_the_order_of_the_points():
    points = scattered(3000)
    shuffled = points[np.random.default_rng(1).permutation(3000)]
    np.testing.assert_array_equal(points[canonical_order(points, 500)], shuffled[canonical_order(shuffled, 500)])


def test_a_prefix_of_the_canonical_order_is_spread_like_the_whole():
    points = np.random.default_rng(0).uniform(size=(20_000, 3)).astype(np.float32)
    chosen = points[canonical_order(points, 2000)]
    np.testing.assert_allclose(chosen.mean(0), 0.5, atol=0.03)
    np.testing.assert_allclose(chosen.std(0), 12**-0.5, atol=0.02)


# the PointNet


def test_the_pointnet_is_the_one_that_puts_point_and_maximum_side_by_side():
    torch.manual_seed(0)
    network, groups = MiniPointNet(3, WIDTH), torch.randn(300, 8, 3)
    first, second = network.spread.weight.split([network.SHARED, network.POOLED])
    first_bias, second_bias = network.spread.bias.split([network.SHARED, network.POOLED])
    points = torch.relu(network.lift(groups))
    largest = (points @ first.T + first_bias).amax(1, keepdim=True)
    beside = torch.cat([points, largest.expand(-1, 8, -1)], dim=-1)
    weight = torch.cat([second, network.shared.weight], dim=1)
    expected = network.project(torch.relu(beside @ weight.T + second_bias).amax(1))
    torch.testing.assert_close(network(groups), expected)


def test_the_pointnet_costs_less_than_a_tenth_of_the_smallest_encoder():
    weights = dict(MiniPointNet(3, 192).named_parameters())
    sizes = {name: weight.numel() for name, weight in weights.items() if weight.ndim == 2}
    a_point, a_group = sizes["lift.weight"] + sizes["spread.weight"], sizes["shared.weight"] + sizes["project.weight"]
    encoder = 128 * 12 * (12 * 192**2 + 2 * 128 * 192)  # multiplications: 12 blocks, 128 tokens of width 192
    assert 128 * (32 * a_point + a_group) < 0.1 * encoder


# prepare


def test_a_cloud_becomes_one_token_for_every_four_points_up_to_a_limit():
    made = tokenizer(groups=64)
    counts = [len(made.prepare(made.read(scattered(count)))["centres"]) for count in (2, 50, 100, 256, 1000)]
    assert counts == [1, 12, 25, 64, 64]


def test_groups_are_relative_to_their_centres_and_lie_in_the_unit_sphere():
    made = tokenizer(neighbours=8)
    cloud = scattered(400) * 30 + 1000
    item = made.prepare(made.read(cloud))
    members = item["groups"] + item["centres"][:, None]
    assert item["groups"].shape == (100, 8, 3)
    assert members.norm(dim=-1).max() == pytest.approx(1, abs=1e-5)
    own = cloud.astype(np.float64) - cloud.astype(np.float64).mean(0)
    radius = np.linalg.norm(own, axis=1).max()
    assert float(item["log_radius"]) == pytest.approx(np.log(radius), abs=1e-4)
    distance = np.linalg.norm(members.reshape(-1, 1, 3).numpy() - own[None] / radius, axis=-1).min(1)
    assert distance.max() < 1e-4  # every member is a point of the cloud


def test_in_metres_the_groups_keep_the_unit_of_the_file():
    cloud = scattered(300)
    unit, metres = (tokenizer(scale=scale) for scale in ("unit", "metres"))
    one, other = unit.prepare(unit.read(cloud)), metres.prepare(metres.read(cloud))
    torch.testing.assert_close(other["groups"], one["groups"] * one["log_radius"].exp())
    torch.testing.assert_close(other["log_radius"], one["log_radius"])


def test_channels_stand_behind_the_coordinates_of_their_point():
    made = tokenizer(channels=("intensity", "normals"), scale="metres")
    cloud = scattered(80)
    item = made.prepare(made.read({"points": cloud, "intensity": cloud[:, 0], "normals": cloud}))
    assert item["groups"].shape[-1] == 7
    places = item["groups"][..., :3] + item["centres"][:, None]
    torch.testing.assert_close(places + torch.tensor(cloud.mean(0)), item["groups"][..., 4:], atol=1e-5, rtol=0)
    torch.testing.assert_close(item["groups"][..., 3], item["groups"][..., 4])


def test_a_missing_channel_is_refused_and_those_there_are_named(tmp_path):
    np.savetxt(tmp_path / "a.xyz", np.c_[scattered(20), np.ones(20)])
    made = tokenizer(channels=("normals",))
    with pytest.raises(InputError, match="has no normals; it has intensity") as caught:
        made.prepare(made.read(tmp_path / "a.xyz"))
    assert "a.xyz" in caught.value.problem


def test_options_out_of_range_are_refused():
    for wrong in ({"groups": 0}, {"ratio": 2}, {"channels": ("smell",)}, {"upright": "w"}, {"colour": 1}):
        with pytest.raises(OptionError):
            tokenizer(**wrong)


def test_training_draws_from_the_generator_and_from_nothing_else():
    made = tokenizer()
    cloud = made.read(scattered(500))

    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(int(torch.randint(1 << 30, ())))
        np.random.seed(np.random.randint(1 << 30))
        return made.prepare(cloud, torch.Generator().manual_seed(seed))["centres"]

    assert torch.equal(drawn(1), drawn(1))
    first, second = drawn(1), drawn(2)
    assert first.shape != second.shape or not torch.equal(first, second)


@pytest.mark.parametrize(("upright", "axis"), [("x", 0), ("y", 1), ("z", 2)])
def test_training_turns_about_the_vertical_axis_and_normals_with_it(upright, axis):
    made = tokenizer(channels=("normals",), upright=upright, neighbours=1, ratio=1, groups=2048)
    points = scattered(30)  # so few points are all kept
    cloud = made.read({"points": points, "normals": points - points.mean(0)})
    item = made.prepare(cloud, torch.Generator().manual_seed(3))
    places, normals = item["centres"], item["groups"][:, 0, 3:]
    direction = torch.nn.functional.cosine_similarity(places, normals)
    assert direction.min() > 0.98  # jitter apart, both were turned alike
    still = made.prepare(cloud)["groups"][:, 0, 3:]
    torch.testing.assert_close(normals[:, axis].sort().values, still[:, axis].sort().values)
    assert not torch.allclose(normals.sum(1).sort().values, still.sum(1).sort().values, atol=1e-2)


# forward


@pytest.mark.parametrize("count", [60, 1000, 9000])
def test_permuting_the_points_changes_no_token(count):
    made = tokenizer()
    cloud = scattered(count)
    shuffled = cloud[np.random.default_rng(1).permutation(count)]
    one, other = tokens_of(made, cloud), tokens_of(made, shuffled)
    assert (one.values.mean(1) - other.values.mean(1)).abs().max() < 1e-4
    assert (as_set(one) - as_set(other)).abs().max() < 1e-4


def test_symmetric_points_in_another_order_give_the_same_tokens():
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)] * 3, dtype=np.float32)
    made = tokenizer()
    one, other = tokens_of(made, corners), tokens_of(made, corners[::-1].copy())
    assert (one.values - other.values).abs().max() < 1e-4


@pytest.mark.parametrize("count", [300, 9000])
def test_moving_the_cloud_changes_no_token(count):
    made = tokenizer()
    cloud = np.round(scattered(count), 2).astype(np.float64)
    moved = cloud + np.array([640_000.0, -4_850_000.0, 512.0])
    assert (tokens_of(made, cloud).values - tokens_of(made, moved).values).abs().max() < 1e-3


def test_two_clouds_differ_and_so_do_two_sizes_of_one():
    made = tokenizer()
    one, other, larger = (
        tokens_of(made, cloud).values for cloud in (scattered(400), scattered(400, 1), scattered(400) * 3)
    )
    assert (one - other).abs().mean() > 1e-2
    assert (one - larger).abs().mean() > 1e-3


def test_padding_and_the_other_clouds_of_a_batch_change_no_token():
    made = tokenizer()
    small, large = scattered(60), scattered(900, 1)
    alone, together = tokens_of(made, small), tokens_of(made, small, large)
    assert together.mask is not None
    assert together.mask.sum(1).tolist() == [15, 128]
    torch.testing.assert_close(together.values[0, :15], alone.values[0], atol=1e-6, rtol=0)
    assert together.values[0, 15:].abs().max() == 0


def test_the_same_cloud_gives_the_same_tokens_again_also_in_another_process():
    made = tokenizer()
    copy = pickle.loads(pickle.dumps(made))
    assert torch.equal(tokens_of(made, scattered(500)).values, tokens_of(copy, scattered(500)).values)


def test_coords_are_the_centres_in_the_unit_of_the_cloud():
    tokens = tokens_of(tokenizer(scale="metres"), scattered(100) * 50)
    assert tokens.coords is not None
    assert tokens.coords.shape == (1, 25, 3)
    assert tokens.coords.norm(dim=-1).max() > 50


@pytest.mark.parametrize("channels", [(), ("intensity",)])
def test_every_weight_learns(channels):
    made = tokenizer(channels=channels)
    clouds = [{"points": scattered(count), "intensity": scattered(count)[:, 0]} for count in (200, 90)]
    tokens = made(made.collate([made.prepare(made.read(cloud)) for cloud in clouds]))
    tokens.values.pow(3).sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in made.parameters())


@pytest.mark.filterwarnings("ignore:.*16-bit colours that are all below 256")
@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_real_scans_of_a_thousand_to_a_hundred_thousand_points_give_tokens():
    made = tokenizer(channels=("intensity",))
    scans = Path(os.environ["MT_DATA"], "point_cloud", "lidar_scans")
    paths = sorted(path for path in scans.rglob("*") if path.suffix in (".bin", ".las", ".laz"))
    tokens = tokens_of(made, *paths)
    assert tokens.values.shape == (4, 128, WIDTH)
    assert torch.isfinite(tokens.values).all()
    assert torch.cdist(tokens.values.mean(1), tokens.values.mean(1)).fill_diagonal_(1).min() > 1e-2

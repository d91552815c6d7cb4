"""Point clouds drawn as depth maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.encoder import load_encoder
from mt_core.errors import OptionError
from mt_core.model import make_tokenizer
from mt_plugin_pointcloud.drawing import draw_depths
from mt_plugin_pointcloud.tokenizer import PointCloudTokenizer

SIZE = 32


def drawn(points: list[list[float]], upright: str = "z", radius: float = 0.01) -> Tensor:
    """(5, 3, S, S) without the bar, which a radius of 1 cm leaves empty."""
    return draw_depths(torch.tensor([points]), None, torch.tensor([math.log(radius)]), upright=upright, size=SIZE)[
        0, :, :, :-2
    ]


def middle(picture: Tensor) -> tuple[float, float]:
    """Row and column of the middle of what is not black."""
    rows, columns = (picture.sum(0) > 0).nonzero(as_tuple=True)
    return float(rows.double().mean()), float(columns.double().mean())


def test_up_is_up_and_right_is_right() -> None:
    front, _, side, _, above = drawn([[0.0, 0.5, 0.5]])
    row, column = middle(front)  # along x: y to the right, z up
    assert row == pytest.approx(SIZE * 0.25, abs=1) and column == pytest.approx(SIZE * 0.75, abs=1)
    row, column = middle(side)  # along y: what was right is near, x = 0 is in the middle
    assert row == pytest.approx(SIZE * 0.25, abs=1) and column == pytest.approx(SIZE * 0.5, abs=1)
    assert side[0].amax() > front[0].amax()
    row, column = middle(above)
    assert column == pytest.approx(SIZE * 0.5, abs=1) and row == pytest.approx(SIZE * 0.25, abs=1)


def test_red_is_the_nearest_and_green_the_furthest_of_the_points_behind_one_another() -> None:
    front = drawn([[0.8, 0.0, 0.0], [-0.8, 0.0, 0.0]])[0]
    near, far = (0.25 + 0.75 * (1 + depth) / 2 for depth in (0.8, -0.8))
    assert float(front[0].amax()) == pytest.approx(near) and float(front[1].amax()) == pytest.approx(far)


def test_a_cloud_turned_by_45_degrees_shows_its_sides_in_turn() -> None:
    points = torch.nn.functional.normalize(torch.randn(1, 300, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    points = points * torch.tensor([0.3, 0.6, 0.9])
    turn = math.pi / 4
    x, y, z = points.unbind(-1)
    turned = torch.stack([math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x, z], -1)
    first, second = (draw_depths(each, None, torch.zeros(1), upright="z", size=SIZE)[0] for each in (points, turned))
    torch.testing.assert_close(first[1], second[0], atol=1e-4, rtol=0)


def test_the_order_of_the_points_and_padding_change_nothing() -> None:
    points = 0.5 * torch.randn(1, 200, 3)
    alone = draw_depths(points, None, torch.zeros(1), upright="y", size=SIZE)
    mask = torch.arange(260)[None] < 200
    padded = torch.cat([points[:, torch.randperm(200)], torch.randn(1, 60, 3)], dim=1)
    torch.testing.assert_close(draw_depths(padded, mask, torch.zeros(1), upright="y", size=SIZE), alone)


def test_the_bar_is_as_long_as_the_radius_is_large() -> None:
    lengths = [
        int(
            draw_depths(torch.zeros(1, 2, 3), None, torch.tensor([math.log(r)]), upright="z", size=40)[
                0, 0, 0, -1
            ].sum()
        )
        for r in (0.01, 1.0, 1000.0)
    ]
    assert lengths == [0, 16, 40]  # of five powers of ten none, two and all


def test_both_views_are_made_for_an_encoder_and_the_drawn_one_learns_its_stem_alone() -> None:
    encoder, cloud = load_encoder("mt-tiny"), np.random.default_rng(0).normal(size=(100, 3))
    tokenizer = make_tokenizer(PointCloudTokenizer, encoder, {"view": "picture"}, seed=0)
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(cloud[:n])) for n in (50, 100)])
    tokens = tokenizer(batch)
    assert tokens.views == 5 and tokens.values.shape == (10, 16, encoder.width)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    own = make_tokenizer(PointCloudTokenizer, encoder, {}, seed=0)
    assert own.draw(own.collate([own.prepare(own.read(cloud))])) is None


def test_points_that_are_labelled_have_no_pictures() -> None:
    with pytest.raises(OptionError, match="view=picture"):
        PointCloudTokenizer.Options.parse({"view": "picture", "labels": "points"})


def test_a_graph_draws_the_same_without_a_look_at_the_number_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.rand(3, 200, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    mask = torch.arange(200) < torch.tensor([1, 7, 200])[:, None]
    pictures = draw_depths(points, mask, torch.zeros(3), upright="z", size=SIZE)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(draw_depths(points, mask, torch.zeros(3), upright="z", size=SIZE), pictures)

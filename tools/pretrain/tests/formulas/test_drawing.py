"""What is drawn: pictures that are a function of seed and step, of categories that differ."""

import math

import pytest
import torch

from mt_pretrain.formulas.drawing import FAMILIES, draw
from mt_pretrain.formulas.drawing.batch import FIGURES, PICTURES
from mt_pretrain.formulas.drawing.canvas import Canvas, covered
from mt_pretrain.formulas.drawing.numbers import numbers_of
from mt_pretrain.formulas.drawing.scenes import scenes


def drawn(seed=0, step=0, count=16, size=32, categories=16):
    return draw(seed, step, count=count, size=size, categories=categories)


def test_a_batch_is_a_function_of_seed_and_step():
    torch.manual_seed(1)
    first = drawn(3, 7)
    torch.manual_seed(2)
    drawn(3, 8)
    again = drawn(3, 7)
    for name in ("pixels", "category"):
        assert torch.equal(getattr(first, name), getattr(again, name))


@pytest.mark.parametrize(("seed", "step"), [(3, 8), (4, 7), (37, 0)])
def test_another_seed_or_step_is_another_batch(seed, step):
    assert not torch.equal(drawn(3, 7).pixels, drawn(seed, step).pixels)


def test_drawing_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    drawn()
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("size", [16, 30, 65])
def test_pictures_are_finite_and_between_black_and_white(size):
    drawing = drawn(count=64, size=size)
    assert drawing.pixels.shape == (64, 3, size, size)
    assert bool(drawing.pixels.isfinite().all())
    assert 0 <= float(drawing.pixels.min()) < float(drawing.pixels.max()) <= 1


def test_no_picture_is_plain():
    drawing = drawn(count=256, size=32)
    assert float(drawing.pixels.flatten(1).std(1).min()) > 0.02


def test_every_family_has_its_share_of_pictures_and_categories():
    families, counts = (drawn(count=64, categories=80).category // 10).unique(return_counts=True)
    assert families.tolist() == list(range(len(FAMILIES)))
    assert set(counts.tolist()) == {64 // len(FAMILIES)}


def test_a_formula_does_not_depend_on_how_many_categories_there_are():
    one = torch.tensor([2])
    few, many = (numbers_of("contours", one, 16, categories) for categories in (3, 100))
    assert torch.equal(few, many)


def test_the_numbers_of_a_category_are_the_same_on_any_machine():
    first = numbers_of("solids", torch.tensor([1]), 4, 2).flatten()
    assert (first * 2**24).tolist() == [3899712, 6075770, 1917031, 5717276]


def statistics(pictures):
    """(B, 11) how light and varied pictures are, and how steep at four scales across and down. None sees places."""
    grey = pictures.mean(1)
    rows = [grey.mean((1, 2)), grey.std((1, 2)), pictures.std(1).mean((1, 2))]
    for scale in (1, 2, 4, 8):
        coarse = torch.nn.functional.avg_pool2d(grey[:, None], scale)[:, 0]
        rows += [coarse.diff(dim=axis).abs().mean((1, 2)) for axis in (1, 2)]
    return torch.stack(rows, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_of_a_category_are_more_alike_than_those_of_another(family):
    canvas, category = Canvas(48, 2, torch.Generator().manual_seed(0)), torch.arange(200) % 2
    if family in FIGURES:
        figure = FIGURES[family](canvas, category)
        pictures = (figure.cover * (0.3 + 0.7 * figure.tone))[:, None].expand(-1, 3, -1, -1)
    elif family == "scenes":
        pictures = scenes(canvas, category, canvas.uniform(0, 1, 8, 48, 48))
    else:
        pictures = PICTURES[family](canvas, category)
    features = statistics(pictures)
    distance = torch.cdist(*[(features - features.mean(0)) / (features.std(0) + 1e-6)] * 2).fill_diagonal_(math.inf)
    nearest = category[distance.topk(5, largest=False).indices].mode(1).values
    assert float((nearest == category).float().mean()) > 0.7  # one in two by chance


def test_an_edge_is_one_pixel_wide_however_steep_the_function_is():
    ticks = Canvas(64, 1, torch.Generator()).ticks() * 32  # in pixels
    distance = (ticks.square() + ticks[:, None].square()).sqrt()[None]
    for steepness in (0.01, 1, 100):
        disc = covered(steepness * (20 - distance))
        assert float(disc.sum()) == pytest.approx(math.pi * 20**2, rel=0.01)
        assert float(((disc > 0) & (disc < 1)).sum()) < 1.6 * 2 * math.pi * 20


def test_a_jump_is_no_edge_where_both_sides_are_outside():
    level = torch.full((1, 8, 8), -5.0)
    level[..., 4:] = -20
    assert float(covered(level).sum()) == 0

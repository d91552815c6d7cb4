"""What is drawn: pictures that are a function of seed and step, of categories that differ."""

import math

import pytest
import torch

from mt_pretrain.formulas.drawing import FAMILIES, draw
from mt_pretrain.formulas.drawing.canvas import Canvas, covered
from mt_pretrain.formulas.drawing.numbers import numbers_of


def drawn(seed=0, step=0, count=16, size=32, categories=16):
    return draw(seed, step, count=count, size=size, categories=categories)


def test_a_batch_is_a_function_of_seed_and_step():
    torch.manual_seed(1)
    first = drawn(3, 7)
    torch.manual_seed(2)
    drawn(3, 8)
    again = drawn(3, 7)
    for name in ("pixels", "category", "shape"):
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
    assert drawing.shape.shape == (64, size, size)
    for values in (drawing.pixels, drawing.shape):
        assert bool(values.isfinite().all()) and 0 <= float(values.min()) < float(values.max()) <= 1


def test_no_picture_is_plain():
    drawing = drawn(count=256, size=32)
    assert float(drawing.pixels.flatten(1).std(1).min()) > 0.02
    assert float(drawing.shape.flatten(1).std(1).min()) > 0.01


def test_every_family_has_its_share_of_pictures_and_categories():
    families, counts = (drawn(count=64, categories=40).category // 10).unique(return_counts=True)
    assert families.tolist() == list(range(len(FAMILIES)))
    assert set(counts.tolist()) == {64 // len(FAMILIES)}


def test_a_formula_does_not_depend_on_how_many_categories_there_are():
    one = torch.tensor([2])
    few, many = (numbers_of("contours", one, 16, categories) for categories in (3, 100))
    assert torch.equal(few, many)


def test_the_numbers_of_a_category_are_the_same_on_any_machine():
    first = numbers_of("solids", torch.tensor([1]), 4, 2).flatten()
    assert (first * 2**24).tolist() == [3899712, 6075770, 1917031, 5717276]


def statistics(shape):
    """(B, 9) of shapes: how much, how light and how varied inside, how steep at four scales for its size. None of them
    sees turns, colours or noise."""
    inside = (shape > 0.05).float()
    area = inside.sum((1, 2)).clamp_min(1)
    mean = (shape * inside).sum((1, 2)) / area
    spread = ((shape - mean[:, None, None]).square() * inside).sum((1, 2)) / area
    outline = inside.diff(dim=1).abs().sum((1, 2)) + inside.diff(dim=2).abs().sum((1, 2))
    rows = [area, mean, spread.sqrt(), shape.std((1, 2)), outline / area.sqrt()]
    for scale in (1, 2, 4, 8):
        coarse = torch.nn.functional.avg_pool2d(shape[:, None], scale)[:, 0]
        rows.append((coarse.diff(dim=1).abs().sum((1, 2)) + coarse.diff(dim=2).abs().sum((1, 2))) / area.sqrt())
    return torch.stack(rows, 1)


@pytest.mark.parametrize("family", range(len(FAMILIES)), ids=list(FAMILIES))
def test_categories_are_told_apart_by_their_shapes(family):
    drawing = drawn(count=800, size=48, categories=16)
    of_family = slice(200 * family, 200 * (family + 1))
    features, category = statistics(drawing.shape[of_family]), drawing.category[of_family]
    distance = torch.cdist(*[(features - features.mean(0)) / (features.std(0) + 1e-6)] * 2).fill_diagonal_(math.inf)
    told = category[distance.topk(5, largest=False).indices].mode(1).values
    assert float((told == category).float().mean()) > 0.4  # one in four by chance


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

"""Descriptors against what can be said of a picture by hand."""

import math

import pytest
import torch

from mt_pretrain import PretrainRecipe
from mt_pretrain.formulas import descriptors as module
from mt_pretrain.formulas.descriptors import Descriptors, codes_of, dictionary, oriented_gradients, whitening
from mt_pretrain.formulas.drawing import draw

SIZE, PATCH = 32, 16


@pytest.fixture(scope="module")
def recipe():
    return PretrainRecipe(size=SIZE, batch_size=8, categories=16)


@pytest.fixture(scope="module")
def descriptors(recipe):
    return Descriptors(recipe, PATCH)


def pictures(step, count=64):
    return draw(0, step, count=count, size=SIZE, categories=16).pixels


def ramp(degrees):
    """Grey that rises evenly towards an angle, from the x axis, y downwards."""
    ticks = torch.arange(SIZE) / SIZE
    across, down = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grey = 0.5 + 0.2 * across * ticks + 0.2 * down * ticks[:, None]
    return grey.expand(1, 3, SIZE, SIZE)


@pytest.mark.parametrize("direction", range(8))
def test_a_ramp_rises_in_its_own_direction_alone(direction):
    told = oriented_gradients(ramp(45 * direction), 4)[0, :, 1, 1].tolist()  # away from the margin
    assert sum(told) - told[direction] < 0.02 * told[direction]


def test_what_rises_between_two_directions_is_shared():
    told = oriented_gradients(ramp(22.5), 4)[0, :, 1, 1].tolist()
    assert told[0] == pytest.approx(told[1], rel=1e-3) and sum(told[2:]) < 0.02 * told[0]


def test_gradients_are_told_where_they_are():
    picture = torch.full((1, 3, SIZE, SIZE), 0.5)
    picture[..., :, 24:] = 1.0  # an edge in the right half
    told = oriented_gradients(picture, 2)
    assert told[0, 0, :, 1].min() > 0 and told[0, :, :, 0].sum() == 0


def test_codes_are_those_of_patches_evened_out_one_by_one():
    filters, offset = dictionary(pictures(1), seed=0)
    one = pictures(2, 8)
    shrunk = torch.nn.functional.avg_pool2d(one, 2)
    for picture, code in zip(shrunk, codes_of(one, filters, offset), strict=True):
        for row, column in ((0, 0), (2, 3), (5, 5)):
            patch = picture[:, 2 * row : 2 * row + 6, 2 * column : 2 * column + 6].double()
            patch = (patch - patch.mean()) / (patch.var(correction=0) + 0.01).sqrt()
            response = torch.stack([(patch * one).sum() for one in filters.double()]) - offset
            enough = response.square().mean().sqrt() / 2
            expected = torch.cat([(response - enough).clamp_min(0), (-response - enough).clamp_min(0)])
            torch.testing.assert_close(code[:, row, column].double(), expected, atol=1e-4, rtol=1e-3)


def test_brightness_and_contrast_hardly_change_the_codes():
    filters, offset = dictionary(pictures(1), seed=0)
    picture = pictures(2, 8)
    code, dimmed = codes_of(picture, filters, offset), codes_of(0.8 * picture + 0.15, filters, offset)
    assert torch.nn.functional.cosine_similarity(code.flatten(), dimmed.flatten(), dim=0) > 0.97


def test_whitened_values_have_no_mean_and_no_correlation():
    draws = torch.Generator().manual_seed(0)
    values = torch.randn(4000, 5, generator=draws) @ torch.randn(5, 5, generator=draws) + 3
    mean, to = whitening(values, 3)
    white = (values - mean) @ to
    assert white.shape == (4000, 3)
    torch.testing.assert_close(white.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.cov(white.T), torch.eye(3), atol=0.05, rtol=0)


def test_descriptors_of_drawn_pictures_have_mean_zero_and_variance_one(descriptors):
    patches, wholes = descriptors(pictures(7, 512))
    assert patches.shape == (512, 4, descriptors.num_patch) and wholes.shape == (512, descriptors.num_whole)
    for told in (patches.flatten(0, 1), wholes):
        assert told.mean().abs() < 0.05 and 0.8 < told.var() < 1.2


def test_each_patch_is_described_by_its_own_pixels(descriptors):
    picture = pictures(7, 8)
    changed = picture.clone()
    changed[..., 20:28, 20:28] = 1 - changed[..., 20:28, 20:28]  # within the lower right patch
    (before, _), (after, _) = descriptors(picture), descriptors(changed)
    moved = (before - after).abs().amax((0, 2))
    assert moved[3] > 0.5 and moved[0] == 0


def test_the_same_recipe_has_the_same_descriptors(recipe, monkeypatch):
    monkeypatch.setattr(module, "_BATCHES", 4)
    other = recipe.model_copy(update={"seed": 1})
    first, again, other = (Descriptors(each, PATCH) for each in (recipe, recipe, other))
    assert all(torch.equal(one, two) for one, two in zip(first.buffers(), again.buffers(), strict=True))
    assert not torch.equal(first.filters, other.filters)

"""The parts of adapting: the loss, two views, how different vectors are, which samples."""

import numpy as np
import pytest
import torch

import mt_core as mt
from mt_core.contract import Tokens
from mt_core.training.variety import Variety, has_collapsed, variety
from mt_pretrain.adapting.objective import vicreg
from mt_pretrain.adapting.views import TwoViews, drop_tokens


def test_the_loss_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 6, 4)) * 0.5
    invariance = np.mean((first - second) ** 2)
    hinges = [np.maximum(0, 1 - np.sqrt(view.var(0, ddof=1) + 1e-4)).mean() for view in (first, second)]
    covariances = [np.cov(view, rowvar=False) for view in (first, second)]
    off = sum((c[~np.eye(4, dtype=bool)] ** 2).sum() / 4 for c in covariances)
    loss = 25 * invariance + 25 * np.mean(hinges) + off
    terms = vicreg(torch.from_numpy(first), torch.from_numpy(second), (25.0, 25.0, 1.0))
    np.testing.assert_allclose(terms.numpy(), [loss, invariance, np.mean(hinges), off], rtol=1e-10)


def test_a_batch_of_two_views_is_one_of_the_tokenizer_twice_as_large():
    tokenizer = mt.load("image", encoder="random/vit_tiny_patch16_224", size=32, patch=16).tokenizer
    pictures = [np.full((32, 32, 3), 40 * number, np.uint8) for number in range(3)]
    pictures[1][:, :16] = 255
    both = TwoViews(tokenizer)
    still = both.collate([both.prepare(both.read(picture)) for picture in pictures])
    expected = tokenizer.collate([tokenizer.prepare(tokenizer.read(picture)) for picture in pictures * 2])
    assert still.keys() == expected.keys() and all(torch.equal(still[name], expected[name]) for name in still)
    drawn = [both.prepare(both.read(pictures[1]), torch.Generator().manual_seed(seed)) for seed in range(8)]
    views = [tokenizer(both.collate([item])).values for item in drawn]
    assert any(not torch.equal(*view) for view in views)


def test_tokens_are_dropped_and_each_sample_keeps_one():
    mask = torch.ones(40, 5, dtype=torch.bool)
    mask[::2] = False  # the first of two views of each sample is padding
    tokens = Tokens(torch.zeros(40, 5, 4), mask, views=2)
    torch.manual_seed(0)
    kept = drop_tokens(tokens, 0.9).real()
    assert not kept[::2].any()
    assert kept.reshape(20, 10).any(1).all() and 20 <= kept.sum() < 40
    assert drop_tokens(tokens, 0.0) is tokens


def test_variety_is_known_of_vectors_that_are_known():
    square = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    assert variety(square).spread == pytest.approx(1)
    assert variety(square).rank == pytest.approx(2)
    assert variety(square + torch.tensor([0, 0, 3.0])).spread == pytest.approx(0.1)  # 1 of 1 + 9
    same = variety(torch.ones(5, 3))
    assert same.spread == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("after", "collapsed"),
    [(Variety(0.2, 30), False), (Variety(0.001, 30), True), (Variety(0.2, 2), True), (Variety(float("nan"), 30), True)],
)
def test_what_lost_its_spread_or_its_directions_has_collapsed(after, collapsed):
    assert has_collapsed(Variety(0.1, 40), after) is collapsed

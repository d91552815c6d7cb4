"""A budget of tokens: long rows in bounded time and memory, each feature where its token stood."""

import numpy as np
import pytest
import torch

from mt_core.contract import Tokens
from mt_core.encoder import load_encoder
from mt_core.encoder.merging import merged_places
from mt_core.errors import OptionError


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("random/vit_tiny_patch16_224").with_layers([2])


def drawn(*lengths, width=192, seed=0):
    """Tokens of rows of these lengths, noise behind them."""
    values = torch.randn(len(lengths), max(lengths), width, generator=torch.Generator().manual_seed(seed))
    return Tokens(values, torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


@pytest.mark.parametrize("budget", ["merge:32", "tiles:32"])
def test_a_row_within_the_budget_is_as_without_one(encoder, budget):
    tokens = drawn(100, 20)
    features = encoder.with_budget(budget)(tokens)
    alone = encoder(Tokens(tokens.values[1:, :20]))
    torch.testing.assert_close(features.tokens[1:, :20], alone.tokens, atol=1e-5, rtol=0)
    torch.testing.assert_close(features.cls[1:], alone.cls, atol=1e-5, rtol=0)


@pytest.mark.parametrize("budget", ["merge:32", "tiles:32"])
def test_a_long_row_does_not_depend_on_what_else_is_in_the_batch(encoder, budget):
    tokens, budgeted = drawn(70, 150, 33), encoder.with_budget(budget)
    features = budgeted(tokens)
    together = budgeted.forward_together([tokens, drawn(40, 3, seed=1)])[0]
    for row, length in enumerate((70, 150, 33)):
        alone = budgeted(Tokens(tokens.values[row : row + 1, :length]))
        for batch in (features, together):
            torch.testing.assert_close(batch.tokens[row, :length], alone.tokens[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(batch.cls[row], alone.cls[0], atol=1e-5, rtol=0)
            assert not batch.tokens[row, length:].any()


@pytest.mark.parametrize("budget", ["merge:32", "tiles:32"])
def test_what_heads_read_of_the_tokens_stays(encoder, budget):
    coords, parts = torch.rand(2, 64, 2), torch.arange(64).expand(2, -1) // 40
    tokens = Tokens(torch.randn(2, 64, 192), None, coords, (8, 8), 2, {"mean": torch.ones(1)}, parts)
    features = encoder.with_budget(budget)(tokens)
    assert features.tokens.shape == (2, 64, 192) and features.mask is None
    assert features.coords is coords and features.grid == (8, 8) and features.parts is parts
    assert features.views == 2 and features.side == {"mean": torch.ones(1)}


def test_tiles_are_the_pieces_of_a_row_by_themselves_and_their_cls_the_mean(encoder):
    tokens = drawn(50)
    features = encoder.with_budget("tiles:20")(tokens)
    pieces = [encoder(Tokens(tokens.values[:, first : first + 20])) for first in (0, 20, 40)]
    torch.testing.assert_close(features.tokens, torch.cat([piece.tokens for piece in pieces], 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(features.cls, torch.stack([piece.cls for piece in pieces]).mean(0), atol=1e-5, rtol=0)


def test_merging_equal_tokens_is_as_each_of_them_once(encoder):
    once = torch.randn(1, 40, 192)
    features = encoder.with_budget(40)(Tokens(once.repeat_interleave(3, dim=1)))
    expected = encoder(Tokens(once)).tokens.repeat_interleave(3, dim=1)
    torch.testing.assert_close(features.tokens, expected, atol=1e-5, rtol=0)


def brute_force(values, most):
    """One round of bipartite matching of a row that is one window, as the paper has it."""
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    count = len(values) - most
    pairs = []
    for source in range(0, len(values), 2):
        cosines = {target: float(unit[source] @ unit[target]) for target in range(1, len(values), 2)}
        target = max(cosines, key=cosines.get)
        pairs.append((cosines[target], source, target))
    groups = {index: {index} for index in range(len(values))}
    for _, source, target in sorted(pairs, reverse=True)[:count]:
        groups[target] |= groups.pop(source)
    return sorted(map(frozenset, groups.values()), key=min)


def test_the_pairs_that_are_most_alike_are_joined():
    values = torch.randn(1, 31, 8, generator=torch.Generator().manual_seed(3))
    places, sizes = merged_places(values, torch.ones(1, 31, dtype=torch.bool), 24)
    found = {frozenset((places[0] == place).nonzero()[:, 0].tolist()) for place in range(sizes.shape[1])}
    assert found == set(brute_force(values[0].numpy(), 24))
    assert sizes.shape == (1, 24) and sizes.sum() == 31


@pytest.mark.parametrize("length", [17, 255, 256, 257, 1000, 5000])
def test_as_many_tokens_are_left_as_the_budget_says(length):
    places, sizes = merged_places(torch.randn(1, length, 8), torch.ones(1, length, dtype=torch.bool), 16)
    assert sizes.shape == (1, 16) and sizes.sum() == length
    assert torch.equal(torch.bincount(places[0]), sizes[0].long())


def test_tokens_of_different_parts_are_never_joined():
    parts = (torch.arange(300) >= 90).long()[None]
    places, _ = merged_places(torch.randn(1, 300, 8), torch.ones(1, 300, dtype=torch.bool), 20, parts)
    assert not set(places[0, :90].tolist()) & set(places[0, 90:].tolist())


def test_gradients_reach_every_token_through_a_budget(encoder):
    for budget in ("merge:16", "tiles:16"):
        values = torch.randn(1, 50, 192, requires_grad=True)
        encoder.with_budget(budget)(Tokens(values)).tokens.square().sum().backward()
        assert (values.grad.abs().sum(-1) > 0).all()


@pytest.mark.parametrize("wrong", ["0", "15", "-3", "pieces:100", "tiles", "merge:", "1e3", 2.5, "tiles:2:100"])
def test_what_is_no_budget_is_refused(encoder, wrong):
    with pytest.raises(OptionError, match="no budget of tokens"):
        encoder.with_budget(wrong)


def test_an_encoder_without_blocks_has_nothing_to_save():
    nothing, tokens = load_encoder("none/vit_tiny_patch16_224"), drawn(100)
    assert torch.equal(nothing.with_budget(16)(tokens).tokens, nothing(tokens).tokens)

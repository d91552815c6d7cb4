"""Features of several blocks side by side."""

from __future__ import annotations

import pytest
import torch

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, parse_layers
from mt_core.errors import OptionError


def by_hand(encoder: Encoder, values: torch.Tensor) -> list[torch.Tensor]:
    """What each block gives, with [CLS], before the final norm; first what enters."""
    prefix = encoder.prefix + encoder.prefix_positions
    states = [encoder.norm_pre(torch.cat([prefix.expand(len(values), -1, -1), values], dim=1))]
    for block in encoder.blocks:
        states.append(block(states[-1]))
    return states


def test_features_of_several_layers_stand_side_by_side_each_behind_the_final_norm(encoder: Encoder) -> None:
    values = torch.randn(2, 5, encoder.width)
    states = by_hand(encoder, values)
    layers = (1, encoder.depth)
    features = encoder.with_layers(layers)(Tokens(values))
    expected = torch.cat([encoder.norm(states[layer]) for layer in layers], dim=-1)
    torch.testing.assert_close(features.tokens, expected[:, 1:])
    torch.testing.assert_close(features.cls, expected[:, 0])
    assert features.tokens.shape[-1] == encoder.with_layers(layers).feature_width == 2 * encoder.width


def test_layer_0_is_what_enters_the_first_block(encoder: Encoder) -> None:
    values = torch.randn(2, 5, encoder.width)
    features = encoder.with_layers((0,))(Tokens(values))
    torch.testing.assert_close(features.tokens, by_hand(encoder, values)[0][:, 1:])


def test_padding_changes_no_layer(encoder: Encoder) -> None:
    chosen = encoder.with_layers((0, 1, encoder.depth))
    values, mask = torch.randn(2, 5, encoder.width), torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    features = chosen(Tokens(values, mask))
    alone = chosen(Tokens(values[:1, :3]))
    torch.testing.assert_close(features.tokens[:1, :3], alone.tokens, atol=1e-5, rtol=1e-5)
    assert not features.tokens[0, 3:].any()


def test_the_encoder_itself_and_its_fingerprint_stay_as_they_are(encoder: Encoder) -> None:
    tokens = Tokens(torch.randn(2, 5, encoder.width))
    before = encoder(tokens).tokens
    chosen = encoder.with_layers((1,))
    torch.testing.assert_close(encoder(tokens).tokens, before)
    assert chosen.fingerprint == encoder.fingerprint
    assert next(chosen.parameters()) is next(encoder.parameters())
    torch.testing.assert_close(chosen.with_layers(None)(tokens).tokens, before)


@pytest.mark.parametrize("layers", [(), (2, 1), (1, 1), (-1,), (99,)])
def test_layers_that_there_are_not_are_refused(encoder: Encoder, layers: tuple[int, ...]) -> None:
    with pytest.raises(OptionError, match=f"from 0 .* to {encoder.depth}"):
        encoder.with_layers(layers)


def test_layers_are_read_as_a_user_writes_them() -> None:
    assert parse_layers("3, 6,9", 12) == (3, 6, 9)
    assert parse_layers([0, 12], 12) == (0, 12)
    assert parse_layers("quarters", 12) == (3, 6, 9, 12)
    assert parse_layers("quarters", 2) == (1, 2)
    assert parse_layers("last", 12) == (12,)
    assert parse_layers("last", 0) is parse_layers("quarters", 0) is None
    with pytest.raises(OptionError, match="layers=all"):
        parse_layers("all", 12)

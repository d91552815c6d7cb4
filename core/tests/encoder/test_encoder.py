from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest
import torch

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import FingerprintError, TokensError


def test_output_depends_on_every_token(encoder: Encoder) -> None:
    tokens = Tokens(torch.randn(1, 5, 64))
    before = encoder(tokens)
    for position in range(5):
        values = tokens.values.clone()
        values[0, position] += 1
        after = encoder(Tokens(values))
        assert not torch.equal(before.tokens[0, position], after.tokens[0, position])
        assert before.cls is not None and not torch.equal(before.cls, after.cls)


def test_what_the_head_needs_passes_through_untouched(encoder: Encoder) -> None:
    side, coords = {"scale": torch.ones(1)}, torch.zeros(2, 4, 2)
    tokens = Tokens(torch.randn(2, 4, 64), None, coords, (2, 2), 2, side)
    features = encoder(tokens)
    assert features.coords is coords and features.side is side and features.mask is None
    assert (features.grid, features.views) == ((2, 2), 2)
    assert features.tokens.shape == (2, 4, 64)
    assert features.cls is not None and features.cls.shape == (2, 64)


def test_tokens_of_another_width_are_refused_with_the_width_to_use(encoder: Encoder) -> None:
    with pytest.raises(TokensError, match="width=64"):
        encoder(Tokens(torch.zeros(1, 2, 65)))


@pytest.mark.parametrize(
    "tokens",
    [
        Tokens(torch.zeros(2, 3, 64), torch.tensor([[True] * 3, [False] * 3])),
        Tokens(torch.zeros(4, 3, 64), torch.tensor([[True] * 3, [False] * 3, [False] * 3, [False] * 3]), views=2),
        Tokens(torch.zeros(1, 0, 64)),
    ],
)
def test_a_sample_without_a_real_token_is_refused(encoder: Encoder, tokens: Tokens) -> None:
    with pytest.raises(TokensError, match="of the batch has no real token"):
        encoder(tokens)


def test_an_empty_batch_gives_empty_features(encoder: Encoder) -> None:
    assert encoder(Tokens(torch.zeros(0, 3, 64))).tokens.shape == (0, 3, 64)


def test_an_optimiser_finds_nothing_to_train(encoder: Encoder) -> None:
    assert encoder.is_frozen
    assert [name for name, parameter in encoder.named_parameters() if parameter.requires_grad] == []


def test_train_leaves_it_in_evaluation_mode(encoder: Encoder) -> None:
    encoder.train()
    assert not any(module.training for module in encoder.modules())


def test_gradients_pass_through_it_and_leave_its_bytes_alone(encoder: Encoder, padded_tokens: Tokens) -> None:
    values = padded_tokens.values.requires_grad_()
    encoder(padded_tokens).tokens.square().sum().backward()
    assert values.grad is not None and values.grad[padded_tokens.real()].abs().min() > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())
    encoder.verify()


@pytest.mark.parametrize("name", ["blocks.5.mlp.fc2.bias", "prefix", "positions"])
def test_verify_finds_one_changed_number(encoder: Encoder, name: str) -> None:
    encoder.state_dict()[name].view(-1)[3] += 1e-6
    with pytest.raises(FingerprintError, match="was changed after loading"):
        encoder.verify()


def test_unfreezing_lets_blocks_norm_and_prefix_learn(encoder: Encoder, padded_tokens: Tokens) -> None:
    loaded = encoder.fingerprint
    encoder.unfreeze().train()
    assert not encoder.is_frozen and encoder.blocks.training
    optimiser = torch.optim.SGD(encoder.parameters(), lr=0.1)
    features = encoder(padded_tokens)
    (features.tokens.square().mean() + features.cls.square().mean()).backward()
    optimiser.step()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    assert encoder.fingerprint != loaded


def test_it_counts_the_parameters_that_a_forward_runs_through() -> None:
    encoder = load_encoder("random/vit_tiny_patch16_224")
    width, block = 192, 4 * 192 * 192 + 4 * 192 + 8 * 192 * 192 + 5 * 192 + 4 * 192
    assert encoder.num_parameters() == 12 * block + 2 * width + 2 * width  # blocks, norm, [CLS] and its position
    assert (encoder.width, encoder.depth, encoder.num_heads) == (192, 12, 3)


def test_it_survives_copying_and_pickling(encoder: Encoder, padded_tokens: Tokens) -> None:
    for twin in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        twin.verify()
        assert twin.fingerprint == encoder.fingerprint
        assert torch.equal(twin(padded_tokens).tokens, encoder(padded_tokens).tokens)


@pytest.mark.parametrize("is_masked", [False, True])
def test_bfloat16_autocast_stays_near_float32(encoder: Encoder, padded_tokens: Tokens, is_masked: bool) -> None:
    tokens = padded_tokens if is_masked else Tokens(padded_tokens.values)
    exact = encoder(tokens)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = encoder(replace(tokens, values=tokens.values.bfloat16()))
    assert (coarse.tokens - exact.tokens).abs().max() < 0.1
    assert (coarse.cls - exact.cls).abs().max() < 0.1


def test_autocast_works_where_queries_and_keys_are_normalised() -> None:
    encoder = load_encoder("random/test_vit4")  # RMS norms on queries and keys
    tokens = Tokens(torch.randn(2, 4, encoder.width), torch.tensor([[True] * 4, [True, False, False, False]]))
    with torch.autocast("cpu", torch.bfloat16):
        assert encoder(tokens).tokens.isfinite().all()

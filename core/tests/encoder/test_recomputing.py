"""The inside of a frozen block's MLP is computed again in the pass back: less is kept, the numbers are the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder, recomputing
from mt_core.encoder.vit import LayerScale, QuickGELU

TOKENS, WIDTH, DEPTH = 9, 64, 6


@pytest.fixture(autouse=True)
def few_tokens_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputing, "LEAST_MIB", 0)


def gradient(encoder: Encoder, tokens: Tokens) -> Tensor:
    """Of something that depends on every feature, to the tokens."""
    values = tokens.values.detach().requires_grad_()
    features = encoder(Tokens(values, tokens.mask)).tokens
    weights = torch.linspace(-1, 1, features.numel()).view_as(features)
    (found,) = torch.autograd.grad((features.float() * weights).sum(), values)
    return found


def kept_numbers(encoder: Encoder) -> int:
    """How many numbers one forward keeps for the pass back, weights aside."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in encoder.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        encoder(Tokens(torch.randn(1, TOKENS, WIDTH, requires_grad=True)))
    return sum(tensor.untyped_storage().nbytes() // tensor.element_size() for tensor in kept.values())


def trained(encoder: Encoder) -> Encoder:
    """The same weights, none of them frozen, so that nothing is computed again."""
    return load_encoder(encoder.name).unfreeze()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_gradients_are_those_of_an_encoder_that_keeps_everything(
    encoder: Encoder, padded_tokens: Tokens, precision: torch.dtype
) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        frozen, expected = (gradient(each, padded_tokens) for each in (encoder, trained(encoder)))
    assert expected.abs().max() > 0
    torch.testing.assert_close(frozen, expected, rtol=1e-6, atol=1e-6 * float(expected.abs().max()))


@pytest.mark.parametrize("act", [nn.GELU(approximate="tanh"), QuickGELU()])
def test_so_they_are_with_another_activation_and_a_layer_scale(
    encoder: Encoder, padded_tokens: Tokens, act: nn.Module
) -> None:
    whole = trained(encoder)
    for each in (encoder, whole):
        each.blocks[2].mlp.act, each.blocks[2].ls2 = act, LayerScale(WIDTH, 0.3)
    encoder.requires_grad_(False)
    torch.testing.assert_close(gradient(encoder, padded_tokens), gradient(whole, padded_tokens), rtol=1e-6, atol=1e-6)


def test_a_frozen_block_keeps_six_numbers_for_each_of_a_token_and_a_trained_one_more(encoder: Encoder) -> None:
    """Frozen: queries, keys, values, what attention gives, and what each norm takes. Trained: also what each norm
    gives, and what the activation takes and gives."""
    numbers, hidden = (TOKENS + 1) * WIDTH * DEPTH, encoder.blocks[0].mlp.fc1.out_features / WIDTH  # with [CLS]
    assert kept_numbers(encoder) / numbers == pytest.approx(6, rel=0.1)
    assert kept_numbers(encoder.unfreeze()) / numbers == pytest.approx(8 + 2 * hidden, rel=0.1)


def test_few_tokens_are_kept_for_time_counts_more(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    recomputed = kept_numbers(encoder)
    monkeypatch.setattr(recomputing, "LEAST_MIB", 1)
    assert kept_numbers(encoder) > recomputed


def test_weights_that_learn_get_their_gradients(encoder: Encoder, padded_tokens: Tokens) -> None:
    norm2 = encoder.blocks[3].norm2
    norm2.requires_grad_(True)
    padded_tokens.values.requires_grad_()
    encoder(padded_tokens).tokens.square().sum().backward()
    assert norm2.weight.grad is not None and norm2.weight.grad.abs().min() > 0


def test_a_layer_put_in_place_of_the_last_one_is_heeded(encoder: Encoder, padded_tokens: Tokens) -> None:
    """Adapters that are frozen themselves hide the weight that they are added to."""

    class Doubled(nn.Module):
        def __init__(self, layer: nn.Linear) -> None:
            super().__init__()
            self.layer, self.weight = layer, layer.weight

        def forward(self, values: Tensor) -> Tensor:
            return 2 * self.layer(values)  # type: ignore[no-any-return]

    whole = trained(encoder)
    for each in (encoder, whole):
        each.blocks[0].mlp.fc2 = Doubled(each.blocks[0].mlp.fc2)
    torch.testing.assert_close(gradient(encoder, padded_tokens), gradient(whole, padded_tokens))

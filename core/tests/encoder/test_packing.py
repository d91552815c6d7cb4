"""Packed execution against timm's own, padded with an attention mask or a row at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder
from mt_core.encoder.packing import plan_packing
from mt_core.encoder.plain_vit import parts_of
from mt_core.encoder.timm_models import converted
from mt_core.errors import TokensError

NAMES = [
    "test_vit",
    "test_vit2",
    "test_vit3",
    "test_vit4",
]  # [CLS]; registers and layer scale; no final norm; RMS norms
SHAPES = {
    "plain": {},
    "clip": {"pre_norm": True},
    "registers": {"reg_tokens": 4, "no_embed_class": True, "init_values": 0.1},
    "registers with positions": {"reg_tokens": 2},
    "no cls": {"class_token": False, "global_pool": "avg", "fc_norm": False},
    "qk norm": {"qk_norm": True, "scale_attn_norm": True},
    "no positions": {"pos_embed": "none"},
}


def vit_of(arguments: dict[str, object]) -> VisionTransformer:
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2, "num_classes": 0}
    vit = VisionTransformer(**{**sizes, **arguments}).eval()
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return vit


def encoder_of(vit: VisionTransformer) -> Encoder:
    ones = (1.0, 1.0, 1.0)
    return Encoder(parts_of(converted(vit, "x")), name="x", description="x", is_trained=False, mean=ones, std=ones)


def with_prefix(encoder: Encoder, values: Tensor) -> tuple[Tensor, int]:
    if encoder.prefix is None:
        return values, 0
    prefix = encoder.prefix if encoder.prefix_positions is None else encoder.prefix + encoder.prefix_positions
    return torch.cat([prefix.expand(len(values), -1, -1), values], dim=1), len(prefix)


def twin(encoder: Encoder, name: str) -> nn.Sequential:
    """timm's own blocks of a model, with the encoder's weights."""
    blocks = timm.create_model(name, num_classes=0).blocks
    blocks.load_state_dict(encoder.blocks.state_dict())
    return blocks.eval()


def padded_by_timm(encoder: Encoder, blocks: nn.Sequential, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Through timm's own blocks: tokens with zeros in padding, and the first token of each row."""
    full, num_prefix = with_prefix(encoder, values)
    keys = torch.cat([mask.new_ones(len(mask), num_prefix), mask], dim=1)
    attn_mask = keys[:, None, None, :].expand(-1, 1, keys.shape[1], -1)
    full = encoder.norm_pre(full)
    for block in blocks:
        full = block(full, attn_mask=attn_mask)
    full = encoder.norm(full)
    return full[:, num_prefix:] * mask.unsqueeze(-1), full[:, 0]


def ragged(width: int, lengths: list[int]) -> tuple[Tensor, Tensor]:
    longest = max(lengths)
    values = torch.randn(len(lengths), longest, width, generator=torch.Generator().manual_seed(1))
    return values, torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)


# without positions older timm leaves [CLS] out
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "no positions"])
def test_whole_pictures_equal_timms_own_features(shape: str) -> None:
    vit = vit_of(SHAPES[shape])
    pictures = torch.randn(2, 3, 32, 32)
    expected = vit.forward_features(pictures)
    encoder = encoder_of(vit)
    assert encoder.patch_weight is not None
    patches = nn.functional.conv2d(pictures, encoder.patch_weight, encoder.patch_bias, stride=8).flatten(2).mT
    features = encoder(Tokens(patches + encoder.positions))
    num_prefix = vit.num_prefix_tokens
    torch.testing.assert_close(features.tokens, expected[:, num_prefix:], rtol=0, atol=1e-5)
    if vit.has_class_token:
        torch.testing.assert_close(features.cls, expected[:, 0], rtol=0, atol=1e-5)
    else:
        assert features.cls is None


@pytest.mark.parametrize("shape", SHAPES)
def test_packed_equals_padded_in_values_and_in_gradients(shape: str) -> None:
    vit = vit_of(SHAPES[shape])
    encoder = encoder_of(vit)
    values, mask = ragged(32, [5, 16, 1, 5, 11, 16])
    one, two = values.clone().requires_grad_(), values.clone().requires_grad_()
    weights = torch.randn_like(values)
    packed = encoder(Tokens(one, mask))
    padded, first = padded_by_timm(encoder, vit.blocks, two, mask)
    torch.testing.assert_close(packed.tokens, padded, rtol=0, atol=1e-5)
    if packed.cls is not None:
        torch.testing.assert_close(packed.cls, first, rtol=0, atol=1e-5)
    (packed.tokens * weights).sum().backward()
    (padded * weights).sum().backward()
    torch.testing.assert_close(one.grad, two.grad, rtol=0, atol=1e-5)
    assert one.grad is not None and (one.grad[~mask] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_packed_equals_padded_for_timms_test_models(name: str) -> None:
    encoder = load_encoder(f"random/{name}")
    values, mask = ragged(encoder.width, [2, 9, 4, 9])
    expected, _ = padded_by_timm(encoder, twin(encoder, name), values, mask)
    torch.testing.assert_close(encoder(Tokens(values, mask)).tokens, expected, rtol=0, atol=1e-5)


def test_vit_tiny_on_long_ragged_rows_equals_padded() -> None:
    encoder = load_encoder("random/vit_tiny_patch16_224")
    values, mask = ragged(192, [16, 33, 100, 64])
    with torch.no_grad():
        expected, _ = padded_by_timm(encoder, twin(encoder, "vit_tiny_patch16_224"), values, mask)
        torch.testing.assert_close(encoder(Tokens(values, mask)).tokens, expected, rtol=0, atol=1e-5)


def test_gradients_of_an_unfrozen_encoder_equal_those_of_padded_execution() -> None:
    vit = vit_of(SHAPES["registers with positions"])  # whose blocks share their weights with the encoder's
    encoder = encoder_of(vit).unfreeze()
    values, mask = ragged(32, [3, 8, 8])
    gradients = []
    for tokens in (encoder(Tokens(values, mask)).tokens, padded_by_timm(encoder, vit.blocks, values, mask)[0]):
        encoder.zero_grad()
        tokens.square().mean().backward()
        gradients.append({name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() == dict(encoder.named_parameters()).keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-4, atol=1e-5, msg=name)


def test_masked_values_change_nothing(encoder: Encoder, padded_tokens: Tokens) -> None:
    changed = padded_tokens.values.masked_fill(~padded_tokens.real().unsqueeze(-1), 1e6)
    before, after = encoder(padded_tokens), encoder(replace(padded_tokens, values=changed))
    assert torch.equal(before.tokens, after.tokens) and torch.equal(before.cls, after.cls)


def test_padded_positions_are_zero(encoder: Encoder, padded_tokens: Tokens) -> None:
    features = encoder(padded_tokens).tokens
    assert (features[~padded_tokens.real()] == 0).all()
    assert (features[padded_tokens.real()] != 0).all()


def test_padding_changes_no_token(encoder: Encoder) -> None:
    values = torch.randn(2, 5, 64)
    bare = encoder(Tokens(values))
    mask = torch.arange(9) < 5
    padded = encoder(Tokens(nn.functional.pad(values, (0, 0, 0, 4)), mask.expand(2, -1)))
    torch.testing.assert_close(padded.tokens[:, :5], bare.tokens, rtol=0, atol=1e-5)
    torch.testing.assert_close(padded.cls, bare.cls, rtol=0, atol=1e-5)


def test_the_batchs_other_members_change_nothing(encoder: Encoder, padded_tokens: Tokens) -> None:
    together = encoder(padded_tokens)
    assert padded_tokens.mask is not None
    for row in range(4):
        alone = encoder(Tokens(padded_tokens.values[row : row + 1], padded_tokens.mask[row : row + 1]))
        torch.testing.assert_close(alone.tokens[0], together.tokens[row], rtol=0, atol=1e-5)
        torch.testing.assert_close(alone.cls[0], together.cls[row], rtol=0, atol=1e-5)


def test_real_tokens_may_stand_anywhere_in_their_row(encoder: Encoder) -> None:
    values = torch.randn(2, 6, 64)
    mask = torch.tensor([[False, True, True, False, True, False], [True, True, True, True, True, True]])
    scattered = encoder(Tokens(values, mask)).tokens[0, mask[0]]
    gathered = encoder(Tokens(values[:1, mask[0]])).tokens[0]
    torch.testing.assert_close(scattered, gathered, rtol=0, atol=1e-5)


def test_padding_views_are_never_computed(encoder: Encoder) -> None:
    values = torch.randn(4, 3, 64)
    values[1] = torch.nan
    mask = torch.tensor([[True, True, False], [False] * 3, [True] * 3, [True] * 3])
    features = encoder(Tokens(values, mask, views=2))
    assert features.tokens.isfinite().all() and features.pool("cls+mean+max").isfinite().all()
    assert (features.cls[1] == 0).all() and (features.tokens[1] == 0).all()
    assert 1 not in plan_packing(mask, 1).rows.tolist()


def test_the_blocks_see_no_more_tokens_than_are_real(encoder: Encoder, padded_tokens: Tokens) -> None:
    seen: list[int] = []
    block = encoder.blocks[0]
    assert isinstance(block.mlp, nn.Module)
    block.mlp.register_forward_hook(lambda module, inputs, output: seen.append(output.numel() // 64))
    encoder(padded_tokens)
    assert seen == [3 + 7 + 1 + 7 + 4]  # and one [CLS] a row


def test_a_gated_attention_is_computed_as_timm_does(padded_tokens: Tokens) -> None:
    torch.manual_seed(0)
    vit = timm.create_model("test_vit", num_classes=0).eval()
    for block in vit.blocks:
        block.attn.gate = nn.Linear(64, 64)
    if "gate" not in type(vit.blocks[0].attn).forward.__code__.co_varnames:
        pytest.skip("this timm has no gated attention")
    encoder = encoder_of(vit)
    assert padded_tokens.mask is not None
    expected, _ = padded_by_timm(encoder, vit.blocks, padded_tokens.values, padded_tokens.mask)
    torch.testing.assert_close(encoder(padded_tokens).tokens, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_batches_of_several_lengths_together_equal_each_alone(shape: str) -> None:
    encoder = encoder_of(vit_of(SHAPES[shape]))
    torch.manual_seed(1)
    short = Tokens(torch.randn(3, 4, 32), views=3, side={"mean": torch.ones(1)})
    ragged = Tokens(torch.randn(2, 9, 32), torch.tensor([[True] * 4 + [False] * 5, [False, True] * 4 + [False]]))
    long = Tokens(torch.randn(1, 17, 32), grid=(1, 17))
    for alone, together in zip(
        [encoder(batch) for batch in (short, ragged, long)],
        encoder.forward_together([short, ragged, long]),
        strict=True,
    ):
        torch.testing.assert_close(together.tokens, alone.tokens, atol=1e-5, rtol=0)
        assert (together.cls is None) == (alone.cls is None)
        if alone.cls is not None:
            torch.testing.assert_close(together.cls, alone.cls, atol=1e-5, rtol=0)
        assert (together.views, together.grid, dict(together.side)) == (alone.views, alone.grid, dict(alone.side))


def test_rows_of_one_length_of_several_batches_are_attended_to_in_one_call(encoder: Encoder) -> None:
    calls = []
    encoder.blocks[0].attn.register_forward_pre_hook(lambda module, arguments: calls.append(arguments[1]))
    width, prefix = encoder.width, len(encoder.prefix)
    encoder.forward_together(
        [Tokens(torch.randn(2, 5, width)), Tokens(torch.randn(1, 7, width)), Tokens(torch.randn(3, 5, width))]
    )
    assert calls == [((5, 5 + prefix), (1, 7 + prefix))]


def test_a_batch_that_cannot_be_taken_is_refused_together_with_others_too(encoder: Encoder) -> None:
    fits, wide = Tokens(torch.randn(1, 5, encoder.width)), Tokens(torch.randn(1, 5, encoder.width + 1))
    with pytest.raises(TokensError):
        encoder.forward_together([fits, wide])


@pytest.mark.parametrize("shape", ["plain", "no cls"])
@pytest.mark.parametrize("is_ragged", [True, False])
@pytest.mark.parametrize("lengths", [[3, 8, 8, 1, 5], [3, 0, 0, 8, 0]])
def test_more_rows_than_are_computed_together_give_the_same_features(monkeypatch, shape, is_ragged, lengths) -> None:
    encoder = encoder_of(vit_of(SHAPES[shape]))
    values, mask = ragged(32, lengths)
    tokens = Tokens(values, mask if is_ragged else None, views=5)
    with torch.no_grad():
        expected = encoder(tokens)
        monkeypatch.setattr("mt_core.encoder.encoder._TOKENS_AT_ONCE", 16)  # two rows
        pieces = encoder(tokens)
    torch.testing.assert_close(pieces.tokens, expected.tokens, rtol=0, atol=1e-5)
    assert (pieces.cls is None) == (expected.cls is None)
    if expected.cls is not None:
        torch.testing.assert_close(pieces.cls, expected.cls, rtol=0, atol=1e-5)

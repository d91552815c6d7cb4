"""Other ways of computing the blocks give what torch gives in float32, for every mixture of lengths."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cosine_similarity, layer_norm, linear

from mt_core.contract import Tokens
from mt_core.data.precision import has_bf16
from mt_core.encoder import Encoder, load_encoder
from mt_core.encoder import backends as making
from mt_core.encoder.backend_names import BACKENDS, runtime_of
from mt_core.encoder.backends import make_runner
from mt_core.encoder.plain_blocks import Affine, Norm
from mt_core.encoder.quantization import observed_ranges, smoothed
from mt_core.errors import EncoderError, MissingDependencyError

ROUNDED = 0.999
HAS_BF16 = has_bf16(torch.device("cpu"))


def draw(rows: int, length: int, *, width: int = 64) -> torch.Tensor:
    return torch.randn(rows, length, width, generator=torch.Generator().manual_seed(rows * length))


MIXTURES = {
    "one length": Tokens(draw(6, 9)),
    "one length behind a mask": Tokens(draw(6, 9), (torch.arange(9) < 5).expand(6, -1)),
    "many lengths": Tokens(draw(6, 9), torch.arange(9) < torch.tensor([[1], [9], [4], [4], [9], [2]])),
    "views without tokens": Tokens(draw(6, 9), torch.arange(9) < torch.tensor([[0], [9], [4], [0], [9], [2]]), views=2),
    "one row": Tokens(draw(1, 300)),
}


def run_with(encoder: Encoder, backend: str) -> Encoder:
    if runtime_of(backend) is not None:
        pytest.importorskip(runtime_of(backend))
    if backend.endswith("bf16") and not HAS_BF16:
        pytest.skip("this CPU has no bfloat16 arithmetic")
    return encoder.with_runner(make_runner(encoder, backend, list(MIXTURES.values()), has_bf16=HAS_BF16))


def assert_same(encoder: Encoder, backed: Encoder, tokens: Tokens, *, exactly: bool) -> None:
    with torch.inference_mode():
        expected, found = encoder(tokens), backed(tokens)
    assert (found.tokens[~tokens.real()] == 0).all()
    for pool in ("cls", "mean", "max"):
        mine, theirs = found.pool(pool), expected.pool(pool)
        if exactly:
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
        elif pool != "max":
            by_layer = (each.unflatten(-1, (-1, encoder.width)) for each in (mine, theirs))
            assert cosine_similarity(*by_layer, dim=-1).min() >= ROUNDED


@pytest.mark.parametrize("layers", [None, (0, 2, 6)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_gives_the_features_of_float32(encoder, backend, layers):
    chosen = encoder.with_layers(layers)
    backed = run_with(chosen, backend)
    for tokens in MIXTURES.values():
        assert_same(chosen, backed, tokens, exactly=backend.endswith("-32"))


@pytest.mark.parametrize("name", ["test_vit2", "test_vit3"])  # registers and layer scale; no final norm
@pytest.mark.parametrize("backend", ["onednn-32", "openvino-32"])
def test_other_plain_encoders_give_the_same_too(name, backend):
    encoder = load_encoder(f"random/{name}")
    backed = run_with(encoder, backend)
    tokens = Tokens(draw(3, 7, width=encoder.width))
    with torch.inference_mode():
        torch.testing.assert_close(backed(tokens).tokens, encoder(tokens).tokens, rtol=1e-4, atol=1e-4)


def test_blocks_with_more_in_them_are_refused():
    encoder = load_encoder("random/test_vit4")  # RMS norms
    with pytest.raises(EncoderError, match=r"(?i)rms_?norm"):
        make_runner(encoder, "onednn-32", [], has_bf16=False)


def test_an_encoder_that_learns_is_refused(encoder):
    with pytest.raises(EncoderError, match="not frozen"):
        make_runner(encoder.unfreeze(), "onednn-32", [], has_bf16=False)


def test_a_runtime_that_is_not_installed_is_named_with_its_extra(encoder, monkeypatch):
    monkeypatch.setattr(making, "is_installed", lambda backend: False)
    with pytest.raises(MissingDependencyError, match=r"mt-core\[openvino\]"):
        make_runner(encoder, "openvino-32", [], has_bf16=False)


def test_what_a_runtime_raises_is_an_error_of_ours(encoder, monkeypatch):
    def crash(*_: object) -> None:
        raise RuntimeError("no such kernel\nat line 7")

    monkeypatch.setattr(making, "plain_blocks", crash)
    with pytest.raises(EncoderError, match="onednn-32 failed: RuntimeError: no such kernel"):
        make_runner(encoder, "onednn-32", [], has_bf16=False)


def test_other_layers_take_no_runner_that_was_made_for_these(encoder):
    backed = encoder.with_runner(make_runner(encoder, "onednn-32", [], has_bf16=False))
    assert backed.runner is not None and backed.with_layers((1,)).runner is None


def test_scales_move_from_a_norm_to_the_layer_behind_it_and_change_nothing(encoder):
    seen = observed_ranges(encoder, [MIXTURES["many lengths"]])[0, "qkv"]
    block = encoder.blocks[0]
    norm = Norm(Affine(block.norm1.weight.detach(), block.norm1.bias.detach()), block.norm1.eps)
    layer = Affine(block.attn.qkv.weight.detach(), block.attn.qkv.bias.detach())
    tokens = draw(4, 5)
    results = []
    for a_norm, a_layer in ((norm, layer), smoothed(norm, layer, seen)):
        normed = layer_norm(tokens, (64,), a_norm.affine.weight, a_norm.affine.bias, a_norm.eps)
        results.append(linear(normed, a_layer.weight, a_layer.bias))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)
    assert seen.scales is not None and seen.scales.std() > 0.01  # and yet they are not the same numbers


def test_ranges_are_those_of_what_goes_into_the_layers(encoder):
    given = []
    encoder.blocks[2].mlp.fc2.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    seen = observed_ranges(encoder, [MIXTURES["one length"], MIXTURES["one row"]])[2, "fc2"]
    assert seen.edges == (min(float(each.min()) for each in given), max(float(each.max()) for each in given))

from __future__ import annotations

import hashlib
import math

import pytest
import torch

from mt_core.encoder import load_encoder
from mt_core.encoder.random_weights import draw_weights

# written down once: whoever changes it changes the features of every run that is out there
TINY = "19d2e5d4f6669fbf73536801389ace300f63c32b597d1741b8247b24f45bf458"


def philox4x64(counter: int, key: bytes) -> list[int]:
    """The ten rounds of Salmon et al. 2011, section 3.3, in plain integers."""
    whole = (1 << 64) - 1
    words = [counter & whole, 0, 0, 0]
    keys = [int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")]
    for _ in range(10):
        high_0, low_0 = divmod(words[0] * 0xD2E7470EE14C6C93, 1 << 64)
        high_1, low_1 = divmod(words[2] * 0xCA5A826395121157, 1 << 64)
        words = [high_1 ^ words[1] ^ keys[0], low_1, high_0 ^ words[3] ^ keys[1], low_0]
        keys = [(keys[0] + 0x9E3779B97F4A7C15) & whole, (keys[1] + 0xBB67AE8584CAA73B) & whole]
    return words


def test_the_first_weights_follow_from_the_published_generator() -> None:
    weight = torch.empty(5, 3)
    draw_weights({"w": weight}, seed=7)
    key = hashlib.sha256(b"7/w").digest()
    words = philox4x64(1, key) + philox4x64(2, key)
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    bound = math.sqrt(6 / (3 + 5))
    expected = [((half >> 8) / 2**23 - 1) * bound for half in halves[:15]]
    torch.testing.assert_close(weight.flatten(), torch.tensor(expected), rtol=1e-6, atol=0)


def test_vit_tiny_of_seed_0_is_the_same_on_every_machine() -> None:
    encoder = load_encoder("random/vit_tiny_patch16_224")
    assert encoder.fingerprint == TINY
    assert encoder.description == "random ViT-Tiny, seed 0 (untrained control)"
    assert not encoder.is_trained


def test_another_seed_gives_other_weights_and_says_so() -> None:
    encoder = load_encoder("random/vit_tiny_patch16_224@1")
    assert encoder.fingerprint != TINY
    assert "seed 1" in encoder.description


def test_the_global_generator_neither_changes_them_nor_is_changed() -> None:
    torch.manual_seed(3)
    first = load_encoder("random/test_vit").fingerprint
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), drawn)
    assert load_encoder("random/test_vit").fingerprint == first


def test_tensors_of_equal_shape_have_streams_of_their_own() -> None:
    weights = {"a": torch.empty(8, 8), "b": torch.empty(8, 8)}
    draw_weights(weights, seed=0)
    assert not torch.equal(weights["a"], weights["b"])


@pytest.mark.parametrize(
    ("name", "shape", "std"),
    [
        ("blocks.0.mlp.fc1.weight", (512, 128), math.sqrt(2 / (512 + 128))),
        ("blocks.0.attn.qkv.weight", (3 * 128, 128), math.sqrt(2 / (128 + 128))),
        ("patch_embed.proj.weight", (128, 3, 8, 8), math.sqrt(2 / (128 + 192))),
        ("pos_embed", (1, 197, 192), 0.02),
    ],
)
def test_spread_is_that_of_xavier_and_of_embeddings(name: str, shape: tuple[int, ...], std: float) -> None:
    weight = torch.empty(shape)
    draw_weights({name: weight}, seed=0)
    assert weight.std().item() == pytest.approx(std, rel=0.02)
    assert abs(weight.mean().item()) < 0.02 * std
    assert weight.abs().max().item() <= std * math.sqrt(3) * (1 + 1e-6)


def test_a_tensor_longer_than_a_draw_has_no_repetition() -> None:
    weight = torch.empty(1, (1 << 20) + 5)
    draw_weights({"w": weight}, seed=0)
    assert not torch.equal(weight[0, :5], weight[0, -5:])


def test_norms_biases_and_layer_scales_keep_their_constants() -> None:
    encoder = load_encoder("random/test_vit2")
    tensors = encoder.state_dict()
    assert (tensors["blocks.0.norm1.weight"] == 1).all() and (tensors["blocks.0.norm1.bias"] == 0).all()
    assert (tensors["blocks.0.attn.qkv.bias"] == 0).all() and (tensors["patch_bias"] == 0).all()
    scales = tensors["blocks.0.ls1.gamma"]
    assert scales.unique().numel() == 1 and scales[0].item() == pytest.approx(1e-5)
    assert all(tensor.isfinite().all() for tensor in tensors.values())

"""Our own ViTs against timm's: the same facts, the same tensors, the same numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from mt_core.contract import Tokens
from mt_core.encoder import Encoder, load_encoder
from mt_core.encoder.architectures import ARCHITECTURES, ModelArgs
from mt_core.encoder.plain_vit import build_vit, normalisation, parts_of
from mt_core.encoder.random_weights import draw_weights
from mt_core.encoder.timm_models import build_timm, timm_normalisation
from mt_core.encoder.vit import PatchEmbed, PlainVit

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 2, "num_heads": 2}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "queries and keys normalised": {"qk_norm": True, "qkv_bias": False},
    "layer scale and registers": {"init_values": 0.1, "reg_tokens": 4, "no_embed_class": True},
    "registers with positions": {"reg_tokens": 2},
    "a norm before": {"pre_norm": True},
    "no cls": {"class_token": False, "global_pool": "avg"},
    "no cls, yet a norm": {"class_token": False, "global_pool": "avg", "fc_norm": False},
    "no norm after": {"final_norm": False, "mlp_ratio": 2.5},
}


def same_weights(ours: PlainVit, theirs: PlainVit) -> None:
    generator = torch.Generator().manual_seed(0)
    given = {name: torch.randn(tensor.shape, generator=generator) / 4 for name, tensor in ours.state_dict().items()}
    for vit in (ours, theirs):
        wrong = vit.load_state_dict(given, strict=False)
        assert not wrong.unexpected_keys and all(name.startswith("fc_norm.") for name in wrong.missing_keys)


def encoder_of(vit: PlainVit) -> Encoder:
    ones = (1.0, 1.0, 1.0)
    return Encoder(parts_of(vit), name="x", description="x", is_trained=False, mean=ones, std=ones)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_named_vit_has_timms_tensors_norms_activation_and_normalisation(name: str) -> None:
    ours, theirs = build_vit(name, depth=1), build_timm(name, depth=1)
    assert isinstance(ours.patch_embed, PatchEmbed) and not isinstance(theirs.patch_embed, PatchEmbed)
    shapes = [{key: tensor.shape for key, tensor in vit.state_dict().items()} for vit in (ours, theirs)]
    assert shapes[0] == shapes[1]
    facts = []
    for vit in (ours, theirs):
        block = vit.blocks[0]
        norms = [module.eps for module in (block.norm1, block.norm2, vit.norm, vit.norm_pre) if hasattr(module, "eps")]
        facts.append((block.attn.num_heads, norms, type(block.mlp.act).__name__, vit.patch_embed.grid_size))
    assert facts[0] == facts[1]
    assert normalisation(name) == timm_normalisation(name, {})


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_large_patch14_clip_224", "test_vit"])
def test_a_named_vit_is_as_deep_as_timms(name: str) -> None:
    theirs = timm.create_model(name, weight_init="skip", embed_dim=16, num_heads=1)
    assert ARCHITECTURES[name].args.depth == len(theirs.blocks)


@pytest.mark.parametrize("name", ["vit_base_patch16_224", "vit_base_patch16_clip_quickgelu_224"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_features_and_gradients_are_timms_to_the_bit(name: str, settings: str) -> None:
    arguments = {**SMALL, **SETTINGS[settings]}
    ours, theirs = build_vit(name, **arguments), timm.create_model(name, num_classes=0, **arguments).eval()
    assert isinstance(ours.patch_embed, PatchEmbed)
    same_weights(ours, theirs)
    own = encoder_of(ours).unfreeze()
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    patches = theirs.patch_embed(pictures)
    num_prefix = theirs.num_prefix_tokens
    given = theirs.forward_features(pictures)
    values = (patches + own.positions).detach().requires_grad_()
    features = own(Tokens(values))
    assert torch.equal(features.tokens, given[:, num_prefix:])
    assert (features.cls is None) == (theirs.cls_token is None)
    if features.cls is not None:
        assert torch.equal(features.cls, given[:, 0])
    for tokens in (features.tokens, given[:, num_prefix:]):
        tokens.square().sum().backward()
    learned = dict(theirs.blocks.named_parameters())
    assert learned.keys() == dict(own.blocks.named_parameters()).keys()
    for parameter, mine in own.blocks.named_parameters():
        assert torch.equal(mine.grad, learned[parameter].grad), parameter


def test_what_a_draw_leaves_alone_is_as_timm_builds_it() -> None:
    arguments = {**SMALL, "init_values": 0.3, "pre_norm": True, "qk_norm": True}
    ours, theirs = build_vit("vit_base_patch16_224", **arguments), build_timm("vit_base_patch16_224", **arguments)
    constant = [name for name in ours.state_dict() if "norm" in name or "gamma" in name]
    assert len(constant) == 2 * (2 * 4 + 2) + 2 * 2
    assert all(torch.equal(ours.state_dict()[name], theirs.state_dict()[name]) for name in constant)


@pytest.mark.parametrize(
    "arguments",
    [{"embed_dim": 190}, {"depth": 2.0}, {"act_layer": "relu"}, {"patch_size": [16, 16]}, {"class_token": False}],
)
def test_other_arguments_are_left_to_timm(arguments: dict[str, Any]) -> None:
    assert ModelArgs().changed(arguments) is None


def test_an_argument_that_is_none_leaves_the_default() -> None:
    assert ModelArgs().changed({"init_values": None, "depth": 3}) == ModelArgs(depth=3)


def test_known_encoders_and_files_need_no_timm(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    file = tmp_path / "model.safetensors"
    vit = build_vit("vit_tiny_patch16_224", depth=1)
    draw_weights(vit.state_dict(), 0)
    save_file(vit.state_dict(), file)
    blocks = {name[7:]: tensor for name, tensor in load_encoder().state_dict().items() if name.startswith("blocks.")}
    save_file(blocks, tmp_path / "original.safetensors")
    code = f"""
import sys
from mt_core.encoder import load_encoder
for name in (None, "random/vit_tiny_patch16_224@1", "none/test_vit", {str(file)!r},
             {str(tmp_path / "original.safetensors")!r}):
    load_encoder(name)
print({{"timm", "torchvision", "torch._dynamo", "huggingface_hub"}} & set(sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "set()\n"

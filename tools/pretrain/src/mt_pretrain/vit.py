"""A ViT that learns, on pictures of any size, and the file that it becomes.  B batch, S side, N tokens, D width."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import build_vit, normalisation
from mt_core.encoder.random_weights import draw_weights
from mt_core.encoder.vit import PlainVit
from mt_core.errors import OptionError, RunError
from mt_core.io.atomic import atomic_write
from mt_core.sdk.blocks import interpolate_positions

ENCODER, CONFIG = "encoder.safetensors", "config.json"


def untrained_vit(architecture: str, depth: int | None, seed: int) -> PlainVit:
    """A plain ViT with the weights of `random/<architecture>@<seed>`.

    Raises:
        EncoderError: no plain ViT.
        OptionError: one without positions or whose patches are more than a convolution, which could not be learned.
    """
    vit = build_vit(architecture, **_model_args(depth))
    is_plain = isinstance(vit.patch_embed.proj, torch.nn.Conv2d) and isinstance(vit.patch_embed.norm, torch.nn.Identity)
    if vit.pos_embed is None or not is_plain:
        problem = f"{architecture} has no learned positions, or patches that are more than a convolution"
        raise OptionError(problem, fix="choose one such as vit_tiny_patch16_224")
    draw_weights(vit.state_dict(), seed)
    return vit


def vit_of(encoder: Encoder, architecture: str, depth: int | None) -> PlainVit:
    """A plain ViT with the weights of an encoder, to be trained further.

    Raises:
        EncoderError: no plain ViT.
        OptionError: an encoder of another architecture, or one without a patch embedding of its own.
    """
    vit = untrained_vit(architecture, depth, seed=0)
    parts = timm_tensors(encoder, encoder.patch_weight, encoder.patch_bias, encoder.positions)
    wanted = {name: tensor.shape for name, tensor in vit.state_dict().items()}
    if wanted != {name: tensor.shape for name, tensor in parts.items()}:
        raise OptionError(
            f"{encoder.name} ({encoder.description}) has other parts than {architecture}",
            fix="name its architecture: -S architecture=…, or leave --encoder out",
        )
    vit.load_state_dict({name: tensor.detach().float() for name, tensor in parts.items()})
    return vit


def timm_tensors(
    encoder: Encoder, patch_weight: Tensor | None, patch_bias: Tensor | None, positions_ND: Tensor | None
) -> dict[str, Tensor]:
    """The tensors of an encoder and of the patch embedding and positions before it, by timm's names."""
    own = encoder.state_dict()
    tensors = {name: own[name] for name in own if name.startswith(("blocks.", "norm.", "norm_pre."))}
    patches = {"patch_embed.proj.weight": patch_weight, "patch_embed.proj.bias": patch_bias}
    tensors |= {name: tensor for name, tensor in patches.items() if tensor is not None}
    if encoder.prefix is not None:
        num_cls = int(encoder.has_cls)
        parts = {"cls_token": encoder.prefix[:num_cls], "reg_token": encoder.prefix[num_cls:]}
        tensors |= {name: tokens.unsqueeze(0) for name, tokens in parts.items() if len(tokens)}
    if positions_ND is None:
        return tensors
    if encoder.prefix_positions is not None:
        positions_ND = torch.cat([encoder.prefix_positions, positions_ND])
    return {**tensors, "pos_embed": positions_ND.unsqueeze(0)}


def check_size(vit: PlainVit, size: int) -> None:
    """Refuse pictures that patches do not fill.

    Raises:
        OptionError: with the next size that they do.
    """
    patch = int(vit.patch_embed.patch_size[0])
    if size % patch:
        raise OptionError(
            f"patches of {patch} do not fill a picture of {size}", fix=f"use a size of {-(-size // patch) * patch}"
        )


def tokens_of(vit: PlainVit, pixels_B3SS: Tensor) -> Tensor:
    """(B, N, D) the features of the patches, row by row, as an encoder loaded from this ViT gives them to an image
    tokenizer that has adopted it: positions are interpolated in the same way, which is not timm's.

    Args:
        pixels_B3SS: Normalised.
    """
    lattice_BDHW = vit.patch_embed.proj(pixels_B3SS)
    values_BND = lattice_BDHW.flatten(2).transpose(1, 2)
    given = [token for token in (vit.cls_token, getattr(vit, "reg_token", None)) if token is not None]
    prefix_P = torch.cat(given, 1) if given else values_BND.new_zeros(1, 0, values_BND.shape[2])
    num_prefix = prefix_P.shape[1]
    assert vit.pos_embed is not None
    positions = vit.pos_embed[0]
    if num_prefix and not vit.no_embed_class:
        prefix_P, positions = prefix_P + positions[:num_prefix], positions[num_prefix:]
    placed = values_BND + interpolate_positions(positions, vit.patch_embed.grid_size, lattice_BDHW.shape[2:])
    placed = torch.cat([prefix_P.expand(len(placed), -1, -1), placed], dim=1)
    features: Tensor = vit.norm(vit.blocks(vit.norm_pre(placed)))
    return features[:, num_prefix:]


def save_encoder(vit: PlainVit, folder: Path, architecture: str, depth: int | None) -> Path:
    """Write `encoder.safetensors`, in float16 and timm's layout, and beside it the `config.json` by which
    `mt_core.load_encoder` knows what it is.

    Raises:
        RunError: it cannot be written.
    """
    mean, std = normalisation(architecture)
    config = {
        "architecture": architecture,
        "num_classes": 0,
        "model_args": _model_args(depth),
        "pretrained_cfg": {"mean": mean, "std": std},
    }
    with atomic_write(folder / CONFIG, RunError) as unfinished:
        unfinished.write_text(json.dumps(config, indent=2), encoding="utf-8")
    tensors = {name: tensor.detach().half().cpu().contiguous() for name, tensor in vit.state_dict().items()}
    with atomic_write(folder / ENCODER, RunError) as unfinished:
        save_file(tensors, unfinished)
    return folder / ENCODER


def _model_args(depth: int | None) -> dict[str, Any]:
    return {} if depth is None else {"depth": depth}

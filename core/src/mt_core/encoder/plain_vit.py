"""Plain vision transformers by name, and what an encoder takes from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mt_core.encoder.architectures import ARCHITECTURES, Rgb
from mt_core.encoder.timm_models import build_timm, timm_normalisation
from mt_core.encoder.vit import PlainVit
from mt_core.errors import EncoderError


@dataclass(frozen=True)
class VitParts:
    """What an encoder is made of; the attributes are those of `Encoder`."""

    blocks: nn.Sequential
    norm: nn.Module
    norm_pre: nn.Module
    width: int
    num_heads: int
    has_cls: bool = False
    cls_is_last: bool = False
    prefix: Tensor | None = None
    prefix_positions: Tensor | None = None
    patch_weight: Tensor | None = None
    patch_bias: Tensor | None = None
    positions: Tensor | None = None
    positions_grid: tuple[int, int] | None = None


def build_vit(architecture: str, **arguments: Any) -> PlainVit:
    """A plain ViT, its weights still to be filled in: our own where it is one of `ARCHITECTURES`, else timm's.

    Args:
        architecture: timm's name; a part after a dot chooses the configuration of the weights trained so.
        arguments: For timm's `VisionTransformer`, in place of the architecture's own.

    Raises:
        EncoderError: no plain ViT.
    """
    known = ARCHITECTURES.get(architecture)
    changed = None if known is None else known.args.changed(arguments)
    if known is None or changed is None:
        return build_timm(architecture, **arguments)
    return replace(known, args=changed).build()


def parts_of(vit: PlainVit) -> VitParts:
    """What an encoder takes from a plain ViT whose weights are in place."""
    prefix = [token[0] for token in (vit.cls_token, vit.reg_token) if token is not None]
    num_prefix = sum(len(token) for token in prefix)
    positions = None if vit.pos_embed is None else vit.pos_embed.detach()[0]
    prefix_positions = None
    if positions is not None and num_prefix and not vit.no_embed_class:
        prefix_positions, positions = positions[:num_prefix].clone(), positions[num_prefix:].clone()
    projection = vit.patch_embed.proj
    first_block: Any = vit.blocks[0]
    is_convolution = isinstance(projection, nn.Conv2d) and isinstance(vit.patch_embed.norm, nn.Identity)
    return VitParts(
        blocks=vit.blocks,
        norm=vit.norm,
        norm_pre=vit.norm_pre,
        width=vit.embed_dim,
        num_heads=first_block.attn.num_heads,
        has_cls=vit.cls_token is not None,
        prefix=torch.cat(prefix).detach() if prefix else None,
        prefix_positions=prefix_positions,
        patch_weight=projection.weight.detach() if is_convolution else None,
        patch_bias=projection.bias.detach() if is_convolution and projection.bias is not None else None,
        positions=positions,
        positions_grid=None if positions is None else tuple(vit.patch_embed.grid_size),
    )


def normalisation(architecture: str, config: Mapping[str, Any] | None = None) -> tuple[Rgb, Rgb]:
    """Mean and standard deviation of RGB in [0, 1].

    Args:
        architecture: timm's name, with the tag of the weights where they have a configuration of their own.
        config: What a checkpoint's own configuration says; it wins.

    Raises:
        EncoderError: a configuration whose mean or deviation is not three numbers.
    """
    known, config = ARCHITECTURES.get(architecture), config or {}
    if known is None:
        resolved = timm_normalisation(architecture, config)
    else:
        resolved = (config.get("mean") or known.mean, config.get("std") or known.std)
    try:
        mean, std = ((float(red), float(green), float(blue)) for red, green, blue in resolved)
    except (TypeError, ValueError):
        raise EncoderError(
            f"the configuration of {architecture} has mean {resolved[0]} and std {resolved[1]}",
            fix="write three numbers each under pretrained_cfg in config.json",
        ) from None
    return mean, std

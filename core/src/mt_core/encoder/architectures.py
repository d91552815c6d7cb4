"""The plain ViTs that are known here, under timm's names and with timm's settings: they are built without timm.

Source: timm 1.0, `models/vision_transformer.py` (the functions of these names, and their `default_cfgs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Self

import torch
from torch import nn

from mt_core.encoder.vit import (
    Attention,
    Block,
    LayerScale,
    Mlp,
    PatchEmbed,
    PlainVit,
    QuickGELU,
    without_draws,
)

Rgb = tuple[float, float, float]
_HALF: tuple[Rgb, Rgb] = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
_CLIP: tuple[Rgb, Rgb] = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class ModelArgs:
    """What timm's `VisionTransformer` takes, by its names and with its defaults; `model_args` in a `config.json`."""

    img_size: int = 224
    patch_size: int = 16
    in_chans: int = 3
    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    qk_norm: bool = False
    init_values: float | None = None
    class_token: bool = True
    global_pool: str = "token"
    reg_tokens: int = 0
    no_embed_class: bool = False
    pre_norm: bool = False
    final_norm: bool = True
    fc_norm: bool | None = None

    def changed(self, arguments: Mapping[str, Any]) -> Self | None:
        """With other values; None where one has another type or name, or the whole is no ViT that is known here.

        Args:
            arguments: None leaves a value as it is.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        kinds = {field.name: _KINDS[field.type] for field in fields(self)}
        if any(name not in kinds or type(value) not in kinds[name] for name, value in given.items()):
            return None
        changed = replace(self, **given)
        return changed if changed._is_possible() else None

    def _is_possible(self) -> bool:
        sizes = (self.img_size, self.patch_size, self.in_chans, self.embed_dim, self.depth, self.num_heads)
        return (
            min(sizes) > 0
            and self.patch_size <= self.img_size
            and self.embed_dim % self.num_heads == 0
            and self.hidden > 0
            and self.reg_tokens >= 0
            and self.global_pool in ("avg", "token")
            and (self.class_token or self.global_pool == "avg")
        )

    @property
    def hidden(self) -> int:
        """Hidden width of the MLPs."""
        return int(self.embed_dim * self.mlp_ratio + 1e-6)  # a ratio may be a quotient of two widths

    @property
    def has_norm(self) -> bool:
        """Whether a norm follows the blocks, and not the classifier's pooling."""
        of_pooled = self.global_pool == "avg" if self.fc_norm is None else self.fc_norm
        return self.final_norm and not of_pooled


_KINDS: dict[Any, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float),
    "bool": (bool,),
    "bool | None": (bool,),
    "str": (str,),
}


@dataclass(frozen=True)
class Architecture:
    """A plain ViT and how pictures are normalised for it.

    Attributes:
        eps: Of every norm.
        activation: Of the MLPs: GELU or QuickGELU.
        mean, std: Of RGB in [0, 1], of the weights that timm has under this name.
        is_causal: Of the attention; see `Attention`.
    """

    args: ModelArgs
    eps: float = 1e-6
    activation: type[nn.Module] = nn.GELU
    mean: Rgb = _HALF[0]
    std: Rgb = _HALF[1]
    is_causal: bool = False

    def build(self) -> PlainVit:
        """Its weights still to be filled in; norms are ones and zeros, layer scales `init_values`."""
        args = self.args
        width = args.embed_dim
        layer_norm = partial(nn.LayerNorm, eps=self.eps)
        num_patches = (args.img_size // args.patch_size) ** 2
        num_prefix = int(args.class_token) + args.reg_tokens
        with without_draws():
            return PlainVit(
                PatchEmbed(args.img_size, args.patch_size, args.in_chans, width, bias=not args.pre_norm),
                self.build_blocks(),
                embed_dim=width,
                cls_token=_empty(1, width) if args.class_token else None,
                reg_token=_empty(args.reg_tokens, width) if args.reg_tokens else None,
                pos_embed=_empty(num_patches if args.no_embed_class else num_patches + num_prefix, width),
                no_embed_class=args.no_embed_class,
                norm_pre=layer_norm(width) if args.pre_norm else nn.Identity(),
                norm=layer_norm(width) if args.has_norm else nn.Identity(),
            )

    def build_blocks(self) -> nn.Sequential:
        """The blocks alone, their weights still to be filled in."""
        with without_draws():
            return nn.Sequential(*(self._block() for _ in range(self.args.depth)))

    def _block(self) -> Block:
        args, width = self.args, self.args.embed_dim
        layer_norm = partial(nn.LayerNorm, eps=self.eps)
        of_head = partial(layer_norm, width // args.num_heads)
        scale = partial(LayerScale, width, args.init_values) if args.init_values else nn.Identity
        return Block(
            layer_norm(width),
            Attention(
                nn.Linear(width, 3 * width, bias=args.qkv_bias),
                nn.Linear(width, width),
                args.num_heads,
                q_norm=of_head() if args.qk_norm else None,
                k_norm=of_head() if args.qk_norm else None,
                is_causal=self.is_causal,
            ),
            layer_norm(width),
            Mlp(nn.Linear(width, args.hidden), self.activation(), nn.Linear(args.hidden, width)),
            ls1=scale(),
            ls2=scale(),
        )


def _empty(tokens: int, width: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(1, tokens, width))


_BASE = ModelArgs()
_LARGE = ModelArgs(embed_dim=1024, depth=24, num_heads=16)
_CLIP_BASE = Architecture(replace(_BASE, pre_norm=True), 1e-5, nn.GELU, *_CLIP)
# its weights were trained with mean and deviation 0.5, not with CLIP's
_CLIP_LARGE = Architecture(replace(_LARGE, patch_size=14, pre_norm=True), 1e-5, nn.GELU, *_HALF)
ARCHITECTURES = {
    "vit_tiny_patch16_224": Architecture(ModelArgs(embed_dim=192, num_heads=3)),
    "vit_small_patch16_224": Architecture(ModelArgs(embed_dim=384, num_heads=6)),
    "vit_base_patch16_224": Architecture(_BASE),
    "vit_large_patch16_224": Architecture(_LARGE),
    "vit_base_patch16_clip_224": _CLIP_BASE,
    "vit_base_patch16_clip_224.laion2b": _CLIP_BASE,
    "vit_base_patch16_clip_quickgelu_224": replace(_CLIP_BASE, activation=QuickGELU),
    "vit_large_patch14_clip_224": _CLIP_LARGE,
    "vit_large_patch14_clip_224.laion2b": _CLIP_LARGE,
    "test_vit": Architecture(ModelArgs(img_size=160, embed_dim=64, depth=6, num_heads=2, mlp_ratio=3)),
}

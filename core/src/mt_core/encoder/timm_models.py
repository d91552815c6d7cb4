"""The other plain ViTs, through timm, which is imported when one of them is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from torch import nn

from mt_core.encoder.vit import Attention, Block, Mlp, PlainVit, without_draws
from mt_core.errors import EncoderError

_MODULES = ("vision_transformer", "deit")  # timm's modules whose models take `weight_init`
_CHOOSE = "choose a plain ViT of timm, such as random/vit_small_patch16_224 or timm/vit_base_patch16_clip_224.laion2b"


def check_architecture(name: str) -> None:
    """Refuse a name that is no plain ViT of timm before anything is built or downloaded.

    Raises:
        EncoderError: with the nearest names.
    """
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        known = [model for module in _MODULES for model in timm.list_models(module=module)]
        near = get_close_matches(architecture, known, n=3, cutoff=0.5)
        raise EncoderError(
            f"timm has no model called {architecture!r}",
            fix=f"did you mean {' or '.join(near)}?" if near else _CHOOSE,
        )
    if not timm.models.is_model_in_modules(architecture, _MODULES):
        raise _not_plain(name, "it is of another family")
    if "distilled" in architecture:
        raise _not_plain(name, "it has a distillation token")
    tags = [model.partition(".")[2] for model in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise EncoderError(
            f"timm has no weights {tag!r} for {architecture}",
            fix=f"leave the part after the dot out, or use one of {', '.join(tags) or '(none)'}",
        )


def build_timm(architecture: str, **arguments: Any) -> PlainVit:
    """A ViT of timm without its classifier, its weights still to be filled in.

    Raises:
        EncoderError: no plain ViT, or arguments that timm does not take.
    """
    import timm

    check_architecture(architecture)
    try:
        with without_draws():
            vit = timm.create_model(architecture, num_classes=0, weight_init="skip", **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise EncoderError(
            f"{architecture} cannot be built with {arguments}: {error}",
            fix="correct model_args in config.json, or remove that file",
        ) from error
    return converted(vit, architecture)


def converted(vit: nn.Module, name: str) -> PlainVit:
    """The same layers, and with them the same weights, in blocks of our own. Dropout and stochastic depth stay out.

    Raises:
        EncoderError: another class of model, block or attention than timm's plain one.
    """
    from timm.layers import Attention as TimmAttention  # type: ignore[attr-defined]
    from timm.models.vision_transformer import Block as TimmBlock
    from timm.models.vision_transformer import VisionTransformer

    # exactly these classes: a subclass computes something else
    if type(vit) is not VisionTransformer:
        raise _not_plain(name, f"it is a {type(vit).__name__}")
    for block in vit.blocks:
        if type(block) is not TimmBlock:
            raise _not_plain(name, f"its blocks are {type(block).__name__}")
        if type(block.attn) is not TimmAttention:
            raise _not_plain(name, f"its attention is {type(block.attn).__name__}")
    return PlainVit(
        vit.patch_embed,
        nn.Sequential(*(_converted_block(block) for block in vit.blocks)),
        embed_dim=vit.embed_dim,
        cls_token=vit.cls_token,
        reg_token=getattr(vit, "reg_token", None),  # absent in older timm
        pos_embed=vit.pos_embed,
        no_embed_class=vit.no_embed_class,
        norm_pre=vit.norm_pre,
        norm=vit.norm,
    )


def _converted_block(block: Any) -> Block:
    attention = block.attn
    own = Attention(
        attention.qkv,
        attention.proj,
        attention.num_heads,
        q_norm=attention.q_norm,
        k_norm=attention.k_norm,
        norm=attention.norm,
        gate=getattr(attention, "gate", None),  # absent in older timm
    )
    return Block(block.norm1, own, block.norm2, _converted_mlp(block.mlp), ls1=block.ls1, ls2=block.ls2)


def _converted_mlp(mlp: Any) -> nn.Module:
    """Ours for timm's plain one; another kind as it is."""
    from timm.layers import Mlp as TimmMlp  # type: ignore[attr-defined]

    is_plain = type(mlp) is TimmMlp and type(mlp.norm) is nn.Identity and type(mlp.fc1) is nn.Linear
    return Mlp(mlp.fc1, mlp.act, mlp.fc2) if is_plain else mlp


def timm_normalisation(architecture: str, config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Mean and standard deviation as timm itself resolves them.

    Args:
        config: What a checkpoint's own configuration says; it wins.
    """
    import timm
    from timm import data

    known: Any = timm.get_pretrained_cfg(architecture)
    merged = {**(known.to_dict() if known is not None else {}), **config}
    resolved = data.resolve_data_config(pretrained_cfg=merged)  # type: ignore[attr-defined, no-untyped-call]
    return resolved["mean"], resolved["std"]


def _not_plain(name: str, why: str) -> EncoderError:
    return EncoderError(f"{name} is not a plain ViT: {why}", fix=_CHOOSE)

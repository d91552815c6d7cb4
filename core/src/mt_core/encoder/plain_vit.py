"""Plain vision transformers of timm: which architectures they are, and what an encoder takes from one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mt_core.errors import EncoderError

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

_MODULES = ("vision_transformer", "deit")  # timm's modules whose models take `weight_init`
_CHOOSE = "choose a plain ViT of timm, such as random/vit_small_patch16_224 or timm/vit_base_patch16_clip_224.laion2b"
ENCODER_TENSORS = ("cls_token", "reg_token", "pos_embed", "patch_embed.", "norm_pre.", "blocks.", "norm.")
"""How the names of the tensors begin that an encoder takes from a timm ViT; the others are its classifier's."""


@dataclass(frozen=True)
class VitParts:
    """What an encoder is made of; the attributes are those of `Encoder`."""

    blocks: nn.Sequential
    norm: nn.Module
    norm_pre: nn.Module
    width: int
    num_heads: int
    has_cls: bool = False
    prefix: Tensor | None = None
    prefix_positions: Tensor | None = None
    patch_weight: Tensor | None = None
    patch_bias: Tensor | None = None
    positions: Tensor | None = None
    positions_grid: tuple[int, int] | None = None


class _NoDraws(TorchFunctionMode):
    """Layers are built without the random weights that would be overwritten at once."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_):
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@contextmanager
def without_draws() -> Iterator[None]:
    """Layers built here have uninitialised weights, and torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]), _NoDraws():
        yield


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


def build_vit(architecture: str, **arguments: Any) -> VisionTransformer:
    """A ViT of timm without its classifier, its weights still to be filled in.

    Args:
        architecture: timm's name; a part after a dot chooses the configuration of the weights trained so.
        arguments: For `timm.create_model`.

    Raises:
        EncoderError: no plain ViT.
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
    return checked(vit, architecture)


def checked(vit: nn.Module, name: str) -> VisionTransformer:
    """The same model; one whose blocks are not what `packing.run_packed` runs is refused.

    Raises:
        EncoderError: another class of model, block or attention.
    """
    from timm.layers import Attention  # type: ignore[attr-defined]
    from timm.models.vision_transformer import Block, VisionTransformer

    # exactly these classes: a subclass computes something else
    if type(vit) is not VisionTransformer:
        raise _not_plain(name, f"it is a {type(vit).__name__}")
    for block in vit.blocks:
        if type(block) is not Block:
            raise _not_plain(name, f"its blocks are {type(block).__name__}")
        if type(block.attn) is not Attention:
            raise _not_plain(name, f"its attention is {type(block.attn).__name__}")
    return vit


def _not_plain(name: str, why: str) -> EncoderError:
    return EncoderError(f"{name} is not a plain ViT: {why}", fix=_CHOOSE)


def parts_of(vit: VisionTransformer) -> VitParts:
    """What an encoder takes from a plain ViT whose weights are in place."""
    prefix = [token[0] for token in (vit.cls_token, getattr(vit, "reg_token", None)) if token is not None]
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


def encoder_tensors(vit: VisionTransformer) -> dict[str, Tensor]:
    """The tensors that an encoder takes, by timm's names; they share the model's memory."""
    return {name: tensor for name, tensor in vit.state_dict().items() if name.startswith(ENCODER_TENSORS)}


_Rgb = tuple[float, float, float]


def normalisation(architecture: str, config: Mapping[str, Any] | None = None) -> tuple[_Rgb, _Rgb]:
    """Mean and standard deviation of RGB in [0, 1], as timm itself resolves them.

    Args:
        architecture: timm's name, with the tag of the weights where they have a configuration of their own.
        config: What a checkpoint's own configuration says; it wins.

    Raises:
        EncoderError: a configuration whose mean or deviation is not three numbers.
    """
    import timm
    from timm import data

    known: Any = timm.get_pretrained_cfg(architecture)
    merged = {**(known.to_dict() if known is not None else {}), **(config or {})}
    resolved = data.resolve_data_config(pretrained_cfg=merged)  # type: ignore[attr-defined, no-untyped-call]
    try:
        mean, std = (
            (float(red), float(green), float(blue)) for red, green, blue in (resolved["mean"], resolved["std"])
        )
    except (TypeError, ValueError):
        raise EncoderError(
            f"the configuration of {architecture} has mean {resolved['mean']} and std {resolved['std']}",
            fix="write three numbers each under pretrained_cfg in config.json",
        ) from None
    return mean, std

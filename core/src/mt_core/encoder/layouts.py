"""Checkpoint layouts: timm's, that of the original Meta-Transformer, and open_clip's, which is in `open_clip`.

timm's: `cls_token`, `pos_embed`, `patch_embed.proj.weight`, `blocks.0.attn.qkv.weight`, …, `norm.weight`, with a
`config.json` beside the file that names the architecture.

The original's: an `nn.Sequential` of timm's blocks, `0.norm1.weight`, `0.attn.qkv.weight`, …: 12 tensors a block, no
[CLS], no positions, no final norm. B is 144 tensors with 85,054,464 parameters, L 288 with 302,309,376.
Source: github.com/invictus717/MetaTransformer, README, "Meta-Transformer_base_patch16_encoder".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mt_core.encoder.architectures import Architecture, ModelArgs
from mt_core.encoder.checkpoint_file import read_tensors
from mt_core.encoder.encoder import Encoder
from mt_core.encoder.filling import UNTRAINED, copy_all, few, has_learned
from mt_core.encoder.open_clip import is_open_clip, load_open_clip
from mt_core.encoder.plain_vit import VitParts, build_vit, normalisation, parts_of
from mt_core.errors import EncoderError

INTERPOLATIONS = ("bicubic", "bilinear")
"""Ways of resizing that tokenizers of pictures have; the first is that of all ViTs that say nothing of it."""

_CLASSIFIER_TENSORS = ("head.", "fc_norm.", "attn_pool.")
_FIX = "name the architecture that it holds: in a config.json in the same folder, or by `architecture`"
_PREFIX = ("cls_token", "reg_token")
_HEAD_WIDTH = 64  # of every plain ViT from tiny to large
# the CLIP encoders that the paper's weights start from: their normalisation is in timm's own configuration
_PAPER_BASE, _PAPER_LARGE = "vit_base_patch16_clip_224.laion2b", "vit_large_patch14_clip_224.laion2b"


def load_file(path: Path, *, name: str, architecture: str | None = None) -> Encoder:
    """The encoder in a file.

    Args:
        architecture: timm's name, where neither a `config.json` beside the file nor the shapes tell it.

    Raises:
        EncoderError: unreadable, in no known layout, or tensors that are missing, too many or of another shape.
    """
    tensors = read_tensors(path)
    if all(re.match(r"\d+\.", tensor) for tensor in tensors):
        return _load_original(path, tensors, name, architecture)
    if "blocks.0.attn.qkv.weight" in tensors:
        return _load_timm(path, tensors, name, architecture)
    if is_open_clip(tensors):
        return load_open_clip(path, tensors, name)
    raise EncoderError(
        f"{path} is in no layout that is known here; its tensors are {few(tensors)}",
        fix="give a ViT in timm's layout (blocks.0.attn.qkv.weight, …), in the original's (0.attn.qkv.weight, …) or in "
        "open_clip's (visual.conv1.weight, …)",
    )


def _load_original(path: Path, tensors: Mapping[str, Tensor], name: str, architecture: str | None) -> Encoder:
    width, hidden = _block_size(tensors, "0.", path)
    depth = 1 + max(int(tensor.partition(".")[0]) for tensor in tensors)
    if not width or width % _HEAD_WIDTH or depth > len(tensors):
        raise EncoderError(
            f"{path}: {depth} blocks of width {width} are no ViT", fix="give the original's encoder file"
        )
    args = ModelArgs(embed_dim=width, depth=depth, num_heads=width // _HEAD_WIDTH, mlp_ratio=hidden / width)
    # eps 1e-5: the original builds its blocks with torch's LayerNorm, not with timm's
    blocks = Architecture(args, eps=1e-5).build().blocks
    copy_all(blocks.state_dict(), tensors, path, "the original layout", _FIX)
    mean, std = normalisation(architecture or (_PAPER_BASE if width <= 768 else _PAPER_LARGE))
    description = f"{path.name}: Meta-Transformer encoder, {depth} blocks of width {width}, without [CLS]"
    is_trained = has_learned(blocks)
    return Encoder(
        VitParts(blocks, nn.Identity(), nn.Identity(), width, width // _HEAD_WIDTH),
        name=name,
        description=description if is_trained else f"{description}, {UNTRAINED}",
        is_trained=is_trained,
        mean=mean,
        std=std,
    )


def _load_timm(path: Path, tensors: Mapping[str, Tensor], name: str, architecture: str | None) -> Encoder:
    config = _read_config(path)
    architecture = architecture or config.get("architecture")
    how = f"{architecture} in timm's layout"
    arguments: dict[str, Any] = config.get("model_args") or {}
    if architecture is None:
        architecture, arguments = _infer(tensors, path)
        how = "a ViT in timm's layout, its architecture inferred from the shapes and its normalisation not recorded"
    else:
        arguments = {**_image_size(tensors, path), **arguments}
    vit = build_vit(architecture, **arguments)
    given = {tensor: value for tensor, value in tensors.items() if not tensor.startswith(_CLASSIFIER_TENSORS)}
    copy_all(vit.state_dict(), given, path, architecture, _FIX)
    mean, std = normalisation(architecture, config.get("pretrained_cfg"))
    is_trained = has_learned(vit)
    return Encoder(
        parts_of(vit),
        name=name,
        description=f"{path.name}: {how}" if is_trained else f"{path.name}: {how}, {UNTRAINED}",
        is_trained=is_trained,
        mean=mean,
        std=std,
        native_size=_native_size(config),
        interpolation=_interpolation(config, path),
    )


def _read_config(path: Path) -> dict[str, Any]:
    """timm's `config.json` beside a file; {} where there is none, or one of another tool."""
    config_path = path.with_name("config.json")
    if not config_path.is_file():
        return {}
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncoderError(f"{config_path} is no JSON: {error}", fix="download it again, or remove it") from error
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        return {}
    for part in ("model_args", "pretrained_cfg"):
        if not isinstance(config.get(part) or {}, dict):
            raise EncoderError(f"{config_path}: {part} is no mapping", fix="download it again, or remove it")
    return config


def _native_size(config: Mapping[str, Any]) -> int | None:
    """The side of the pictures that a configuration names; None where it names none, or no square."""
    size: Any = (config.get("pretrained_cfg") or {}).get("input_size")
    is_square = isinstance(size, list) and len(size) == 3 and type(size[1]) is int and size[1] == size[2]
    return int(size[1]) if is_square else None


def _interpolation(config: Mapping[str, Any], path: Path) -> str:
    given = (config.get("pretrained_cfg") or {}).get("interpolation") or INTERPOLATIONS[0]
    if given not in INTERPOLATIONS:
        raise EncoderError(
            f"{path} was trained on pictures that were resized by {given!r}, which is not known here",
            fix=f"where that does not matter to you, write one of {', '.join(INTERPOLATIONS)} into config.json",
        )
    return str(given)


def _image_size(tensors: Mapping[str, Tensor], path: Path) -> dict[str, int]:
    """The side in pixels of the images that the positions were learned on, where the shapes tell it."""
    for name, axes in {**dict.fromkeys(_PREFIX, 3), "pos_embed": 3, "patch_embed.proj.weight": 4}.items():
        if name in tensors and tensors[name].ndim != axes:
            raise EncoderError(f"{path}: {name} is {tuple(tensors[name].shape)}", fix="give the weights of a whole ViT")
    if "pos_embed" not in tensors or "patch_embed.proj.weight" not in tensors:
        return {}
    num_prefix = sum(tensors[name].shape[1] for name in _PREFIX if name in tensors)
    length, patch = tensors["pos_embed"].shape[1], tensors["patch_embed.proj.weight"].shape[-1]
    sides = [math.isqrt(length - without) for without in (num_prefix, 0) if _is_square(length - without)]
    return {"img_size": sides[0] * patch} if sides else {}


def _infer(tensors: Mapping[str, Tensor], path: Path) -> tuple[str, dict[str, Any]]:
    """A timm architecture and what to change in it, from names and shapes alone.

    Names and shapes do not tell the activation, nor the epsilon of the norms: those are taken from timm's ViT, or from
    its CLIP model where there is a norm before the blocks.
    """
    image = _image_size(tensors, path)
    projection = tensors.get("patch_embed.proj.weight")
    depth = 1 + max(int(name.split(".")[1]) for name in tensors if re.match(r"blocks\.\d+\.", name))
    width, hidden = _block_size(tensors, "blocks.0.", path)
    if not image or projection is None or not width or width % _HEAD_WIDTH or depth > len(tensors):
        raise EncoderError(
            f"{path}: its architecture cannot be inferred from the shapes",
            fix="name it by `architecture`, or put timm's config.json beside the file",
        )
    num_patches = (image["img_size"] // projection.shape[-1]) ** 2
    arguments = {
        "patch_size": projection.shape[-1],
        "in_chans": projection.shape[1],
        "embed_dim": width,
        "depth": depth,
        "num_heads": width // _HEAD_WIDTH,
        "mlp_ratio": hidden / width,
        "qkv_bias": "blocks.0.attn.qkv.bias" in tensors,
        "qk_norm": "blocks.0.attn.q_norm.weight" in tensors,
        "init_values": 1.0 if "blocks.0.ls1.gamma" in tensors else None,
        "class_token": "cls_token" in tensors,
        "global_pool": "token" if "cls_token" in tensors else "avg",
        "reg_tokens": tensors["reg_token"].shape[1] if "reg_token" in tensors else 0,
        "no_embed_class": tensors["pos_embed"].shape[1] == num_patches,
        "pre_norm": "norm_pre.weight" in tensors,
        "final_norm": "norm.weight" in tensors,
        "fc_norm": False,
    }
    return "vit_base_patch16_clip_224" if arguments["pre_norm"] else "vit_base_patch16_224", {**image, **arguments}


def _is_square(number: int) -> bool:
    return number > 0 and math.isqrt(number) ** 2 == number


def _block_size(tensors: Mapping[str, Tensor], block: str, path: Path) -> tuple[int, int]:
    """Width and hidden width of a block, from tensors that are as large as they say."""
    sizes = []
    for name, axis in ((f"{block}attn.qkv.weight", 1), (f"{block}mlp.fc1.weight", 0)):
        if name not in tensors or tensors[name].ndim != 2:
            raise EncoderError(
                f"{path} lacks {name} with two axes", fix=f"give the weights of a whole ViT; it holds {few(tensors)}"
            )
        sizes.append(tensors[name].shape[axis])
    return sizes[0], sizes[1]

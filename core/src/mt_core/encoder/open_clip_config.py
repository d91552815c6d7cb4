"""What `open_clip_config.json` says of a model of two towers: `model_cfg` and `preprocess_cfg`.

Source: open_clip 3.3, `CLIPVisionCfg` and `CLIPTextCfg` in `model.py`, `PreprocessCfg` in `transform.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mt_core.encoder.architectures import Rgb
from mt_core.errors import EncoderError, MtError

CONFIG = "open_clip_config.json"
VOCABULARY = 49408
"""Ids of CLIP's byte pairs, with the start and the end of a text."""

_VISION = {"width", "layers", "patch_size", "image_size", "head_width", "mlp_ratio"}
_TEXT = {"width", "layers", "heads", "context_length", "vocab_size", "mlp_ratio"}
# what changes nothing: of training alone, or of parts that there are none of
_IGNORED = {"patch_dropout", "output_tokens", "attn_pooler_queries", "attn_pooler_heads", "eos_id"}
_IGNORED |= {"timm_pool", "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path", "timm_model_pretrained"}
_IGNORED |= {"hf_model_pretrained", "hf_proj_type", "hf_pooler_type"}
# of all others the values that are built here
_KNOWN_VALUES: dict[str, tuple[Any, ...]] = {
    "pool_type": ("tok", "argmax"),
    "pos_embed_type": ("learnable",),
    "proj_type": ("linear",),
    "block_type": ("default",),
}
_MODEL = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "init_logit_scale", "init_logit_bias"}


@dataclass(frozen=True)
class TowerConfig:
    """The blocks of one tower.

    Attributes:
        width, depth, num_heads: D, the number of blocks, the heads of each attention.
        mlp_ratio: Hidden width of the MLPs by D.
        quick_gelu: Whether their activation is QuickGELU, and not GELU.
    """

    width: int
    depth: int
    num_heads: int
    mlp_ratio: float
    quick_gelu: bool


@dataclass(frozen=True)
class OpenClipConfig:
    """A model of two towers.

    Attributes:
        width: E, of the vectors of both.
        pictures, text: The towers.
        patch, size: Sides in pixels of a patch and of a picture.
        length: The most tokens of a text, with its start and its end.
        mean, std, fit, interpolation: How pictures are prepared.
    """

    width: int
    pictures: TowerConfig
    text: TowerConfig
    patch: int
    size: int
    length: int
    mean: Rgb
    std: Rgb
    fit: Literal["crop", "squash"]
    interpolation: str


def read_open_clip_config(weights: Path) -> OpenClipConfig:
    """What the file beside the weights says.

    Raises:
        EncoderError: there is none, it is no such file, or it describes a model that is not known here.
    """
    path = weights.with_name(CONFIG)
    if not path.is_file():
        raise EncoderError(
            f"there is no {CONFIG} beside {weights}: weights alone tell neither heads, nor activation, nor "
            "how pictures are prepared",
            fix="download it from the same place as the weights; or write it: model_configs/<model>.json of open_clip "
            "as model_cfg, mean and std as preprocess_cfg",
        )
    try:
        return _understood(json.loads(path.read_text(encoding="utf-8")), path)
    except MtError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else f"({error})"
        raise EncoderError(
            f"{path} is no configuration of an open_clip model: {said}", fix="download it again"
        ) from error


def _understood(config: Mapping[str, Any], path: Path) -> OpenClipConfig:
    model, prepared = config["model_cfg"], config["preprocess_cfg"]
    vision, text = model["vision_cfg"], model["text_cfg"]
    _refuse_others(model, vision, text, path)
    size = _side(prepared.get("size") or vision["image_size"], "size", path)
    if size != _side(vision["image_size"], "image_size", path):
        raise _unknown(path, f"its pictures of {size} pixels are not those of its positions")
    ways: dict[Any, Literal["crop", "squash"]] = {"shortest": "crop", "squash": "squash"}
    resize = prepared.get("resize_mode") or "shortest"  # the format's own default, as of all that follow
    interpolation = prepared.get("interpolation") or "bicubic"
    if resize not in ways or interpolation not in ("bicubic", "bilinear"):
        raise _unknown(path, f"its pictures are resized by {resize}, {interpolation}")
    heads = int(vision["width"]) // int(vision.get("head_width", 64))
    quick = bool(model.get("quick_gelu"))
    return OpenClipConfig(
        int(model["embed_dim"]),
        _tower(vision, heads, quick, path),
        _tower(text, int(text["heads"]), quick, path),
        patch=_side(vision["patch_size"], "patch_size", path),
        size=size,
        length=int(text.get("context_length", 77)),
        mean=_rgb(prepared, "mean", path),
        std=_rgb(prepared, "std", path),
        fit=ways[resize],
        interpolation=interpolation,
    )


def _refuse_others(model: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any], path: Path) -> None:
    """Refuse a model that computes something else than what is built here."""
    for part, name, what in ((vision, "timm_model_name", "picture"), (text, "hf_model_name", "text")):
        if part.get(name):
            raise _unknown(path, f"its {what} tower is {part[name]} of another library")
    if isinstance(vision["layers"], list):
        raise _unknown(path, "its picture tower is a ResNet")
    if text.get("hf_tokenizer_name") or text.get("tokenizer_kwargs") or text.get("tokenizer_mode"):
        raise _unknown(path, "its texts are not cut into CLIP's byte pairs")
    if int(text.get("vocab_size", VOCABULARY)) != VOCABULARY:
        raise _unknown(path, f"its vocabulary has {text['vocab_size']} ids, and CLIP's has {VOCABULARY}")
    for part, known in ((model, _MODEL), (vision, _VISION), (text, _TEXT)):
        for name in sorted(part.keys() - known - _IGNORED):
            if part[name] and part[name] not in _KNOWN_VALUES.get(name, ()):
                raise _unknown(path, f"it has {name} = {part[name]!r}")


def _tower(part: Mapping[str, Any], heads: int, quick_gelu: bool, path: Path) -> TowerConfig:
    width, depth = int(part["width"]), int(part["layers"])
    if min(width, depth, heads) < 1 or width % heads:
        raise _unknown(path, f"{depth} blocks of width {width} with {heads} heads are no tower")
    return TowerConfig(width, depth, heads, float(part.get("mlp_ratio", 4.0)), quick_gelu)


def _side(value: Any, name: str, path: Path) -> int:
    sides = [value] if isinstance(value, int) else list(value)
    if len(set(sides)) != 1 or not isinstance(sides[0], int) or sides[0] < 1:
        raise _unknown(path, f"{name} = {value!r} is no side of a square")
    return sides[0]


def _rgb(prepared: Mapping[str, Any], name: str, path: Path) -> Rgb:
    values = prepared.get(name)
    if not isinstance(values, list) or len(values) != 3 or not all(isinstance(each, int | float) for each in values):
        raise EncoderError(
            f"{path}: preprocess_cfg has {name} = {values!r}", fix="write three numbers: what it was trained with"
        )
    return float(values[0]), float(values[1]), float(values[2])


def _unknown(path: Path, why: str) -> EncoderError:
    return EncoderError(
        f"{path} describes a model that is not known here: {why}",
        fix="choose one whose towers are open_clip's own transformers, as ViT-B-32, ViT-B-16, ViT-L-14 or ViT-H-14",
    )

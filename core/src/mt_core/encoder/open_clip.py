"""open_clip's layout: two towers, of pictures and of texts, that were trained together to one space of vectors.

`visual.conv1.weight`, `visual.class_embedding`, `visual.positional_embedding`, `visual.ln_pre`,
`visual.transformer.resblocks.0.…`, `visual.ln_post`, `visual.proj`; and of the texts `token_embedding.weight`,
`positional_embedding`, `transformer.resblocks.0.…`, `ln_final`, `text_projection`; `logit_scale`. A checkpoint
of open_clip's training has `module.` before each name. An `open_clip_config.json` stands beside the file.

Sources: Radford et al. 2021 (CLIP), arXiv:2103.00020, section 2.4; open_clip 3.3, `model.py` and `transformer.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from mt_core.contract import TokenTable
from mt_core.encoder.architectures import Architecture, ModelArgs
from mt_core.encoder.checkpoint_file import read_tensors
from mt_core.encoder.encoder import Encoder, Tower
from mt_core.encoder.filling import UNTRAINED, copy_all, has_learned
from mt_core.encoder.fingerprint import fingerprint
from mt_core.encoder.open_clip_config import VOCABULARY, OpenClipConfig, TowerConfig, read_open_clip_config
from mt_core.encoder.plain_vit import VitParts, parts_of
from mt_core.encoder.vit import QuickGELU
from mt_core.errors import EncoderError

_WRAPPED = "module."
_PICTURES = "visual."
_LOSS = ("logit_scale", "logit_bias")  # of the training's loss
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)")
_OF_BLOCK = {
    "ln_1.": "norm1.",
    "attn.in_proj_": "attn.qkv.",
    "attn.out_proj.": "attn.proj.",
    "ln_2.": "norm2.",
    "mlp.c_fc.": "mlp.fc1.",
    "mlp.c_proj.": "mlp.fc2.",
}
_FIX = "check that the file and open_clip_config.json are of the same model"


def is_open_clip(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are the weights of a model of open_clip, maybe of one that is not known here."""
    return any(name.removeprefix(_WRAPPED).startswith(_PICTURES) for name in tensors)


def load_open_clip(path: Path, tensors: Mapping[str, Tensor], name: str) -> Encoder:
    """The tower of pictures in a file; `Encoder.for_cells("text")` is the other one.

    Raises:
        EncoderError: a configuration that is absent or of another kind of model, or weights that do not fit it.
    """
    tensors = {key.removeprefix(_WRAPPED): tensor for key, tensor in tensors.items()}
    _refuse_other_towers(tensors, path)
    config = read_open_clip_config(path)
    return _pictures(path, tensors, name, config, _space(tensors, config))


def _load_text(path: Path, name: str) -> Encoder:
    tensors = {key.removeprefix(_WRAPPED): tensor for key, tensor in read_tensors(path).items()}
    config = read_open_clip_config(path)
    return _text(path, tensors, name, config, _space(tensors, config))


def _refuse_other_towers(tensors: Mapping[str, Tensor], path: Path) -> None:
    """What names of tensors tell, in whatever configuration stands beside them."""
    others = {
        "visual.trunk.": "its picture tower is a model of timm",
        "visual.layer1.": "its picture tower is a ResNet",
        "text.": "its text tower is another model than CLIP's",
        "text_decoder.": "it writes texts (CoCa)",
    }
    for start, why in others.items():
        if any(name.startswith(start) for name in tensors):
            raise EncoderError(
                f"{path} holds a model of open_clip that is not known here: {why}",
                fix="choose one whose towers are open_clip's own, as ViT-B-32, ViT-B-16, ViT-L-14 or ViT-H-14",
            )
    if "token_embedding.weight" not in tensors:
        raise EncoderError(f"{path} has no text tower", fix="give the whole model, with both towers")


def _space(tensors: Mapping[str, Tensor], config: OpenClipConfig) -> str:
    """The name of the space that both towers map to, of all of their weights."""
    return fingerprint({name: tensor.float() for name, tensor in tensors.items()}, repr(config))[:16]


def _pictures(path: Path, tensors: Mapping[str, Tensor], name: str, config: OpenClipConfig, space: str) -> Encoder:
    vit = _architecture(config.pictures, config).build()
    given = {
        _timm_name(key.removeprefix(_PICTURES)): tensor for key, tensor in tensors.items() if key.startswith(_PICTURES)
    }
    projection = _projection(given.pop("proj", None), config.pictures, config, path)
    for own, axes in (("cls_token", 2), ("pos_embed", 1)):
        if own in given:
            given[own] = given[own].reshape((1,) * axes + given[own].shape)
    copy_all(vit.state_dict(), given, path, "the picture tower that open_clip_config.json describes", _FIX)
    scale = _scale(tensors, path)
    return Encoder(
        parts_of(vit),
        name=name,
        description=_description(name, "pictures", vit),
        is_trained=has_learned(vit),
        mean=config.mean,
        std=config.std,
        fit=config.fit,
        interpolation=config.interpolation,
        tower=Tower("pictures", space, projection, scale, partial(_load_text, path, name)),
    )


def _text(path: Path, tensors: Mapping[str, Tensor], name: str, config: OpenClipConfig, space: str) -> Encoder:
    architecture = _architecture(config.text, config, is_causal=True)
    width = config.text.width
    parts = nn.ModuleDict({"blocks": architecture.build_blocks(), "norm": nn.LayerNorm(width, eps=architecture.eps)})
    given = {
        _timm_name(key): tensor
        for key, tensor in tensors.items()
        if not key.startswith(_PICTURES) and key not in (*_LOSS, "attn_mask")  # which older files keep
    }
    given = {"table.positions" if own == "pos_embed" else own: tensor for own, tensor in given.items()}
    projection = _projection(given.pop("text_projection", None), config.text, config, path)
    table = {"weight": torch.empty(VOCABULARY, width), "positions": torch.empty(config.length, width)}
    wanted = {**parts.state_dict(), **{f"table.{own}": tensor for own, tensor in table.items()}}
    copy_all(wanted, given, path, "the text tower that open_clip_config.json describes", _FIX)
    blocks, norm = parts["blocks"], parts["norm"]
    assert isinstance(blocks, nn.Sequential)
    return Encoder(
        VitParts(blocks, norm, nn.Identity(), width, config.text.num_heads, has_cls=True, cls_is_last=True),
        name=name,
        description=_description(name, "texts", parts),
        is_trained=has_learned(parts),
        mean=config.mean,
        std=config.std,
        token_table=TokenTable("clip", **table),
        tower=Tower("text", space, projection, _scale(tensors, path), partial(_load_pictures, path, name)),
    )


def _load_pictures(path: Path, name: str) -> Encoder:
    return load_open_clip(path, read_tensors(path), name)


def _architecture(tower: TowerConfig, config: OpenClipConfig, *, is_causal: bool = False) -> Architecture:
    args = ModelArgs(
        img_size=config.size,
        patch_size=config.patch,
        embed_dim=tower.width,
        depth=tower.depth,
        num_heads=tower.num_heads,
        mlp_ratio=tower.mlp_ratio,
        pre_norm=True,
    )
    activation = QuickGELU if tower.quick_gelu else nn.GELU
    return Architecture(args, 1e-5, activation, config.mean, config.std, is_causal)


def _timm_name(name: str) -> str:
    """What a tensor of one tower is called here."""
    whole = {
        "class_embedding": "cls_token",
        "positional_embedding": "pos_embed",
        "conv1.weight": "patch_embed.proj.weight",
        "token_embedding.weight": "table.weight",
    }
    if match := _BLOCK.fullmatch(name):
        rest = match[2]
        for theirs, ours in _OF_BLOCK.items():
            rest = ours + rest.removeprefix(theirs) if rest.startswith(theirs) else rest
        return f"blocks.{match[1]}.{rest}"
    for theirs, ours in (("ln_pre.", "norm_pre."), ("ln_post.", "norm."), ("ln_final.", "norm.")):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return whole.get(name, name)


def _projection(found: Tensor | None, tower: TowerConfig, config: OpenClipConfig, path: Path) -> Tensor:
    shape = tower.width, config.width
    if found is None or tuple(found.shape) != shape:
        held = "none" if found is None else str(tuple(found.shape))
        raise EncoderError(f"{path} has no projection of shape {shape} ({held})", fix=_FIX)
    return found.float().clone()


def _scale(tensors: Mapping[str, Tensor], path: Path) -> float:
    found = tensors.get("logit_scale")
    if found is None or found.numel() != 1:
        raise EncoderError(f"{path} has no logit_scale", fix="give the whole model, with both towers")
    return math.exp(float(found))


def _description(name: str, reads: str, module: nn.Module) -> str:
    said = f"{Path(name).name if Path(name).is_file() else name}: the tower of {reads} of a model of open_clip"
    return said if has_learned(module) else f"{said}, {UNTRAINED}"

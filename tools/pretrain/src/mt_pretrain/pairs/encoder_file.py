"""What was learned from pairs as files: an encoder in timm's layout, the tokenizers and projections beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from mt_core.contract import Tokenizer
from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import build_vit
from mt_core.errors import OptionError, RunError
from mt_core.io.atomic import atomic_write
from mt_core.sdk.blocks import PatchEmbed, PictureTokenizer
from mt_core.training.records import write_json
from mt_pretrain.pairs.recipe import ContrastRecipe
from mt_pretrain.pairs.towers import Towers
from mt_pretrain.vit import CONFIG, ENCODER, timm_tensors


def check_writable(towers: Towers) -> None:
    """Refuse, before anything is learned, what could not be written in timm's layout afterwards.

    Raises:
        OptionError: a picture tokenizer without a convolution of patches and positions on a square, or an encoder
            without blocks or with parts that no plain ViT of timm has.
    """
    config = _configuration(towers.encoder, towers.picture)
    vit = build_vit(config["architecture"], **config["model_args"])
    wanted = {name: tensor.shape for name, tensor in vit.state_dict().items()}
    if wanted != {name: tensor.shape for name, tensor in _timm_tensors(towers.encoder, towers.picture).items()}:
        raise _not_written(f"the encoder {towers.encoder.name} with these patches has other parts than a plain ViT")


def write_towers(towers: Towers, folder: Path, recipe: ContrastRecipe) -> Path:
    """Write everything that was learned.

    `encoder.safetensors` is in timm's layout and float16, with the picture tokenizer's patches and positions in it, so
    that a tokenizer of pictures starts from them; `config.json` beside it says what it is. The tokenizers are float32,
    their modality, options and calibration in the metadata; `projections.safetensors` has the two linear maps and the
    temperature. An encoder of the captions' own is in `caption/`.

    Returns:
        The path of the encoder.

    Raises:
        RunError: it cannot be written.
    """
    for name, modality in (("picture", recipe.picture_modality), ("caption", recipe.caption_modality)):
        tokenizer = getattr(towers, name)
        _save(tokenizer.state_dict(), folder / f"{name}-tokenizer.safetensors", _metadata(modality, tokenizer))
    own = ("picture_projection.", "caption_projection.", "log_scale")
    tensors = {name: tensor for name, tensor in towers.state_dict().items() if name.startswith(own)}
    _save(tensors, folder / "projections.safetensors")
    if towers.caption_encoder is not None:
        (folder / "caption").mkdir(exist_ok=True)
        _write_encoder(towers.caption_encoder, towers.picture, folder / "caption")
    return _write_encoder(towers.encoder, towers.picture, folder)


def _write_encoder(encoder: Encoder, picture: Tokenizer, folder: Path) -> Path:
    write_json(folder / CONFIG, _configuration(encoder, picture))
    halves = {name: tensor.half() for name, tensor in _timm_tensors(encoder, picture).items()}
    _save(halves, folder / ENCODER)
    return folder / ENCODER


def _save(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    with atomic_write(path, RunError) as unfinished:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(plain, unfinished, metadata)


def _metadata(modality: str, tokenizer: Tokenizer) -> dict[str, str]:
    return {
        "modality": modality,
        "options": tokenizer.options.model_dump_json(),
        "calibration": json.dumps(tokenizer.calibration()),
    }


def _timm_tensors(encoder: Encoder, picture: Tokenizer) -> dict[str, Tensor]:
    """The tensors of an encoder and of the picture tokenizer before it, by timm's names."""
    patches, positions_ND = _patches_and_positions(picture)
    bias = patches.project.bias
    if bias is not None and "norm_pre.weight" in encoder.state_dict():  # timm's then has no bias: it moves the tokens
        positions_ND, bias = positions_ND + bias, None
    return timm_tensors(encoder, patches.project.weight, bias, positions_ND)


def _patches_and_positions(picture: Tokenizer) -> tuple[PatchEmbed, Tensor]:
    if not isinstance(picture, PictureTokenizer) or not isinstance(picture.patches, PatchEmbed):
        raise _not_written(
            f"the patches of {type(picture).__name__} are more than one linear map of a picture",
            "choose a picture_modality of pictures, and leave its option stem at patch",
        )
    return picture.patches, picture.place.weight


def _configuration(encoder: Encoder, picture: Tokenizer) -> dict[str, Any]:
    """What `mt_core.load_encoder` makes the same encoder of: timm's `config.json`."""
    patches, _ = _patches_and_positions(picture)
    if not encoder.depth:
        raise _not_written(f"the encoder {encoder.name} has no blocks, which could learn")
    block: Any = encoder.blocks[0]
    own = encoder.state_dict()
    size = picture.options.size
    model_args = {
        "img_size": size,
        "patch_size": patches.patch[0],
        "embed_dim": encoder.width,
        "depth": encoder.depth,
        "num_heads": encoder.num_heads,
        "mlp_ratio": block.mlp.fc1.out_features / encoder.width,
        "qkv_bias": block.attn.qkv.bias is not None,
        "qk_norm": "blocks.0.attn.q_norm.weight" in own,
        "init_values": 1.0 if "blocks.0.ls1.gamma" in own else None,
        "class_token": encoder.has_cls,
        "global_pool": "token" if encoder.has_cls else "avg",
        "reg_tokens": 0 if encoder.prefix is None else len(encoder.prefix) - encoder.has_cls,
        "no_embed_class": encoder.prefix_positions is None,
        "pre_norm": "norm_pre.weight" in own,
        "final_norm": "norm.weight" in own,
        "fc_norm": False,
    }
    return {
        "architecture": _architecture(encoder, block),
        "num_classes": 0,
        "model_args": model_args,
        "pretrained_cfg": {"mean": encoder.mean, "std": encoder.std, "input_size": (3, size, size)},
    }


# what `model_args` cannot say in JSON: the epsilon of the norms and the activation
_PLAIN = {
    (1e-6, "GELU"): "vit_base_patch16_224",
    (1e-5, "GELU"): "vit_base_patch16_clip_224",
    (1e-5, "QuickGELU"): "vit_base_patch16_clip_quickgelu_224",
}


def _architecture(encoder: Encoder, block: Any) -> str:
    """timm's name: the encoder's own where it tells, else that of one which computes the same, its sizes apart."""
    family, _, model = encoder.name.partition("/")
    if family in ("random", "timm") and model:
        return model.partition("@")[0]
    computes = (block.norm1.eps, type(block.mlp.act).__name__)
    if computes not in _PLAIN:
        raise _not_written(f"the encoder {encoder.name} has norms of epsilon {computes[0]} and {computes[1]}")
    return _PLAIN[computes]


def _not_written(why: str, fix: str = "start from a plain ViT, such as random/vit_tiny_patch16_224") -> OptionError:
    return OptionError(f"what is learned could not be written as an encoder: {why}", fix=fix)

"""Two towers on one encoder: what learns from pairs, what it minimises, and the files that come of it.

B pairs of a process, M of all processes, C different captions, D width of the encoder, J width of the joint space.

Source: Radford et al. 2021 (CLIP), arXiv:2103.00020, sections 2.3 to 2.5 and figure 3.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from mt_core.contract import Tokenizer
from mt_core.encoder import Encoder
from mt_core.encoder.plain_vit import build_vit
from mt_core.errors import OptionError, RunError
from mt_core.io.atomic import atomic_write
from mt_core.sdk.blocks import PatchEmbed, PictureTokenizer
from mt_pretrain.vit import CONFIG, ENCODER

FIRST_SCALE, LARGEST_SCALE = 1 / 0.07, 100.0
"""What similarities are multiplied by: at first, and at most (CLIP, section 2.5)."""


class Towers(nn.Module):
    """Pictures and captions into one space: tokenizer, encoder, mean of the real tokens (what `mt embed` gives), a
    linear map. The encoder is one and the same, unless there is a second one for captions.

    Args:
        image, text: The tokenizers.
        encoder: For pictures, and for captions where `text_encoder` is None.
        joint_width: J.

    Attributes:
        log_scale: Logarithm of what similarities are multiplied by.
    """

    def __init__(
        self, image: Tokenizer, text: Tokenizer, encoder: Encoder, text_encoder: Encoder | None, joint_width: int
    ) -> None:
        super().__init__()
        self.image, self.text = image, text
        self.encoder, self.text_encoder = encoder, text_encoder
        self.image_projection = nn.Linear(encoder.width, joint_width, bias=False)
        self.text_projection = nn.Linear(encoder.width, joint_width, bias=False)
        for projection in (self.image_projection, self.text_projection):
            nn.init.normal_(projection.weight, std=encoder.width**-0.5)
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))

    def forward(self, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Pictures and captions, each (B, J) float32 of length 1."""
        of_text = self.encoder if self.text_encoder is None else self.text_encoder
        pictures_BD = self.encoder(self.image(batch["image"])).pooled
        captions_BD = of_text(self.text(batch["text"])).pooled
        return (
            functional.normalize(self.image_projection(pictures_BD).float(), dim=-1),
            functional.normalize(self.text_projection(captions_BD).float(), dim=-1),
        )

    @torch.no_grad()
    def bound_scale(self) -> None:
        self.log_scale.clamp_(max=math.log(LARGEST_SCALE))


def info_nce(
    pictures_BJ: Tensor,
    captions_BJ: Tensor,
    all_pictures_MJ: Tensor,
    all_captions_MJ: Tensor,
    scale: Tensor,
    first: int,
) -> Tensor:
    """Cross entropy of each picture over all captions and of each caption over all pictures, their mean.

    Args:
        pictures_BJ, captions_BJ: This process's pairs, of length 1.
        all_pictures_MJ, all_captions_MJ: Those of all processes, with gradients.
        scale: What similarities are multiplied by.
        first: Where this process's pairs begin among all.

    Returns:
        This process's part. The mean over processes is the loss of one that holds all pairs, and so are the gradients.
    """
    targets_B = torch.arange(first, first + len(pictures_BJ), device=pictures_BJ.device)
    with torch.autocast(pictures_BJ.device.type, enabled=False):  # bfloat16 has 8 bits for similarities
        of_pictures = functional.cross_entropy(scale * pictures_BJ @ all_captions_MJ.T, targets_B)
        of_captions = functional.cross_entropy(scale * captions_BJ @ all_pictures_MJ.T, targets_B)
    return (of_pictures + of_captions) / 2


def recall(pictures_MJ: Tensor, captions_CJ: Tensor, own_M: Tensor, at: int) -> float:
    """The share of pictures whose own caption is among the nearest; of equally near ones it counts as the last.

    Args:
        captions_CJ: Different captions.
        own_M: For each picture the index of its own.
        at: How many are the nearest.
    """
    nearness_MC = pictures_MJ @ captions_CJ.T
    not_farther_M = (nearness_MC >= nearness_MC.gather(1, own_M.unsqueeze(1))).sum(1)
    return float((not_farther_M <= at).float().mean())


# the files


def check_writable(towers: Towers) -> None:
    """Refuse, before anything is learned, what could not be written in timm's layout afterwards.

    Raises:
        OptionError: an image tokenizer without a convolution of patches and positions on a square, or an encoder
            without blocks or with parts that no plain ViT of timm has.
    """
    config = _configuration(towers.encoder, towers.image)
    vit = build_vit(config["architecture"], **config["model_args"])
    wanted = {name: tensor.shape for name, tensor in vit.state_dict().items()}
    if wanted != {name: tensor.shape for name, tensor in _timm_tensors(towers.encoder, towers.image).items()}:
        raise _not_written(f"the encoder {towers.encoder.name} has other parts than a plain ViT")


def write_towers(towers: Towers, folder: Path) -> Path:
    """Write everything that was learned.

    `encoder.safetensors` is in timm's layout and float16, with the image tokenizer's patches and positions in it, so
    that an image tokenizer which adopts it starts from them; `config.json` beside it says what it is. The tokenizers
    are float32, their modality, options and calibration in the metadata; `projections.safetensors` has the two linear
    maps and the temperature. An encoder of the captions' own is in `text/`.

    Returns:
        The path of the encoder.

    Raises:
        RunError: it cannot be written.
    """
    for modality, tokenizer in (("image", towers.image), ("text", towers.text)):
        _save(tokenizer.state_dict(), folder / f"{modality}-tokenizer.safetensors", _made_by(modality, tokenizer))
    own = {
        name: tensor for name, tensor in towers.state_dict().items() if name.startswith(("image_pr", "text_pr", "log"))
    }
    _save(own, folder / "projections.safetensors")
    if towers.text_encoder is not None:
        (folder / "text").mkdir(exist_ok=True)
        _write_encoder(towers.text_encoder, towers.image, folder / "text")
    return _write_encoder(towers.encoder, towers.image, folder)


def _write_encoder(encoder: Encoder, image: Tokenizer, folder: Path) -> Path:
    with atomic_write(folder / CONFIG, RunError) as unfinished:
        unfinished.write_text(json.dumps(_configuration(encoder, image), indent=2), encoding="utf-8")
    halves = {name: tensor.half() for name, tensor in _timm_tensors(encoder, image).items()}
    _save(halves, folder / ENCODER)
    return folder / ENCODER


def _save(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    with atomic_write(path, RunError) as unfinished:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(plain, unfinished, metadata)


def _made_by(modality: str, tokenizer: Tokenizer) -> dict[str, str]:
    return {
        "modality": modality,
        "options": tokenizer.options.model_dump_json(),
        "calibration": json.dumps(tokenizer.calibration()),
    }


def _timm_tensors(encoder: Encoder, image: Tokenizer) -> dict[str, Tensor]:
    """The tensors of an encoder and of the image tokenizer before it, by timm's names."""
    patches, positions_ND = _patches_and_positions(image)
    own = encoder.state_dict()
    tensors = {name: own[name] for name in own if name.startswith(("blocks.", "norm.", "norm_pre."))}
    tensors["patch_embed.proj.weight"] = patches.project.weight
    if patches.project.bias is not None and "norm_pre.weight" in own:  # timm's then has no bias: it moves the tokens
        positions_ND = positions_ND + patches.project.bias
    elif patches.project.bias is not None:
        tensors["patch_embed.proj.bias"] = patches.project.bias
    if encoder.prefix is not None:
        num_cls = int(encoder.has_cls)
        parts = {"cls_token": encoder.prefix[:num_cls], "reg_token": encoder.prefix[num_cls:]}
        tensors |= {name: tokens.unsqueeze(0) for name, tokens in parts.items() if len(tokens)}
        if encoder.prefix_positions is not None:
            positions_ND = torch.cat([encoder.prefix_positions, positions_ND])
    return {**tensors, "pos_embed": positions_ND.unsqueeze(0)}


def _patches_and_positions(image: Tokenizer) -> tuple[PatchEmbed, Tensor]:
    if not isinstance(image, PictureTokenizer) or not isinstance(image.patches, PatchEmbed):
        raise _not_written(
            "the image tokenizer's patches are more than one linear map", "leave its option stem at patch"
        )
    return image.patches, image.place.weight


def _configuration(encoder: Encoder, image: Tokenizer) -> dict[str, Any]:
    """What `mt_core.load_encoder` makes the same encoder of: timm's `config.json`."""
    patches, _ = _patches_and_positions(image)
    if not encoder.depth:
        raise _not_written(f"the encoder {encoder.name} has no blocks, which could learn")
    block: Any = encoder.blocks[0]
    own = encoder.state_dict()
    size = image.options.size
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

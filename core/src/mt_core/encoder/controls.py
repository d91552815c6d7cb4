"""The controls of an encoder: the same architecture with random weights, and nothing in its place."""

from __future__ import annotations

from copy import deepcopy

from torch import nn

from mt_core.encoder.catalog import load_encoder
from mt_core.encoder.encoder import Encoder
from mt_core.encoder.names import parse_name
from mt_core.encoder.plain_vit import VitParts
from mt_core.encoder.random_weights import draw_weights
from mt_core.encoder.registry import registered
from mt_core.encoder.tiny import ARCHITECTURE
from mt_core.errors import EncoderError

_TIMM_NAMES = {
    "prefix": "cls_token",
    "prefix_positions": "reg_token",
    "positions": "pos_embed",
    "patch_weight": "patch_embed.proj.weight",
    "patch_bias": "patch_embed.proj.bias",
}


def architecture_of(encoder: Encoder) -> str | None:
    """timm's name of an encoder's architecture, as far as its own name tells; None of a file or a plugin's encoder."""
    try:
        parsed = parse_name(encoder.name, registered())
    except EncoderError:  # a file that is gone, or an encoder that was put together by hand
        return None
    return ARCHITECTURE if parsed.kind == "tiny" else parsed.model or None


def random_control(encoder: Encoder, seed: int) -> Encoder:
    """An encoder of the same architecture with random weights: `random/<architecture>@<seed>`, or, where the
    architecture has no name, a copy of the encoder whose weights are drawn again."""
    architecture = architecture_of(encoder)
    if architecture is not None:
        drawn = load_encoder(f"random/{architecture}@{seed}" if seed else f"random/{architecture}")
        return drawn.with_choices(encoder.choices)
    drawn = deepcopy(encoder)
    tensors = {_TIMM_NAMES.get(name, name): tensor for name, tensor in drawn.state_dict().items()}
    for name, tensor in tensors.items():
        if name.endswith(".weight") and tensor.ndim == 1:  # of a norm
            tensor.fill_(1.0)
    draw_weights(tensors, seed)
    if drawn.token_table is not None:
        own = {"token_embedding.weight": drawn.token_table.weight, "pos_embed": drawn.token_table.positions}
        draw_weights(own, seed)
    drawn.tower = None  # it shares no space with the other
    drawn.name, drawn.is_trained = f"random weights in {encoder.name}", False
    drawn.freeze(description=f"random weights in the architecture of {encoder.name}, seed {seed} (untrained control)")
    return drawn


def no_encoder_control(encoder: Encoder) -> Encoder:
    """The width, the normalisation and the table of texts of an encoder, and nothing that computes:
    `none/<architecture>`."""
    nothing = VitParts(nn.Sequential(), nn.Identity(), nn.Identity(), width=encoder.width, num_heads=0)
    architecture = architecture_of(encoder)
    return Encoder(
        nothing,
        name=f"none/{architecture}" if architecture is not None else f"nothing, {encoder.width} wide",
        description=f"no encoder, width {encoder.width} (control)",
        is_trained=False,
        mean=encoder.mean,
        std=encoder.std,
        interpolation=encoder.interpolation,
        token_table=encoder.token_table,
    )

"""What int8 needs to know of an encoder's blocks: the ranges of what goes into their linear layers.  D width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mt_core.encoder.plain_blocks import LINEARS, Affine, Norm

if TYPE_CHECKING:
    from mt_core.contract import Tokens
    from mt_core.encoder.encoder import Encoder

BEHIND_NORMS = ("qkv", "fc1")
"""The layers whose inputs come from a norm, which bounds them and can take over a scale."""
_LEAST = 1e-5


@dataclass(frozen=True)
class Range:
    """What goes into one linear layer.

    Attributes:
        edges: The smallest and the largest value, 0 among them; behind a norm after `scales`.
        scales: (D,) that the inputs are divided by and the weights multiplied; None: not behind a norm.
    """

    edges: tuple[float, float]
    scales: Tensor | None = None


def observed_ranges(encoder: Encoder, batches: Iterable[Tokens]) -> dict[tuple[int, str], Range]:
    """By index of the block and name of the layer, over all batches."""
    linears: dict[tuple[int, str], nn.Module] = {}
    for index, block in enumerate(encoder.blocks):
        parts: Any = block
        for name in LINEARS:
            linears[index, name] = getattr(parts.attn if name in ("qkv", "proj") else parts.mlp, name)
    low: dict[tuple[int, str], Tensor] = {}
    high: dict[tuple[int, str], Tensor] = {}

    def watch(which: tuple[int, str]) -> Any:
        def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen = inputs[0].detach().flatten(0, -2)
            low[which] = torch.minimum(low.get(which, torch.zeros(())), seen.amin(0))
            high[which] = torch.maximum(high.get(which, torch.zeros(())), seen.amax(0))

        return look

    watching = [module.register_forward_pre_hook(watch(which)) for which, module in linears.items()]
    try:
        with torch.no_grad():
            for tokens in batches:
                encoder(tokens)
    finally:
        for each in watching:
            each.remove()
    return {which: _range(which, linears[which], low[which], high[which]) for which in low}


def _range(which: tuple[int, str], linear: Any, low_D: Tensor, high_D: Tensor) -> Range:
    if which[1] not in BEHIND_NORMS:
        return Range((float(low_D.min()), max(float(high_D.max()), _LEAST)))
    most_D = torch.maximum(-low_D, high_D).clamp_min(_LEAST)
    scales_D = (most_D / linear.weight.detach().abs().amax(0).clamp_min(_LEAST)).sqrt()
    scales_D = scales_D / scales_D.log().mean().exp()
    return Range((float((low_D / scales_D).min()), float((high_D / scales_D).max())), scales_D)


def smoothed(norm: Norm, linear: Affine, seen: Range) -> tuple[Norm, Affine]:
    """The norm divided by the scales of a range and the layer behind it multiplied: together the same."""
    if seen.scales is None:
        return norm, linear
    affine = Affine(norm.affine.weight / seen.scales, norm.affine.bias / seen.scales)
    return Norm(affine, norm.eps), Affine(linear.weight * seen.scales, linear.bias)

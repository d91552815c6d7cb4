"""Figures to pictures: colours, a ground, light from a side, noise.  B pictures, S pixels a side."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure


def paint(canvas: Canvas, figure: Figure, pattern: Tensor) -> Tensor:
    """(B, 3, S, S) in [0, 1]. Light tones are lighter than dark ones, and figure and ground differ in lightness.

    Args:
        pattern: (B, S, S) in 0..1, what may show on the ground.
    """
    count = len(pattern)

    def each(low: float, high: float) -> Tensor:
        return canvas.uniform(low, high, count, 1, 1, 1)

    lightness = each(0, 1)
    other = torch.remainder(lightness + each(0.35, 0.65), 1)  # at least 0.35 away on either side
    vivid = each(0, 0.25)
    hues = vivid * canvas.normal(4, count, 3, 1, 1)
    tone, pattern = figure.tone[:, None], pattern[:, None]
    ahead = 0.15 + 0.7 * lightness + hues[0] + (each(0.2, 0.7) + hues[1]) * (tone - 0.5)
    strength = each(-0.5, 0.6).clamp_min(0)  # nearly half of the grounds are plain
    behind = 0.15 + 0.7 * other + hues[2] + strength * (1 + hues[3]) * (pattern - 0.5)
    picture = torch.lerp(behind, ahead, figure.cover[:, None])
    turn, ticks = canvas.uniform(-math.pi, math.pi, count, 1, 1, 1), canvas.ticks()
    light = 1 + each(0, 0.4) * (turn.cos() * ticks + turn.sin() * ticks[:, None])
    noise = each(-0.03, 0.07).clamp_min(0)
    return torch.addcmul(picture * light, noise, canvas.normal(*pattern.shape)).clamp(0, 1)

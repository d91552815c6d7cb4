"""Many things, the nearer before the farther, as a photograph has them.

Source: after the dead leaves of Lee, Mumford & Huang 2001, whose statistics are those of photographs, and of Baradad et
al. 2021, arXiv:2106.05963, who pretrained on them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, covered
from mt_pretrain.formulas.drawing.numbers import numbers_of

_LEAVES = 14
_SMALLEST, _LARGEST = 0.12, 1.1
"""Half sizes in half sides of the picture; few are large and many small."""


def scenes(canvas: Canvas, categories: Tensor, patterns: Tensor) -> Tensor:
    """(B, 3, S, S) a ground that gets lighter or darker downwards, and leaves before it: discs to squares, plain or
    with a pattern, lit from a side. A category has its own sizes, shapes and colours.

    Args:
        patterns: (P, S, S) in 0..1, of which ground and leaves may show one.
    """
    count = len(categories)
    p = numbers_of("scenes", categories, 8, canvas.categories)
    ticks = canvas.ticks()
    lightness = 0.2 + 0.6 * p[6][:, None]
    vivid = 0.3 * canvas.uniform(0, 1, count, 1, 1, 1).square() + 0.03
    base = lightness + 2 * vivid * (p[:3].permute(1, 0, 2, 3) - 0.5)
    rise = (canvas.uniform(-0.3, 0.3, count, 1, 1, 1) + vivid * canvas.normal(count, 3, 1, 1)) * ticks[:, None]
    picture = base + rise + 0.5 * p[3][:, None] * _pattern(canvas, patterns, count)
    steep = 1.5 + 1.5 * p[4]
    for _ in range(_LEAVES):
        cover, across, down = _leaf(canvas, count, steep, p[5])
        hue = vivid * canvas.normal(count, 3, 1, 1)
        own = (0.5 * base + canvas.uniform(0, 0.5, count, 1, 1, 1) + hue).clamp(0, 1)
        tint = 1 + hue
        strength = canvas.uniform(-0.4, 0.8, count, 1, 1, 1).clamp_min(0) * p[7][:, None]
        light = (canvas.normal(count, 1, 1) * across + canvas.normal(count, 1, 1) * down)[:, None] * 0.12
        leaf = own + light + strength * tint * _pattern(canvas, patterns, count)
        picture = torch.lerp(picture, leaf, cover[:, None])
    soft = torch.nn.functional.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)
    picture = torch.lerp(picture, soft, canvas.uniform(0, 1, count, 1, 1, 1))
    noise = canvas.uniform(-0.03, 0.05, count, 1, 1, 1).clamp_min(0)
    return (picture + noise * canvas.normal(count, 1, canvas.size, canvas.size)).clamp(0, 1)


def _pattern(canvas: Canvas, patterns: Tensor, count: int) -> Tensor:
    """(B, 1, S, S) in -0.5..0.5."""
    return patterns[canvas.integers(len(patterns), count)][:, None] - 0.5


def _leaf(canvas: Canvas, count: int, steep: Tensor, roundness: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cover (B, S, S) and the place within the leaf, across and down, in half sizes.

    Args:
        steep: (B, 1, 1) exponent of the sizes' power law.
        roundness: (B, 1, 1) in 0..1, from diamonds by discs to squares.
    """
    ticks = canvas.ticks()
    share = canvas.uniform(0, 1, count, 1, 1)
    low, high = _SMALLEST ** (1 - steep), _LARGEST ** (1 - steep)
    size = (low + share * (high - low)) ** (1 / (1 - steep))
    turn = canvas.uniform(-math.pi, math.pi, count, 1, 1) * canvas.uniform(0, 1, count, 1, 1).round()
    stretch = canvas.uniform(-0.7, 0.7, count, 1, 1).exp()
    x = ticks - canvas.uniform(-1.1, 1.1, count, 1, 1)
    y = ticks[:, None] - canvas.uniform(-1.1, 1.1, count, 1, 1)
    across = (turn.cos() * x + turn.sin() * y) / (size * stretch)
    down = (turn.cos() * y - turn.sin() * x) / (size / stretch)
    power = 1.2 + 5 * (roundness * canvas.uniform(0, 1, count, 1, 1)).square()
    level = 1 - across.abs().clamp_min(1e-4) ** power - down.abs().clamp_min(1e-4) ** power
    return covered(level.clamp(-3, 1)), across.clamp(-1, 1), down.clamp(-1, 1)

"""What points come to that are moved again and again by one of a few affine maps, chosen at random.

Source: after Kataoka et al. 2020 (FractalDB), arXiv:2101.08515, with maps as Anderson & Farrell 2022 draw them
(arXiv:2110.03091): by their singular values, so that they contract.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure
from mt_pretrain.formulas.drawing.numbers import numbers_of

_MAPS = 4
_BEFORE, _KEPT = 5, 10
"""Moves before a point is drawn, and those after which it is."""


def fractals(canvas: Canvas, categories: Tensor) -> Figure:
    """The density of the points, about one and a quarter a pixel."""
    maps, chances = _maps(canvas, categories)
    count, particles = len(categories), max(64, canvas.size * canvas.size // 8)
    x, y = canvas.uniform(-1, 1, 2, count, particles)
    order = torch.searchsorted(chances, canvas.uniform(0, 1, count, (_BEFORE + _KEPT) * particles))
    chosen = maps.gather(1, order[..., None].expand(-1, -1, 6)).view(count, -1, particles, 6)
    drawn = []
    for move in range(_BEFORE + _KEPT):
        a, b, c, d, right, down = chosen[:, move].unbind(-1)
        x, y = a * x + b * y + right, c * x + d * y + down
        if move >= _BEFORE:
            drawn.append(torch.stack([x, y]))
    x, y = torch.cat(drawn, -1)  # (B, points)
    x, y = _standing(x), _standing(y)
    turn = canvas.uniform(-math.pi, math.pi, count, 1)
    scale = canvas.uniform(0.38, 0.52, count, 1)
    column = turn.cos() * scale * x - turn.sin() * scale * y + canvas.uniform(-0.2, 0.2, count, 1)
    row = turn.sin() * scale * x + turn.cos() * scale * y + canvas.uniform(-0.2, 0.2, count, 1)
    return _density(canvas, column, row)


def _maps(canvas: Canvas, categories: Tensor) -> tuple[Tensor, Tensor]:
    """(B, maps, 6) of a, b, c, d and the shift, and (B, maps) up to which number in 0..1 each map is chosen."""
    p = numbers_of("fractals", categories, 6 * _MAPS, canvas.categories)[..., 0, 0].T.reshape(len(categories), _MAPS, 6)
    p = p + 0.015 * canvas.normal(len(categories), _MAPS, 6)
    first, second = 2 * math.pi * p[..., 0], 2 * math.pi * p[..., 1]
    long, short = 0.35 + 0.5 * p[..., 2], 0.2 + 0.55 * p[..., 3]
    shift = 2 * p[..., 4:] - 1
    a = long * first.cos() * second.cos() - short * first.sin() * second.sin()
    b = -long * first.cos() * second.sin() - short * first.sin() * second.cos()
    c = long * first.sin() * second.cos() + short * first.cos() * second.sin()
    d = short * first.cos() * second.cos() - long * first.sin() * second.sin()
    area = (long * short).abs() + 0.05  # a map is chosen as often as what it gives is large
    chances = (area / area.sum(-1, keepdim=True)).cumsum(-1)
    chances[:, -1] = 1
    return torch.cat([torch.stack([a, b, c, d], -1), shift], -1), chances


def _standing(along: Tensor) -> Tensor:
    """Centred, and of standard deviation 1."""
    centred = along - along.mean(-1, keepdim=True)
    return centred / centred.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-3)


def _density(canvas: Canvas, column: Tensor, row: Tensor) -> Figure:
    size = canvas.size
    at = torch.stack([column, row]).add(1).mul(size / 2).long()
    is_seen = ((at >= 0) & (at < size)).all(0)
    place = torch.where(is_seen, at[1] * size + at[0], size * size)
    counts = torch.zeros(len(column), size * size + 1, device=column.device)
    # whole numbers: the same sum in whatever order a GPU adds them
    counts.scatter_add_(1, place, torch.ones_like(column))
    counts = counts[:, :-1].view(-1, size, size)
    soft = torch.nn.functional.avg_pool2d(counts[:, None], 3, 1, 1)[:, 0]
    return Figure((counts + soft).clamp(0, 1), (soft / 6).clamp(0, 1).sqrt())

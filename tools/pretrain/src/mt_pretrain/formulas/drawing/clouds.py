"""Points in space seen from far away: scans of bodies, and sparse dots."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas
from mt_pretrain.formulas.drawing.numbers import numbers_of

_POINTS, _BODIES = 900, 3


def clouds(canvas: Canvas, categories: Tensor) -> Tensor:
    """(B, 3, S, S) on black, dots of one to three pixels, the nearer the lighter: ellipsoids, boxes and planes of a
    category's own sizes, in scan lines or strewn, or a few dots of one colour each."""
    count = len(categories)
    p = numbers_of("clouds", categories, 7 * _BODIES + 5, canvas.categories)[..., 0, 0]  # (numbers, B)
    points = _points(canvas, p)
    style = p[-5:]
    turn = canvas.uniform(-math.pi, math.pi, count, 1)
    x = turn.cos() * points[..., 0] + turn.sin() * points[..., 2]
    depth = turn.cos() * points[..., 2] - turn.sin() * points[..., 0]
    y = points[..., 1]
    spacing = 0.04 + 0.12 * style[0][:, None]
    lines = (y / spacing).round() * spacing
    y = torch.where(style[1][:, None] < 0.4, lines, y)
    scale = canvas.uniform(0.4, 0.85, count, 1)
    column = x * scale + canvas.uniform(-0.1, 0.1, count, 1)
    row = y * scale + canvas.uniform(-0.1, 0.1, count, 1)
    near = (0.6 - 0.35 * depth).clamp(0.15, 1)
    high = (0.6 - 0.35 * y).clamp(0.1, 1)
    which = canvas.uniform(0, 1, count, _POINTS)
    is_sparse = style[2][:, None] < 0.3
    colours = torch.stack([(which < 1 / 3), (which >= 2 / 3), (which >= 1 / 3) & (which < 2 / 3)], 1).float()
    plain = torch.stack([near, torch.lerp(near, high, style[3][:, None]), high], 1)
    values = torch.where(is_sparse[:, None], colours, plain)
    kept = torch.where(is_sparse, 0.03 + 0.1 * style[4][:, None], 0.15 + 0.85 * style[4][:, None])
    values = values * (canvas.uniform(0, 1, count, 1, _POINTS) < kept[:, None])
    dots = _dots(values, row, column, canvas.size)
    wide = torch.nn.functional.max_pool2d(dots, 3, 1, 1)
    is_wide = (style[3] < 0.5)[:, None, None, None] & ~is_sparse[:, :, None, None]
    return torch.where(is_wide, wide, dots)


def _points(canvas: Canvas, p: Tensor) -> Tensor:
    """(B, points, 3) on the surfaces of bodies."""
    count = p.shape[1]
    sphere = torch.nn.functional.normalize(canvas.normal(count, _POINTS, 3), dim=-1)
    cube = sphere / sphere.abs().amax(-1, keepdim=True).clamp_min(1e-3)
    body = canvas.integers(_BODIES, count, _POINTS)
    own = p[: 7 * _BODIES].view(_BODIES, 7, count).permute(2, 0, 1)  # (B, bodies, 7)
    chosen = own.gather(1, body[..., None].expand(-1, -1, 7))  # (B, points, 7)
    extent = 0.08 + 0.7 * chosen[..., :3].square()
    middle = 0.9 * (chosen[..., 3:6] - 0.5)
    return torch.where(chosen[..., 6:] < 0.5, sphere, cube) * extent + middle


def _dots(values: Tensor, row: Tensor, column: Tensor, size: int) -> Tensor:
    """(B, 3, S, S) the lightest of the points in each pixel.

    Args:
        values: (B, 3, points) in 0..1.
        row, column: (B, points) in -1..1.
    """
    at = torch.stack([row, column]).add(1).mul(size / 2).long()
    is_seen = ((at >= 0) & (at < size)).all(0)
    place = torch.where(is_seen, at[0] * size + at[1], size * size)[:, None].expand_as(values)
    empty = values.new_zeros(*values.shape[:2], size * size + 1)
    filled = empty.scatter_reduce(2, place, values, "amax")
    return filled[..., :-1].reshape(*values.shape[:2], size, size)

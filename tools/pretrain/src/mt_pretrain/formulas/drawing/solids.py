"""Lit solids: ellipsoids and boxes in space, seen along parallel rays.

A ray through the pixel (x, y) runs along z; in a part's own frame it is origin + t * direction, the least t is nearest.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure, covered
from mt_pretrain.formulas.drawing.numbers import numbers_of

_ELLIPSOIDS, _BOXES = 2, 2
_NUMBERS = 9
_FAR = 9.0


def solids(canvas: Canvas, categories: Tensor) -> Figure:
    """Two ellipsoids and two boxes, of which a category may lack some, turned within 30 degrees; lit from one side."""
    count, parts = len(categories), _ELLIPSOIDS + _BOXES
    p = numbers_of("solids", categories, _NUMBERS * parts, canvas.categories)[..., 0, 0]
    x, y = canvas.coordinates(count, smallest=0.6, largest=1.2, shift=0.3, copies=2)
    pose = _turn(canvas.uniform(-0.5, 0.5, 2, count))
    sideways, upwards = canvas.uniform(-0.8, 0.8, 2, count)
    light = torch.nn.functional.normalize(torch.stack([sideways, upwards, -torch.ones_like(sideways)], -1), dim=-1)
    depth, cover, tone = torch.full_like(x, _FAR), torch.zeros_like(x), torch.zeros_like(x)
    for part in range(parts):
        own = p[_NUMBERS * part : _NUMBERS * (part + 1)]
        frame = _turn(2 * math.pi * own[:2]) @ pose  # (B, 3, 3) from the picture's axes to the part's
        middle = torch.stack([own[2] - 0.5, own[3] - 0.5, own[4] - 0.5], -1) * (1.1 if part else 0.3)
        extent = torch.stack([0.15 + 0.5 * own[5], 0.15 + 0.5 * own[6], 0.15 + 0.5 * own[7]], -1)
        is_there = (own[8] < 0.7)[:, None, None] if part else torch.ones_like(depth[:, :1, :1], dtype=torch.bool)
        start = (frame @ (-pose.transpose(1, 2) @ middle[..., None]))[..., 0]
        origin = [
            frame[:, i, 0, None, None] * x + (frame[:, i, 1, None, None] * y + start[:, i, None, None])
            for i in range(3)
        ]
        hit = _ellipsoid if part < _ELLIPSOIDS else _box
        part_depth, part_cover, part_tone = hit(origin, frame, extent, light)
        part_cover = part_cover * is_there
        is_front = (part_cover > 0.5) & (part_depth < depth)
        depth = torch.where(is_front, part_depth, depth)
        tone = torch.where(is_front | ((cover < 0.5) & (part_cover > cover)), part_tone, tone)
        cover = torch.maximum(cover, part_cover)
    return Figure(cover, tone)


def _turn(angles: Tensor) -> Tensor:
    """(B, 3, 3) a turn about y, then one about x, by (2, B) angles."""
    (a, b), zero = angles, torch.zeros_like(angles[0])
    about_y = torch.stack([a.cos(), zero, a.sin(), zero, zero + 1, zero, -a.sin(), zero, a.cos()], -1)
    about_x = torch.stack([zero + 1, zero, zero, zero, b.cos(), -b.sin(), zero, b.sin(), b.cos()], -1)
    return about_x.view(-1, 3, 3) @ about_y.view(-1, 3, 3)


_Hit = tuple[Tensor, Tensor, Tensor]


def _ellipsoid(origin: list[Tensor], frame: Tensor, extent: Tensor, light: Tensor) -> _Hit:
    """Depth, cover and tone of |ray / extent| = 1."""
    scaled = [origin[i] / extent[:, i, None, None] for i in range(3)]
    direction = frame[:, :, 2] / extent  # (B, 3)
    a = direction.square().sum(1)[:, None, None]
    half_b = sum(scaled[i] * direction[:, i, None, None] for i in range(3))
    c = scaled[0].square() + scaled[1].square() + scaled[2].square() - 1
    inside = half_b * half_b - a * c
    depth = (-half_b - inside.clamp_min(0).sqrt()) / a
    towards = (frame @ light[..., None])[..., 0] / extent  # the light, in the frame where the surface is a sphere
    facing, length = torch.zeros_like(depth), torch.zeros_like(depth)
    for i in range(3):
        at = scaled[i] + depth * direction[:, i, None, None]
        facing = facing + at * towards[:, i, None, None]
        length = length + (at / extent[:, i, None, None]).square()
    return depth, covered(inside), _lit(facing * length.clamp_min(1e-6).rsqrt())


def _box(origin: list[Tensor], frame: Tensor, extent: Tensor, light: Tensor) -> _Hit:
    """Depth, cover and tone of a box, by the slabs between its faces (Kay & Kajiya 1986)."""
    direction = frame[:, :, 2]
    direction = torch.where(direction.abs() < 1e-3, torch.full_like(direction, 1e-3), direction)
    towards = (frame @ light[..., None])[..., 0]
    enter = torch.full_like(origin[0], -_FAR)
    leave, facing = -enter, torch.zeros_like(enter)
    for i in range(3):
        along = direction[:, i, None, None]
        middle, half = origin[i] / -along, (extent[:, i, None, None] / along.abs())
        enters = middle - half
        facing = torch.where(enters > enter, (-along.sign()) * towards[:, i, None, None], facing)
        enter, leave = torch.maximum(enter, enters), torch.minimum(leave, middle + half)
    return enter, covered(leave - enter), _lit(facing)


def _lit(facing: Tensor) -> Tensor:
    """Lambert's law, and some light from everywhere."""
    return 0.15 + 0.85 * facing.clamp(0, 1)

"""Closed lines around a centre, their radius a sum of waves over the angle.

Source: after Kataoka et al. 2022 (RCDB), arXiv:2206.09132, and Takashima et al. 2023 (VisualAtom), arXiv:2303.01112.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure, covered
from mt_pretrain.formulas.drawing.numbers import numbers_of

_WAVES = 4


def contours(canvas: Canvas, categories: Tensor) -> Figure:
    """One to three copies of a contour, filled, in rings, or as rings with nothing between them."""
    count = len(categories)
    p = numbers_of("contours", categories, 16, canvas.categories)
    x, y = canvas.coordinates(count, smallest=0.6, largest=1.3, shift=0.3, copies=3)
    angle, distance = torch.atan2(y, x), (x * x + y * y).sqrt()
    radius = torch.ones_like(angle)
    unsteady = canvas.normal(_WAVES, count, 1, 1) * 0.04
    for wave in range(_WAVES):
        turns = 1 + torch.floor(p[wave] * (4 + 5 * wave))
        height = p[4 + wave] * 0.45 / (1 + 0.4 * wave) + unsteady[wave] / 2
        radius = radius + height * torch.cos(turns * angle + (2 * math.pi * p[8 + wave] + 3 * unsteady[wave]))
    relative = distance / radius.clamp_min(0.15)
    rings, width = torch.floor(p[12] * 6), 0.25 + 0.5 * p[13]
    is_ring = covered(torch.cos(2 * math.pi * rings * relative) - torch.cos(math.pi * width))
    is_ring = torch.where(rings == 0, 1 - 0.5 * relative.clamp(max=1), is_ring)
    inside = covered(0.9 - relative)
    is_hollow = (p[14] < 0.4) & (rings > 0)
    return Figure(
        torch.where(is_hollow, inside * is_ring, inside), torch.where(is_hollow, 1 - relative, is_ring).clamp(0, 1)
    )

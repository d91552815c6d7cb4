"""Fields without a figure: sums of plane waves, smooth or sharp, bent by other waves."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas, Figure, covered
from mt_pretrain.formulas.drawing.numbers import numbers_of

_WAVES = 4


def textures(canvas: Canvas, categories: Tensor) -> Figure:
    """Stripes, chequers, clouds and spots that fill the picture."""
    count = len(categories)
    p = numbers_of("textures", categories, 18, canvas.categories)
    x, y = canvas.coordinates(count, smallest=0.7, largest=1.4, shift=1.0)
    bend, slow = 0.3 * p[0], 1 + 5 * p[1]
    phases = canvas.uniform(0, 2 * math.pi, _WAVES + 2, count, 1, 1)
    bent_x = x + bend * torch.sin(slow * y + phases[0])
    bent_y = y + bend * torch.sin(1.3 * slow * x + phases[1])
    total, most = torch.zeros_like(x), torch.zeros_like(bend)
    for wave in range(_WAVES):
        direction, frequency = math.pi * p[2 + wave], 3 + 20 * p[6 + wave].square()
        height = p[10 + wave].pow(1.5)
        along = (frequency * direction.cos()) * bent_x + (frequency * direction.sin()) * bent_y
        total = total + height * torch.cos(along + phases[2 + wave])
        most = most + height
    level = total / most.clamp_min(0.3) - 0.5 * (p[14] - 0.5)
    smooth = torch.sigmoid((1 + 3 * p[15]) * 2 * level)
    return Figure(torch.ones_like(level), torch.where(p[16] < 0.4, covered(level), smooth))

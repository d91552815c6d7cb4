"""Charts of series: areas below three of them, in red, green and blue, and heat maps of many."""

from __future__ import annotations

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas
from mt_pretrain.formulas.drawing.numbers import numbers_of
from mt_pretrain.formulas.drawing.signals import CHANNELS, signals

_BANDS = 4
"""At most so many charts one below the other."""


def charts(canvas: Canvas, categories: Tensor) -> Tensor:
    """(B, 3, S, S) area charts in bands, or a matrix of how channels and moments go together, in colours."""
    p = numbers_of("charts", categories, 12, canvas.categories)
    areas, matrix = _areas(canvas, p), _matrix(canvas, p)
    return torch.where(p[8][:, None] < 0.6, areas, matrix)


def _areas(canvas: Canvas, p: Tensor) -> Tensor:
    """Each in a band, a pixel that a series goes through full in part."""
    size, count = canvas.size, p.shape[1]
    bands = 1 + torch.floor(p[9] * 3) + (p[9] > 0.9)  # (B, 1, 1) 1 to 4
    series = torch.stack([signals(canvas, p[:8], size) for _ in range(_BANDS)], 1)  # (B, bands, C, S)
    rows = torch.arange(size, device=canvas.device)
    place = (rows[:, None] + 0.5) / size * bands[:, :, 0, None]  # (B, S, 1)
    band = place.floor().long().clamp_max(_BANDS - 1)[..., 0]  # (B, S)
    within = place - place.floor()  # from the band's top
    chosen = series.gather(1, band[..., None, None].expand(-1, -1, CHANNELS, size)).permute(0, 2, 1, 3)
    half_range = 1.5 + 2.5 * p[10]
    height = (chosen / (2 * half_range[:, None]) + 0.5).clamp(0, 1)
    full = (height - (1 - within)[:, None]) * (size / bands[:, None]) + 0.5
    is_same = (canvas.uniform(0, 1, count, 1, 1, 1) < 0.15).float()
    full = full.clamp(0, 1)
    return torch.lerp(full, full[:, :1].expand_as(full), is_same)


def _matrix(canvas: Canvas, p: Tensor) -> Tensor:
    """A series held against itself: its differences, sums and products, or channels by time."""
    size, count = canvas.size, p.shape[1]
    series = signals(canvas, p[:8], size)
    down, across = series[:, 0, :, None], series[:, 0, None, :]
    blocks = torch.stack([down - across, 0.7 * (down + across), down * across], 1)
    rows = torch.nn.functional.interpolate(series, size, mode="nearest")
    mixing = canvas.normal(count, size // 4, CHANNELS)
    lanes = torch.nn.functional.interpolate((mixing @ rows)[:, None], (size, size), mode="nearest")
    lanes = 0.6 * lanes.expand(-1, CHANNELS, -1, -1)
    chosen = torch.where(p[11][:, None] < 0.6, blocks, lanes)
    tint = 0.5 + 0.5 * canvas.normal(count, CHANNELS, 1, 1).clamp(-1, 1)
    grey = (canvas.uniform(0, 1, count, 1, 1, 1) < 0.3).float()
    chosen = torch.lerp(chosen, chosen[:, :1].expand_as(chosen), grey)
    shift = canvas.uniform(-0.3, 0.3, count, CHANNELS, 1, 1) * (1 - grey)
    return torch.sigmoid(1.2 * chosen * torch.lerp(tint, torch.ones_like(tint), grey) + 3 * shift)

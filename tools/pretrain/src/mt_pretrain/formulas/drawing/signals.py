"""Series in time that nobody recorded.  B pictures, C series each, L steps."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas

CHANNELS = 3


def signals(canvas: Canvas, numbers: Tensor, length: int) -> Tensor:
    """(B, C, L) of mean 0 and deviation 1: a slow walk, an oscillation whose rate drifts, bursts and noise, in parts
    that the numbers give; channels are alike as far as they say.

    Args:
        numbers: (8, B, 1, 1) in 0..1.
    """
    count = numbers.shape[1]
    p = numbers[..., 0]  # (8, B, 1)
    own, shared = canvas.normal(count, CHANNELS, length), canvas.normal(count, 1, length)
    alike = p[0][:, None]
    white = alike * shared + (1 - alike) * own
    walk = _standard(white.cumsum(-1) + 0.2 * length**0.5 * canvas.normal(count, CHANNELS, 1) * _ramp(canvas, length))
    rate = (1 + 14 * p[1].square())[:, None] * (1 + 0.3 * canvas.normal(count, 1, 1).clamp(-2, 2))
    drift = 1 + 0.5 * canvas.uniform(-1, 1, count, 1, 1) * _ramp(canvas, length)
    phase = 2 * math.pi * (rate * drift).mul(1 / length).cumsum(-1)
    turn = canvas.uniform(0, 2 * math.pi, count, CHANNELS, 1)
    waves = torch.sin(phase + turn) + 0.6 * p[2][:, None] * torch.sin(2 * phase + 2 * turn)
    waves = torch.lerp(waves, waves.sign(), (p[3][:, None] > 0.8).float())
    bursts = torch.zeros_like(walk)
    for _ in range(2):
        middle = canvas.uniform(-0.9, 0.9, count, 1, 1) + 0.1 * canvas.normal(count, CHANNELS, 1)
        width = 0.04 + 0.25 * canvas.uniform(0, 1, count, 1, 1).square()
        off = (_ramp(canvas, length) - middle) / width
        heights = canvas.normal(count, CHANNELS, 1)
        bursts = bursts + heights * torch.exp(-off.square()) * torch.cos(3 * off * (p[4][:, None] > 0.5))
    parts = [walk, waves, 2.5 * bursts, 0.3 * white]
    weights = [p[5].square(), p[6].square(), p[7].square(), 0.4 * (p[4] * p[2]).square()]
    total = sum(weight[:, None] * part for weight, part in zip(weights, parts, strict=True))
    return _standard(total + 1e-3 * white)


def _ramp(canvas: Canvas, length: int) -> Tensor:
    return torch.linspace(-1, 1, length, device=canvas.device)


def _standard(series: Tensor) -> Tensor:
    centred = series - series.mean(-1, keepdim=True)
    return centred / centred.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-4)

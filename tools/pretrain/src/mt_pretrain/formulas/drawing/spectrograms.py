"""Spectrograms of sounds that nobody made: frequency upwards, time to the right."""

from __future__ import annotations

import torch
from torch import Tensor

from mt_pretrain.formulas.drawing.canvas import Canvas
from mt_pretrain.formulas.drawing.numbers import numbers_of

_EVENTS, _FORMANTS = 3, 3
_LOWEST, _OCTAVES = 0.02, 5.0
"""Of the axis of frequencies: straight below and in octaves above, as mel is."""


def spectrograms(canvas: Canvas, categories: Tensor) -> Tensor:
    """(B, 3, S, S) a few sounds one after the other, each a tone with overtones that glides, shaped by bands that move,
    or noise; grey, or three of them in red, green and blue."""
    count = len(categories)
    p = numbers_of("spectrograms", categories, 10, canvas.categories)
    layers = [_sound(canvas, p) for _ in range(3)]
    is_grey = (canvas.uniform(0, 1, count, 1, 1) < 0.6).float()
    first = layers[0]
    channels = [first, *(torch.lerp(layer, first, is_grey) for layer in layers[1:])]
    return torch.stack(channels, 1)


def _sound(canvas: Canvas, p: Tensor) -> Tensor:
    """(B, S, S) in 0..1."""
    size, count = canvas.size, p.shape[1]
    time = torch.linspace(0, 1, size, device=canvas.device)
    up = torch.linspace(1, 0, size, device=canvas.device)[:, None]
    frequency = _LOWEST * (torch.exp2(_OCTAVES * up) - 1) + 0.4 * _LOWEST  # (S, 1)
    total = torch.zeros(count, size, size, device=canvas.device)
    for event in range(_EVENTS):
        start = canvas.uniform(-0.1, 0.9, count, 1, 1)
        length = 0.08 + canvas.uniform(0, 0.7, count, 1, 1) * (0.3 + 0.7 * p[0])
        into = (time - start) / length
        swell = torch.sigmoid(40 * into * length) * torch.exp(-(3 * p[1]) * into.clamp_min(0))
        swell = swell * torch.sigmoid(40 * (1 - into) * length)
        base = _LOWEST * (1 + 4 * p[2] * canvas.uniform(0.7, 1.3, count, 1, 1))
        glide = torch.exp2(canvas.normal(count, 1, 1) * 0.5 * p[3] * (into - 0.5).clamp(-0.5, 0.5))
        overtone = frequency / (base * glide)  # (B, S, S)
        off = (overtone - overtone.round()) * (overtone > 0.5)
        sharp = 5 + 25 * p[4]
        ridges = torch.exp(-sharp * off.square()) * (overtone > 0.5)
        # closer than a few rows overtones are a smear, as in a real spectrogram
        ridges = torch.lerp(ridges, torch.full_like(ridges, 0.4), (overtone / (6 + 20 * p[5])).clamp(0, 1))
        hiss = (0.5 + 0.25 * canvas.normal(count, size, size)).clamp_min(0)
        is_noise = (canvas.uniform(0, 1, count, 1, 1) < 0.4 * p[6] + 0.1).float()
        voice = torch.lerp(ridges, hiss, is_noise)
        shape = torch.zeros_like(total)
        for formant in range(_FORMANTS):
            middle = canvas.uniform(0, 1, count, 1, 1) + canvas.normal(count, 1, 1) * 0.25 * (into.clamp(0, 1) - 0.5)
            width = 0.05 + 0.2 * p[7] * canvas.uniform(0.5, 1, count, 1, 1)
            shape = shape + torch.exp(-((up - middle) / width).square()) / (1 + 0.3 * formant)
        tilt = torch.exp(-2 * p[8] * up)
        present = (canvas.uniform(0, 1, count, 1, 1) < 0.85).float() if event else 1.0
        total = total + present * swell * voice * (0.25 * tilt + shape)
    floor = 0.15 * p[9] * (0.5 + 0.5 * up) * (1 + 0.5 * canvas.normal(count, size, size))
    return (torch.log1p(12 * (total + floor.clamp_min(0))) / 3).clamp(0, 1)

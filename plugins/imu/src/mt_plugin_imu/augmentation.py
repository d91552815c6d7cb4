"""Recordings as they might also have been.  T steps, C axes.

Source: Um et al. 2017, Data augmentation of wearable sensor data for Parkinson's disease monitoring, arXiv:1706.00527:
jitter, scaling, rotation, time warping.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

Values = NDArray[np.float32]

_KNOTS = 5  # of the speed, over the recording


def rotate(values_TC: Values, degrees: float, generator: torch.Generator) -> Values:
    """All triples turned together, as the sensors of a device turn with it: by up to so many degrees, about an axis
    drawn from the sphere. Axes that do not come in triples stay."""
    axis_3 = torch.randn(3, generator=generator, dtype=torch.float64).numpy()
    angle = math.radians(degrees) * (2 * torch.rand((), generator=generator).item() - 1)
    if values_TC.shape[1] % 3:
        return values_TC
    x, y, z = axis_3 / np.linalg.norm(axis_3)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross  # Rodrigues
    triples_TG3: Values = values_TC.reshape(len(values_TC), -1, 3) @ turn.T.astype(np.float32)
    return triples_TG3.reshape(values_TC.shape)


def scale(values_TC: Values, deviation: float, generator: torch.Generator) -> Values:
    """Each axis times a factor about 1."""
    factors_C: Values = (1 + deviation * torch.randn(values_TC.shape[1], generator=generator)).numpy()
    return values_TC * factors_C


def time_warp(values_TC: Values, deviation: float, shift: float, generator: torch.Generator) -> Values:
    """Time that runs faster here and slower there, and begins earlier or later; at the ends the nearest value stands.

    Args:
        deviation: Of the speed about 1, drawn at five knots with straight lines between.
        shift: Largest, as a share of the length.
    """
    steps = len(values_TC)
    speeds = 1 + deviation * torch.randn(_KNOTS, generator=generator).numpy()
    moved = shift * (2 * torch.rand((), generator=generator).item() - 1)
    speeds_T = np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, _KNOTS), np.clip(speeds, 0.2, None))
    times_T = np.concatenate([[0], np.cumsum((speeds_T[1:] + speeds_T[:-1]) / 2)])
    times_T = np.clip((times_T / times_T[-1] + moved) * (steps - 1), 0, steps - 1)
    before_T = np.minimum(times_T.astype(np.int64), steps - 2)
    share_T1: Values = (times_T - before_T)[:, None].astype(np.float32)
    between_TC: Values = values_TC[before_T] * (1 - share_T1) + values_TC[before_T + 1] * share_T1
    return between_TC


def jitter(values_TC: Values, deviations_C: Values, generator: torch.Generator) -> Values:
    """Noise of these standard deviations added to each axis."""
    noise_TC: Values = torch.randn(values_TC.shape, generator=generator).numpy()
    return values_TC + noise_TC * deviations_C

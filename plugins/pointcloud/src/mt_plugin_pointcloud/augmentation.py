"""The same object, scanned again: what training changes in a cloud.  N points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mt_plugin_pointcloud.cloud import CHANNELS

_AXES = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}  # the plane that a turn about the axis moves
_DROPPED = 0.3
_RESIZED = 0.1
_JITTER = 0.005

Rows = NDArray[np.float32]


def random_points(num_points: int, limit: int, generator: torch.Generator) -> NDArray[np.int64]:
    """Indices of 70 to 100 % of the points, at most `limit`; of 32 points or fewer, all."""
    share = 1 - _DROPPED * float(torch.rand((), generator=generator))
    kept = min(limit, max(min(num_points, 32), int(num_points * share)))
    return torch.randperm(num_points, generator=generator)[:kept].numpy()


def augment(
    points: Rows, carried: Rows, channels: Sequence[str], upright: str, generator: torch.Generator
) -> tuple[Rows, Rows, float, Rows]:
    """Turn a cloud about its vertical axis, move every point a little, and draw another size.

    Args:
        points: (N, 3) within the unit sphere.
        carried: (N, C) channels side by side; normals among them are turned as well.
        channels: What `carried` holds, in order.
        upright: The vertical axis.

    Returns:
        The points, what they carry, the factor by which the cloud is larger, 0.9 to 1.1, and the (3, 3) turn.

    Source: Qi et al. 2017 (PointNet), arXiv:1612.00593, section 5.1.
    """
    turn = _turn(2 * math.pi * float(torch.rand((), generator=generator)), upright)
    factor = 1 + _RESIZED * (2 * float(torch.rand((), generator=generator)) - 1)
    noise: Rows = torch.randn(points.shape, generator=generator).mul(_JITTER).numpy()
    points = points @ turn + noise
    first = 0
    for name in channels:
        if name == "normals":
            carried = carried.copy()
            carried[:, first : first + 3] @= turn
        first += CHANNELS[name]
    return points, carried, factor, turn


def _turn(angle: float, upright: str) -> Rows:
    """(3, 3) rotation about an axis, to be multiplied from the right."""
    one, other = _AXES[upright]
    matrix = np.eye(3, dtype=np.float32)
    matrix[[one, other], [one, other]] = math.cos(angle)
    matrix[one, other], matrix[other, one] = math.sin(angle), -math.sin(angle)
    return matrix

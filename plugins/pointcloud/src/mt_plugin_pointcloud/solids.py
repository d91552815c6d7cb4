"""Bodies for a demonstration: points on their surface.  N points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def _sphere(draw: np.random.Generator, count: int) -> Points:
    points = draw.normal(size=(count, 3))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def _cube(draw: np.random.Generator, count: int) -> Points:
    points = draw.uniform(-1, 1, (count, 3))
    points[np.arange(count), draw.integers(3, size=count)] = draw.choice([-1.0, 1.0], count)
    return points


def _cylinder(draw: np.random.Generator, count: int) -> Points:
    angle, height = draw.uniform(0, 2 * np.pi, count), draw.uniform(-1, 1, count)
    radius = np.full(count, 0.5)
    lid = draw.random(count) < 0.2  # two lids of 0.25 pi beside a mantle of 2 pi
    radius[lid] *= np.sqrt(draw.random(lid.sum()))
    height[lid] = np.sign(height[lid])
    return _around(radius, angle, height)


def _cone(draw: np.random.Generator, count: int) -> Points:
    angle, radius = draw.uniform(0, 2 * np.pi, count), np.sqrt(draw.random(count))
    height = np.where(draw.random(count) < 0.3, -1.0, 1 - 2 * radius)
    return _around(radius * 0.8, angle, height)


def _torus(draw: np.random.Generator, count: int) -> Points:
    angle, turn = draw.uniform(0, 2 * np.pi, (2, count))
    return _around(1 + 0.3 * np.cos(turn), angle, 0.3 * np.sin(turn))


def _around(radius: Points, angle: Points, height: Points) -> Points:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


SOLIDS: dict[str, Callable[[np.random.Generator, int], Points]] = {
    "cone": _cone,
    "cube": _cube,
    "cylinder": _cylinder,
    "sphere": _sphere,
    "torus": _torus,
}


def draw_solid(kind: str, draw: np.random.Generator) -> NDArray[np.float32]:
    """(N, 3) noisy points of a solid in any pose, 50 to 2,000 of them, 0.5 to 2 metres in radius."""
    count = int(np.exp(draw.uniform(np.log(50), np.log(2000))))
    pose, _ = np.linalg.qr(draw.normal(size=(3, 3)))
    points = SOLIDS[kind](draw, count) * draw.uniform(0.9, 1.1, 3) + draw.normal(scale=0.02, size=(count, 3))
    return np.asarray(points @ pose * draw.uniform(0.5, 2) + draw.uniform(-10, 10, 3), dtype=np.float32)

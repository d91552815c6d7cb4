"""Scenes in overlapping blocks: columns over squares of the ground.

N points, V blocks, T points of all blocks one block after another.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Rows = NDArray[np.float32]

_LOWEST = 0.02  # of a block's points lie below its floor: single ones may be errors far below the ground
_CELLS, _IN_CELL = 64, 16  # of a lattice over a scene along each side, at most, and points in one on average


class Blocks(NamedTuple):
    """Blocks that have points, one after another.

    Attributes:
        points: (T,) those of each, by their numbers in the scene; a point is in several blocks.
        counts: (V,) how many points each has.
        middles: (V, 2) of their squares.
    """

    points: NDArray[np.int64]
    counts: NDArray[np.int64]
    middles: NDArray[np.float64]

    def each(self) -> list[NDArray[np.int64]]:
        """The points of each block."""
        return np.split(self.points, np.cumsum(self.counts)[:-1])


def covering_blocks(ground: Rows, side: float, overlap: float) -> Blocks:
    """Blocks that cover all points, evenly spaced along both axes; those without a point are left out.

    Args:
        ground: (N, 2) the points on the ground.
        side: Of a block's square, in the points' unit.
        overlap: Share of a square that its neighbour covers again, at the least.
    """
    (across, starts_x), (down, starts_y) = (_spans(ground[:, axis], side, overlap) for axis in (0, 1))
    numbers, points = [], []
    for x in across:
        for y in down:
            inside = (x >= 0) & (y >= 0)
            numbers.append(x[inside].astype(np.int64) * len(starts_y) + y[inside])
            points.append(np.flatnonzero(inside))
    number, index = np.concatenate(numbers), np.concatenate(points)
    order = np.lexsort((index, number))
    present, counts = np.unique(number, return_counts=True)
    corners = np.stack([starts_x[present // len(starts_y)], starts_y[present % len(starts_y)]], axis=1)
    return Blocks(index[order], counts, corners + side / 2)


def _spans(places: Rows, side: float, overlap: float) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Which spans along an axis each point is in, and where they begin.

    Returns:
        The last span that begins before each point, which always has it; then the one before that, and so on, -1 where
        it ends before the point.
    """
    low, length = float(places.min()), float(np.ptp(places))
    steps = max(0, math.ceil((length - side) / (side * (1 - overlap)) - 1e-9))
    if steps == 0:
        return [np.zeros(len(places), np.int64)], np.array([low + length / 2 - side / 2], np.float64)
    step = (length - side) / steps
    starts: NDArray[np.float64] = low + step * np.arange(steps + 1, dtype=np.float64)
    last = np.clip(((places - low) / step).astype(np.int64), 0, steps)
    found = [last]
    for back in range(1, min(math.ceil(side / step), steps + 1)):
        before = last - back
        found.append(np.where((before >= 0) & (places < starts[np.maximum(before, 0)] + side), before, -1))
    return found, starts


def random_block(
    ground: Rows, side: float, generator: torch.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The points of a block somewhere about one of the points, and the middle of its square.

    Args:
        ground: (N, 2) the points on the ground.
    """
    about = int(torch.randint(len(ground), (), generator=generator))
    moved = (torch.rand(2, generator=generator).double().numpy() - 0.5) * (side / 2)
    middle = ground[about].astype(np.float64) + moved
    inside = (np.abs(ground - middle.astype(np.float32)) <= side / 2).all(1)
    inside[about] = True
    return np.flatnonzero(inside), middle


def in_block(points: Rows, middle: NDArray[np.float64], side: float, axes: tuple[int, int], upright: int) -> Rows:
    """Points in the frame of their block: about the middle of its square and its floor, in halves of its side.

    So a length means the same in every block, and the square is from -1 to 1.
    """
    floor = float(np.quantile(points[:, upright], _LOWEST, method="lower"))
    origin = np.zeros(3)
    origin[list(axes)], origin[upright] = middle, floor
    return ((points - origin) / (side / 2)).astype(np.float32)


def weights_in_block(points: Rows, axes: tuple[int, int]) -> Rows:
    """(N,) what a block says of its points counts for: less towards the edges of its square, and nowhere nothing.

    Args:
        points: (N, 3) in the frame of their block.
    """
    to_edge = np.clip(1 - np.abs(points[:, list(axes)]), 0, 1) + np.float32(0.01)
    return np.asarray(to_edge.prod(1), np.float32)


def side_for(ground: Rows, num_points: int) -> float:
    """The side of squares that hold so many points on average, where there are any; two digits of it."""
    extent = np.ptp(ground, axis=0)
    num_cells = max(1, min(_CELLS, int(math.sqrt(len(ground) / _IN_CELL))))
    cell = float(extent.max()) / num_cells
    cells = ((ground - ground.min(0)) / cell).astype(np.int64)
    covered = len(np.unique(cells[:, 0] * (num_cells + 1) + cells[:, 1])) * cell**2
    return float(f"{math.sqrt(covered * num_points / len(ground)):.2g}")

"""Points to neighbourhoods: which points to look at, and those around them.  N points, G centres, K neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Indices = NDArray[np.int64]


def canonical_order(points: Points, limit: int) -> Indices:
    """An evenly scattered order of the points that does not depend on the order they came in.

    Points are sorted by a hash of the cell that each lies in, on a lattice of 65,536 cells along each side of the
    bounding box. So a prefix is a random sample of the cloud, the same for any permutation and, but for the few points
    that rounding moves into another cell, for any translation.

    Args:
        points: (N, 3).
        limit: How many are wanted.

    Returns:
        min(N, limit) indices.
    """
    axes = np.ascontiguousarray(points.T)  # rows as long as the cloud: five times as fast as rows of three
    low = axes.min(1, keepdims=True)
    cells = ((axes - low) * (np.float32(65535) / (axes.max(1, keepdims=True) - low).max())).astype(np.int32)
    x, y, z = cells.astype(np.uint64)
    keys = x << np.uint64(32) | y << np.uint64(16) | z
    for multiplier in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9):  # two rounds of a multiplicative hash
        keys *= np.uint64(multiplier)
        keys ^= keys >> np.uint64(31)
    if len(keys) > limit:
        chosen = np.argpartition(keys, limit - 1)[:limit]
        return chosen[np.argsort(keys[chosen])]
    return np.argsort(keys)


def farthest_points(points: Points, count: int, start: int | None = None) -> Indices:
    """Farthest point sampling: each next point is the one farthest from all chosen before.

    Args:
        points: (N, 3).
        count: G <= N.
        start: The first; by default the one farthest from the mean, so that no order of the points decides.

    Returns:
        (G,) indices in the order chosen; of equally far points the first in the array.

    Source: Eldar et al. 1997; Qi et al. 2017 (PointNet++), arXiv:1706.02413, section 3.2.
    """
    axes = np.ascontiguousarray(points.T)  # three long rows: contiguous sums, no temporary
    offsets = np.empty_like(axes)
    distance = np.empty(len(points), dtype=points.dtype)
    nearest = np.full(len(points), np.inf, dtype=points.dtype)
    chosen = np.empty(count, dtype=np.int64)
    reference = axes.mean(1) if start is None else axes[:, start]
    if start is None:
        np.subtract(axes, reference[:, None], out=offsets)
        start = int((offsets * offsets).sum(0).argmax())
    for position in range(count):
        chosen[position] = start
        np.subtract(axes, axes[:, start, None], out=offsets)
        np.multiply(offsets, offsets, out=offsets)
        np.add(offsets[0], offsets[1], out=distance)
        np.add(distance, offsets[2], out=distance)
        np.minimum(nearest, distance, out=nearest)
        start = int(nearest.argmax())
    return chosen


def nearest_neighbours(points: Points, centres: Points, count: int) -> Indices:
    """The K points nearest to each centre; where there are fewer points, all of them, repeated.

    Args:
        points: (N, 3).
        centres: (G, 3).
        count: K.

    Returns:
        (G, K) indices into `points`, nearest first.
    """
    from scipy.spatial import cKDTree

    wanted = min(count, len(points))
    # unbalanced and loose: half the time to build, and the tree is asked once
    tree = cKDTree(points, leafsize=32, balanced_tree=False, compact_nodes=False)
    _, found = tree.query(centres, k=np.arange(1, wanted + 1), workers=1)
    return np.asarray(found[:, np.arange(count) % wanted])

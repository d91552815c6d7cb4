"""Meshes: faces as triangles, and points on them.  F faces, T triangles, V vertices, N points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError


def fan(corners: NDArray[Any], sizes: NDArray[Any]) -> NDArray[np.int64]:
    """Each face as triangles about its first corner.

    Args:
        corners: Vertex indices of all faces, one after the other.
        sizes: (F,) how many corners each face has; those with fewer than three give none.

    Returns:
        (T, 3).
    """
    sizes = sizes.astype(np.int64)
    corners = corners.astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    each = np.maximum(sizes - 2, 0)
    first = np.repeat(starts, each)
    step = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    return np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1)


def triangles(faces: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """(T, 3) of faces whose corners are words of a text."""
    corners = np.array([int(corner) for corner in chain(*faces)], dtype=np.int64)
    return fan(corners, np.array([len(face) for face in faces], dtype=np.int64))


def sample_surface(vertices: NDArray[Any], triangles: NDArray[Any], count: int, *, name: str) -> NDArray[np.float64]:
    """Points spread evenly over the triangles by area, the same ones for the same mesh.

    Args:
        vertices: (V, 3).
        triangles: (T, 3) indices of vertices.
        count: N.
        name: What the mesh is called in messages.

    Returns:
        (N, 3).

    Raises:
        InputError: indices beyond the vertices, or no area.

    Source: Osada et al. 2002, "Shape distributions", section 3.1.
    """
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        raise InputError(f"{name} has faces of vertices that it does not have", fix="export the mesh again")
    corners = vertices.astype(np.float64)[triangles]
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    reach = np.cumsum(np.linalg.norm(np.cross(one, other), axis=1))
    if not np.isfinite(reach[-1]) or reach[-1] <= 0:
        raise InputError(f"{name} has faces of no area", fix="set surface_points=0 to take its vertices")
    draw = np.random.default_rng(0)
    chosen = np.searchsorted(reach, draw.random(count) * reach[-1], side="right").clip(max=len(reach) - 1)
    along, across = draw.random((2, count, 1))
    folded = along + across > 1  # the other half of the parallelogram, folded back
    along, across = np.where(folded, 1 - along, along), np.where(folded, 1 - across, across)
    return np.asarray(corners[chosen, 0] + along * one[chosen] + across * other[chosen])

"""Faces of any number of corners as triangles.  F faces, T triangles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray


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

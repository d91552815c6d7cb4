"""The points around a point.  N points, G centres, K neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest_neighbours(points: NDArray[np.float32], centres: NDArray[np.float32], count: int) -> NDArray[np.int64]:
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

"""The objects of a picture, selected among the cells of an exported detector, in numpy.

A cells, K classes, P pairs of a cell and a class, D objects.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def find_objects(
    boxes_A4: Floats,
    scores_AK: Floats,
    levels_A: Floats,
    *,
    least_score: float,
    most_of_map: int,
    nms: float,
    most_objects: int,
    thinnest: float,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """What `mt predict` finds in the picture, from the outputs of the file for it.

    Args:
        boxes_A4: `cell_boxes`, left, top, right and bottom of each cell's box in pixels.
        scores_AK: `cell_scores`.
        levels_A: `cell_levels`, the number of the map that each cell belongs to.
        least_score: As all that follow, from `postprocessing` of the card. Pairs of a cell and a class are left out
            that have no higher score.
        most_of_map: Of each map the likeliest pairs, so many.
        nms: Of two boxes of one class whose intersection over union is larger, the likelier one is kept.
        most_objects: The likeliest, so many.
        thinnest: Pixels; of these, what has no longer sides is left out.

    Returns:
        (D, 4) boxes, (D,) scores and (D,) indices of classes, the likeliest first.
    """
    cells_P, classes_P = np.nonzero(scores_AK > least_score)
    scores_P = scores_AK[cells_P, classes_P]
    likeliest = np.argsort(-scores_P, kind="stable")
    map_of = levels_A[cells_P]
    of_maps = [likeliest[map_of[likeliest] == level][:most_of_map] for level in np.unique(map_of)]
    is_left = np.isin(likeliest, np.concatenate(of_maps) if of_maps else [])
    left = likeliest[is_left]
    found: list[int] = []
    while len(left) and len(found) < most_objects:
        found.append(int(left[0]))
        of_class = classes_P[left] == classes_P[left[0]]
        overlaps = _overlap(boxes_A4[cells_P[left[0]]], boxes_A4[cells_P[left]]) > nms
        overlaps[0] = True  # a box without an area overlaps with nothing
        left = left[~(of_class & overlaps)]
    kept = np.array(found, np.int64)
    boxes_D4 = boxes_A4[cells_P[kept]]
    kept = kept[(boxes_D4[:, 2:] - boxes_D4[:, :2] > thinnest).all(1)]
    return boxes_A4[cells_P[kept]], scores_P[kept], classes_P[kept]


def _overlap(box_4: Floats, boxes_P4: Floats) -> Floats:
    """(P,) intersections over unions."""
    sides_P2 = np.minimum(box_4[2:], boxes_P4[:, 2:]) - np.maximum(box_4[:2], boxes_P4[:, :2])
    both_P = sides_P2.clip(min=0).prod(1)
    area, areas_P = (box_4[2:] - box_4[:2]).prod(), (boxes_P4[:, 2:] - boxes_P4[:, :2]).prod(1)
    return np.asarray(both_P / np.maximum(area + areas_P - both_P, np.finfo(both_P.dtype).tiny))

"""What tokens of a cloud are of: neighbourhoods of points.  N points, G groups, K neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import PointPanel, Region, Span, TokenRegions
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.grouping import canonical_order, nearest_neighbours


def group_regions(
    cloud: PointCloud, centres_G3: NDArray[np.float32], radius: float, *, neighbours: int, max_points: int
) -> TokenRegions:
    """The box around each neighbourhood in the file's own coordinates, and which points are in it.

    Args:
        centres_G3: About the middle of the points that are looked at.
        radius: What the centres are to be multiplied by to be in the file's unit.
        neighbours: K.
        max_points: Points that are looked at.
    """
    points_N3 = cloud.points[canonical_order(cloud.points, max_points)]
    middle_3 = points_N3.mean(0)
    members_GK = nearest_neighbours(points_N3 - middle_3, centres_G3 * np.float32(radius), neighbours)
    shown_N3 = points_N3.astype(np.float64) + cloud.origin
    regions = []
    for members_K in members_GK:
        low_3, high_3 = shown_N3[members_K].min(0), shown_N3[members_K].max(0)
        spans = [Span(axis, *ends) for axis, *ends in zip("xyz", low_3.tolist(), high_3.tolist(), strict=True)]
        regions.append(Region(spans=tuple(spans), panel=0, members=tuple(np.unique(members_K).tolist())))
    return TokenRegions(tuple(regions), (PointPanel(shown_N3),), "neighbourhood")

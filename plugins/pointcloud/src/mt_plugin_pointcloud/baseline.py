"""What a forest makes of the shape of a cloud.  N points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Baseline
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.grouping import canonical_order
from mt_plugin_pointcloud.tokenizer import PointCloudTokenizer

_PAIRS, _BINS = 4096, 16
_HEIGHTS = (5, 25, 50, 75, 95)


class PointCloudBaseline(Baseline):
    """Extents, spread along the principal axes and their ratios, heights, radii, and how distances between pairs of
    points are distributed.

    Sources: Weinmann et al. 2015, Semantic point cloud interpretation, ISPRS 105, for the ratios; Osada et al. 2002,
    Shape distributions, ACM TOG 21(4), for the distances (D2).
    """

    description = "extents, principal axes, heights, pair distances; a forest"
    model = "forest"
    tokenizer: PointCloudTokenizer

    def features(self, sample: PointCloud) -> NDArray[np.float64]:
        """(36)."""
        points = sample.points[canonical_order(sample.points, len(sample.points))].astype(np.float64)
        centred = points - points.mean(0)
        spread = np.sqrt(np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(points)), 0))[::-1]
        first, second, third = spread / max(spread[0], 1e-12)
        upright = {"x": 0, "y": 1}.get(self.tokenizer.options.upright, 2)
        heights, radii = centred[:, upright], np.linalg.norm(centred, axis=1)
        extents = np.ptp(points, axis=0)
        shape = [first - second, second - third, third, second]
        heights_told = [*np.percentile(heights, _HEIGHTS), heights.std()]
        radii_told = [radii.mean(), radii.std(), radii.max()]
        ends = np.random.default_rng(0).integers(0, len(points), (2, _PAIRS))
        distances = np.linalg.norm(points[ends[0]] - points[ends[1]], axis=1)
        longest = max(float(np.linalg.norm(extents)), 1e-12)
        histogram = np.histogram(distances / longest, bins=_BINS, range=(0, 1))[0] / _PAIRS
        return np.array([np.log(len(points)), *extents, *spread, *shape, *heights_told, *radii_told, *histogram])

"""Attributions of points in space.  P points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mt_core.contract import PointPanel
from mt_explain.drawing.colours import rgba, scaled
from mt_explain.explanation import Part


def draw_points(axes: Any, panel: PointPanel, parts: Sequence[Part]) -> None:
    """The points, each with the mean attribution of the parts that it is a member of."""
    total, count = np.zeros(len(panel.points)), np.zeros(len(panel.points))
    for part in parts:
        members = np.unique(np.array(part.region.members, dtype=np.int64))
        total[members] += part.attribution / max(1, len(members))
        count[members] += 1
    levels = scaled(total)
    order = np.abs(levels).argsort()
    x, y, z = np.asarray(panel.points)[order].T
    axes.scatter(x, y, z, c="0.75", s=9, edgecolors="none", depthshade=False)  # where nothing else is seen
    axes.scatter(x, y, z, c=rgba(levels[order], most=1.0), s=14, edgecolors="none", depthshade=False)
    axes.set_box_aspect(np.ptp(np.asarray(panel.points), axis=0).clip(min=1e-9))
    for name, letter in zip((axes.set_xlabel, axes.set_ylabel, axes.set_zlabel), "xyz", strict=True):
        name(f"{letter} [{panel.unit}]" if panel.unit else letter, fontsize=7)
    axes.tick_params(labelsize=6)
    axes.set_title(panel.title, fontsize=8)

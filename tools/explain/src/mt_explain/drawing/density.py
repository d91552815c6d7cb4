"""Attributions spread over the axes of what they are drawn on.  H, W size of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import DATE, PicturePanel
from mt_explain.explanation import Part

Floats = NDArray[np.float64]


def density(panel: PicturePanel, parts: Sequence[Part]) -> Floats:
    """(H, W) attributions of the pixels: each part's divided evenly among its own, those that overlap added."""
    found = np.zeros((len(panel.y_edges) - 1, len(panel.x_edges) - 1))
    for part in parts:
        spans = {span.axis: span for span in part.region.spans}
        rows = _cells(panel.y_edges, spans.get(panel.y))
        columns = _cells(panel.x_edges, spans.get(panel.x))
        count = max(1, (rows.stop - rows.start) * (columns.stop - columns.start))
        found[rows, columns] += part.attribution / count
    return found


def along(edges: Floats, axis: str, parts: Sequence[Part]) -> Floats:
    """Attributions of the steps between edges, each part's divided evenly among its own."""
    found = np.zeros(len(edges) - 1)
    for part in parts:
        span = next((span for span in part.region.spans if span.axis == axis), None)
        cells = _cells(edges, span)
        found[cells] += part.attribution / max(1, cells.stop - cells.start)
    return found


def _cells(edges: Any, span: Any) -> slice:
    if span is None:
        return slice(0, len(edges) - 1)
    ascending = edges if edges[-1] >= edges[0] else -edges
    low, high = sorted((span.low, span.high)) if edges[-1] >= edges[0] else sorted((-span.low, -span.high))
    middles = (ascending[1:] + ascending[:-1]) / 2
    first, last = np.searchsorted(middles, [low, high])
    first = min(first, len(middles) - 1)
    return slice(int(first), int(max(last, first + 1)))


def unit_of(name: str, parts: Sequence[Part]) -> str:
    """The unit of an axis."""
    return next((span.unit for part in parts for span in part.region.spans if span.axis == name), "")


def axis_label(name: str, parts: Sequence[Part]) -> str:
    """An axis and its unit."""
    unit = unit_of(name, parts)
    return f"{name} [{unit}]" if unit and unit != DATE else name

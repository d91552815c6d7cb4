"""A sample in characters: pictures in shades, curves as sparklines, points from above, the atoms of a molecule."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import DATE, CurvePanel, GraphPanel, Panel, PicturePanel, PointPanel
from mt_core.inspection.bars import blocks, columns, grey_of, sparkline
from mt_core.inspection.looking import Looked
from mt_core.inspection.ranges import number_text

_MOST_CURVES = 8
_MOST_PANELS = 2
_SPARKS = 48
_FEWEST_STEPS = 8


def picture_lines(looked: Looked, width: int) -> list[str]:
    """What is to be seen of a sample; nothing where it is text, which its facts show."""
    told = [panel for panel in looked.panels if not isinstance(panel, PicturePanel) or panel.x != "x"]
    shown = [line for panel in told[:_MOST_PANELS] for line in _lines(panel, looked.units, width)]
    if shown or (looked.seen is not None and looked.seen.text):
        return shown
    of_arrays = array_lines(looked.sample, width)
    if of_arrays or looked.drawn is None or looked.drawn.kind != "pictures" or not looked.drawn.pictures:
        return of_arrays
    return blocks(grey_of(looked.drawn.pictures[0]), width)


def array_lines(sample: Any, width: int) -> list[str]:
    """The first array of a sample that looks like a series, a picture or pictures."""
    arrays, names = _arrays(sample)
    for array in arrays:
        if array.ndim >= 3 and array.shape[-1] in (1, 3, 4) and min(array.shape[-3:-1]) > 1:
            picture = array.reshape(-1, *array.shape[-3:])[array.size // math.prod(array.shape[-3:]) // 2]
            return blocks(grey_of(picture[..., :3]), width)
        flat = array.reshape(-1) if array.size == max(array.shape) else array
        if flat.ndim == 1 and len(flat) >= _FEWEST_STEPS:
            return curve_lines(flat[:, None], names if len(names) == 1 else ("",), width)
        if flat.ndim == 2 and len(flat) >= max(_FEWEST_STEPS, flat.shape[1]):
            return curve_lines(flat, names if len(names) == flat.shape[1] else (), width)
    return []


def _arrays(sample: Any) -> tuple[list[NDArray[Any]], tuple[str, ...]]:
    """Those of numbers with a fraction or of pixels, and names of channels where the sample has some."""
    parts = [sample]
    if dataclasses.is_dataclass(sample):
        parts = [getattr(sample, each.name) for each in dataclasses.fields(sample)]
    arrays = [part for part in parts if isinstance(part, np.ndarray) and (part.dtype.kind == "f" or part.ndim >= 3)]
    names = [part for part in parts if isinstance(part, tuple) and part and all(isinstance(each, str) for each in part)]
    return arrays, names[0] if names else ()


def _lines(panel: Panel, units: Mapping[str, str], width: int) -> list[str]:
    if isinstance(panel, PicturePanel):
        return _picture(panel, units, width)
    if isinstance(panel, CurvePanel):
        values = np.asarray(panel.values, float).reshape(len(panel.at), -1)
        return [*_titled(panel.title), *curve_lines(values, panel.names, width), _axis(panel.axis, panel.at, units)]
    if isinstance(panel, PointPanel):
        return _points(panel, width)
    if isinstance(panel, GraphPanel):
        return _graph(panel)
    return []


def _picture(panel: PicturePanel, units: Mapping[str, str], width: int) -> list[str]:
    pixels = np.asarray(panel.pixels, float)
    grey = pixels.mean(-1) if pixels.ndim == 3 else pixels
    axes = [_axis(name, edges, units) for name, edges in ((panel.x, panel.x_edges), (panel.y, panel.y_edges))]
    return [*_titled(panel.title), *blocks(grey, width), ", from the top ".join(axes)]


def curve_lines(values_TC: NDArray[Any], names: Sequence[str], width: int) -> list[str]:
    """A sparkline a channel, and what it goes from and to."""
    names = names or tuple(str(number) for number in range(values_TC.shape[1]))
    rows = []
    for column, name in enumerate(names[:_MOST_CURVES]):
        values = values_TC[:, column].astype(float)
        known = values[np.isfinite(values)]
        said = f"{number_text(known.min())} to {number_text(known.max())}" if len(known) else "none is known"
        rows.append([name, sparkline(values, max(8, min(_SPARKS, width - 40))), said])
    more = [f"and {len(names) - _MOST_CURVES:,} more"] if len(names) > _MOST_CURVES else []
    return [*columns(rows), *more]


def _points(panel: PointPanel, width: int) -> list[str]:
    """How many lie where, seen from above."""
    points = np.asarray(panel.points, float)
    points = points[np.isfinite(points).all(1)]
    if not len(points):
        return []
    sizes = np.ptp(points, axis=0)
    wide, high = max(float(sizes[0]), 1e-9), max(float(sizes[1]), 1e-9)
    bins = (max(1, min(64, round(64 * wide / max(wide, high)))), max(1, min(64, round(64 * high / max(wide, high)))))
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=bins)
    picture = np.log1p(counts.T[::-1])
    unit = f" {panel.unit}" if panel.unit else ""
    size = " x ".join(number_text(float(f"{each:.4g}")) for each in sizes)
    return [*_titled(panel.title), *blocks(picture, width), f"{len(points):,} points from above, {size}{unit}"]


def _graph(panel: GraphPanel) -> list[str]:
    counts = Counter(name for name in panel.names if name)
    named = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(12)) if len(counts) <= 30 else ""
    of = f": {named}" if named and len(counts) < len(panel.names) else ""
    return [*_titled(panel.title), f"{len(panel.names):,} nodes and {len(panel.edges):,} edges{of}"]


def _titled(title: str) -> list[str]:
    return [title] if title else []


def _axis(name: str, at: NDArray[np.floating] | Sequence[float], units: Mapping[str, str]) -> str:
    low, high = float(at[0]), float(at[-1])
    unit = units.get(name, "")
    if unit == DATE:
        first, last = (datetime.fromtimestamp(each, UTC).isoformat(" ", "minutes")[:16] for each in (low, high))
        return f"{name} {first} to {last}"
    return f"{name} {number_text(low)} to {number_text(high)}{f' {unit}' if unit else ''}"

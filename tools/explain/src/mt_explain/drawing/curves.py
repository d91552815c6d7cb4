"""Attributions behind curves.  T steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mt_core.contract import DATE, CurvePanel
from mt_explain.drawing.colours import MAP
from mt_explain.drawing.density import Floats, along, axis_label
from mt_explain.explanation import Part

_STEPS = 400


def curve_density(panel: CurvePanel, parts: Sequence[Part]) -> tuple[Floats, Floats]:
    """Edges along the axis of a panel, and the attributions between them."""
    at = np.asarray(panel.at, dtype=np.float64)
    edges = np.linspace(at.min(), at.max() if at.max() > at.min() else at.min() + 1, _STEPS + 1)
    return edges, along(edges, panel.axis, parts)


def draw_curves(axes: Any, panel: CurvePanel, parts: Sequence[Part], largest: float) -> None:
    """The curves, and behind them the attributions along their axis."""
    at = np.asarray(panel.at, dtype=np.float64)
    edges, found = curve_density(panel, parts)
    levels = found / (largest or 1.0)
    is_date = any(span.unit == DATE for part in parts for span in part.region.spans)
    x: Any = _dates(at) if is_date else at
    shown_edges: Any = _dates(edges) if is_date else edges
    low, high = float(np.nanmin(panel.values)), float(np.nanmax(panel.values))
    room = 0.08 * (high - low) or 1.0
    bands = np.array([low - room, high + room])
    axes.pcolormesh(shown_edges, bands, levels.clip(-1, 1)[None], cmap=MAP, vmin=-1, vmax=1, alpha=0.75)
    for number, column in enumerate(np.asarray(panel.values).T):
        label = panel.names[number] if panel.names else None
        colour = "black" if panel.values.shape[1] == 1 else f"C{number % 10}"
        axes.plot(x, column, color=colour, linewidth=0.9, label=label)
    if panel.names and panel.values.shape[1] > 1:
        axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set_title(panel.title, fontsize=8)
    axes.set_xlabel("" if is_date else axis_label(panel.axis, parts), fontsize=8)
    axes.tick_params(labelsize=7)


def _dates(seconds: Floats) -> Any:
    return (seconds * 1e6).astype("int64").astype("datetime64[us]")

"""Attributions of nodes and edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mt_core.contract import GraphPanel
from mt_explain.drawing.colours import EDGE, MAP
from mt_explain.explanation import Part


def draw_graph(axes: Any, panel: GraphPanel, parts: Sequence[Part], largest: float) -> None:
    """Nodes and edges in the colours of their attributions."""
    from matplotlib import colormaps

    nodes, edges = np.zeros(len(panel.places)), np.zeros(len(panel.edges))
    numbers = {tuple(sorted(edge)): number for number, edge in enumerate(panel.edges.tolist())}
    for part in parts:
        members = part.region.members
        if len(members) == 1:
            nodes[members[0]] = part.attribution
        elif len(members) == 2:
            edges[numbers[tuple(sorted(members))]] += part.attribution
    colours = colormaps[MAP]
    scale = largest or 1.0
    for (first, second), value in zip(panel.edges.tolist(), edges, strict=True):
        ends = panel.places[[first, second]].T
        axes.plot(*ends, color="0.6", linewidth=3.4, zorder=1, solid_capstyle="round")
        axes.plot(*ends, color=colours((value / scale + 1) / 2), linewidth=2.4, zorder=1, solid_capstyle="round")
    area = float(np.clip(6000 / max(1, len(panel.places)), 40, 420))
    axes.scatter(*panel.places.T, s=area, c=colours((nodes / scale + 1) / 2), edgecolors=EDGE, zorder=2)
    if len(panel.places) <= 60:
        for (x, y), name, size in zip(panel.places.tolist(), panel.names, np.abs(nodes).tolist(), strict=True):
            ink = "white" if size > 0.75 * scale else "black"
            axes.text(x, y, name, fontsize=6.5, color=ink, ha="center", va="center", zorder=3)
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.margins(0.08)
    axes.set_title(panel.title, fontsize=8)

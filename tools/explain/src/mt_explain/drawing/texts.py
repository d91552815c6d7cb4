"""Attributions of words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from mt_core.contract import TextPanel
from mt_explain.drawing.colours import MAP
from mt_explain.explanation import Part


def draw_text(axes: Any, panel: TextPanel, parts: Sequence[Part], largest: float, columns: int = 92) -> None:
    """The words in their order, each on its colour."""
    from matplotlib import colormaps

    line, used, scale = 0, 0, largest or 1.0
    for part in parts:
        word = textwrap.shorten(part.region.name, columns, placeholder="…") or part.region.name[:columns]
        if used and used + len(word) > columns:
            line, used = line + 1, 0
        colour = colormaps[MAP]((part.attribution / scale + 1) / 2)
        box = {"facecolor": colour, "edgecolor": "none", "boxstyle": "square,pad=0.15"}
        ink = "white" if abs(part.attribution) > 0.75 * scale else "black"
        axes.text(used, -line, word, family="monospace", fontsize=9, color=ink, bbox=box, va="center")
        used += len(word) + 1
    axes.set_xlim(-1, columns + 1)
    axes.set_ylim(-line - 0.7, 0.7)
    axes.set_axis_off()
    axes.set_title(panel.title, fontsize=8)

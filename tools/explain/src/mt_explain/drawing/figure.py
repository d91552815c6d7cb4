"""One figure an explanation, as a PNG."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import CurvePanel, GraphPanel, Panel, PicturePanel, PointPanel, TextPanel
from mt_core.io.atomic import atomic_write
from mt_explain.drawing.colours import EDGE, MAP, colour_bar, legend_of
from mt_explain.drawing.curves import curve_density, draw_curves
from mt_explain.drawing.density import density
from mt_explain.drawing.graphs import draw_graph
from mt_explain.drawing.pictures import draw_picture
from mt_explain.drawing.points import draw_points
from mt_explain.drawing.texts import draw_text
from mt_explain.errors import ExplainError
from mt_explain.explanation import Explanation, Part
from mt_explain.words import in_words

_MOST_PANELS = 8
_MOST_BARS = 16
_WIDTH = 7.2  # inches
_TITLE = 90  # characters
_HEIGHTS = {PicturePanel: 3.2, CurvePanel: 1.7, PointPanel: 4.6, GraphPanel: 4.4, TextPanel: 1.2}


def write_picture(explanation: Explanation, file: Path, title: str, *, dpi: int = 120) -> None:
    """Draw an explanation over its sample: each panel with the parts that lie on it, and bars of those on none.

    Of many panels those with the largest shares are drawn.

    Args:
        dpi: Pixels an inch; a figure is about seven inches wide.

    Raises:
        ExplainError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _chosen(explanation)
    loose = [part for part in explanation.parts if part.region.panel < 0]
    bars = _bars(explanation, loose)
    heights = [_height(explanation, number) for number in panels] + ([0.45 + 0.24 * len(bars)] if bars else [])
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_title(explanation, title), fontsize=9)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    for place, number in enumerate(panels):
        of_panel = [part for part in explanation.parts if part.region.panel == number]
        _draw(figure, grid, place, explanation.panels[number], of_panel, explanation)
    if bars:
        _draw_bars(figure.add_subplot(grid[len(panels), :]), bars, explanation)
    with atomic_write(file, ExplainError) as unfinished:
        figure.savefig(unfinished, format="png", dpi=dpi, bbox_inches="tight")


def _title(explanation: Explanation, title: str) -> str:
    said = textwrap.shorten(explanation.prediction, _TITLE, placeholder=" …") or explanation.prediction[:_TITLE]
    explained = f"{explanation.target}: " if explanation.target not in said else ""
    return f"{title}\n{said}\n{explained}{explanation.method}; {legend_of(explanation)}"


def _chosen(explanation: Explanation) -> list[int]:
    """The numbers of the panels that are drawn, in their order."""
    shares = np.zeros(len(explanation.panels))
    for part in explanation.parts:
        if part.region.panel >= 0:
            shares[part.region.panel] += part.share
    return sorted(np.argsort(-shares, kind="stable")[:_MOST_PANELS].tolist())


def _height(explanation: Explanation, number: int) -> float:
    panel = explanation.panels[number]
    if isinstance(panel, TextPanel):
        letters = sum(len(part.region.name) + 1 for part in explanation.parts if part.region.panel == number)
        return 0.35 + 0.28 * (letters // 84 + 1)
    if isinstance(panel, PicturePanel) and len(explanation.panels) > 2:
        return 2.2
    return _HEIGHTS[type(panel)]


def _draw(figure: Any, grid: Any, place: int, panel: Panel, parts: Sequence[Part], explanation: Explanation) -> None:
    largest = max((abs(part.attribution) for part in explanation.parts), default=0.0)
    if isinstance(panel, PicturePanel):
        axes = [figure.add_subplot(grid[place, column]) for column in (0, 1)]
        densest = _over_panels(explanation, PicturePanel, density)
        draw_picture(axes, panel, parts, densest)
        return
    if isinstance(panel, PointPanel):
        draw_points(figure.add_subplot(grid[place, :], projection="3d"), panel, parts)
        return
    axes = figure.add_subplot(grid[place, :])
    if isinstance(panel, CurvePanel):
        densest = _over_panels(explanation, CurvePanel, lambda each, own: curve_density(each, own)[1])
        draw_curves(axes, panel, parts, densest)
    elif isinstance(panel, GraphPanel):
        draw_graph(axes, panel, parts, largest)
        colour_bar(figure, axes, largest, explanation.unit)
    else:
        draw_text(axes, panel, parts, largest)


def _over_panels(explanation: Explanation, kind: type, measure: Callable[[Any, Sequence[Part]], Any]) -> float:
    """The largest size of a density on any panel of a kind, so that colours mean the same on all."""
    found = [0.0]
    for number, panel in enumerate(explanation.panels):
        if isinstance(panel, kind):
            own = [part for part in explanation.parts if part.region.panel == number]
            found.append(float(np.abs(measure(panel, own)).max(initial=0.0)))
    return max(found)


def _bars(explanation: Explanation, loose: Sequence[Part]) -> list[tuple[str, float]]:
    """Names and attributions of the strongest parts that lie on no panel, and the inputs of an item."""
    strongest = sorted(loose, key=lambda part: -part.share)[:_MOST_BARS]
    return [(in_words(part.region), part.attribution) for part in strongest]


def _draw_bars(axes: Any, bars: Sequence[tuple[str, float]], explanation: Explanation) -> None:
    from matplotlib import colormaps

    values = np.array([value for _, value in bars])
    largest = np.abs(values).max(initial=0.0) or 1.0
    places = -np.arange(len(bars))
    colours = colormaps[MAP]((0.8 * np.sign(values) * np.abs(values / largest) ** 0.5 + 1) / 2)
    axes.barh(places, values, color=colours, edgecolor=EDGE, linewidth=0.5)
    axes.set_yticks(places, [name[:48] for name, _ in bars], fontsize=7)
    axes.axvline(0, color=EDGE, linewidth=0.6)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel(explanation.unit or "attention", fontsize=8)

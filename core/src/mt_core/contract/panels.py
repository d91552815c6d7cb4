"""What regions of tokens are drawn on.  T steps, C channels, P points or nodes, E edges, H, W size of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class PicturePanel:
    """A picture, or anything else on two axes.

    Attributes:
        pixels: (H, W, 3) RGB in 0..1, or (H, W) any numbers.
        x, y: Names of the axes, as the spans have them, across and down.
        x_edges, y_edges: (W + 1,) and (H + 1,) where pixels begin and end, in the unit of the spans, from the left and
            from the top.
        title: What it shows.
        is_logarithmic: Whether y is better seen on a logarithmic scale.
    """

    pixels: Numbers
    x: str
    y: str
    x_edges: Numbers
    y_edges: Numbers
    title: str = ""
    is_logarithmic: bool = False


@dataclass(frozen=True, eq=False)
class CurvePanel:
    """Numbers along one axis.

    Attributes:
        axis: Its name, as the spans have it.
        at: (T,) in the unit of the spans.
        values: (T, C).
        names: C names, or none.
        title: What it shows.
    """

    axis: str
    at: Numbers
    values: Numbers
    names: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, eq=False)
class PointPanel:
    """Points in space.

    Attributes:
        points: (P, 3).
        unit: Of the coordinates, "" where it is not known.
        title: What it shows.
    """

    points: Numbers
    unit: str = ""
    title: str = ""


@dataclass(frozen=True, eq=False)
class GraphPanel:
    """Nodes and edges.

    Attributes:
        places: (P, 2) where the nodes are drawn.
        edges: (E, 2) the nodes that each joins.
        names: P names.
        title: What it shows.
    """

    places: Numbers
    edges: NDArray[np.integer]
    names: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class TextPanel:
    """Words in their order: the names of the regions that lie on it.

    Attributes:
        title: What it shows.
    """

    title: str = ""


Panel = PicturePanel | CurvePanel | PointPanel | GraphPanel | TextPanel


def picture_panel(
    pixels_CHW: Numbers, x_edges: Numbers, y_edges: Numbers, title: str = "", *, x: str = "x", y: str = "y"
) -> PicturePanel:
    """A panel of a picture whose channels come first: one of them as grey, of more than three the first three."""
    shown = pixels_CHW[:3] if len(pixels_CHW) >= 3 else np.repeat(pixels_CHW[:1], 3, axis=0)
    return PicturePanel(np.moveaxis(shown, 0, -1).clip(0, 1), x, y, x_edges, y_edges, title)

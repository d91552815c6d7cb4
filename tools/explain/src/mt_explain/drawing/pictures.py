"""Attributions over a picture, or over anything else on two axes.  H, W size of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mt_core.contract import PicturePanel
from mt_explain.drawing.colours import rgba
from mt_explain.drawing.density import Floats, axis_label, density, unit_of
from mt_explain.explanation import Part

_TICKS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def draw_picture(axes: Sequence[Any], panel: PicturePanel, parts: Sequence[Part], largest: float) -> None:
    """The sample on the first axes, and with its attributions on the second.

    Args:
        largest: The size of a density that is the strongest colour.
    """
    levels = density(panel, parts) / (largest or 1.0)
    for each, is_overlaid in zip(axes, (False, True), strict=True):
        _show(each, panel, np.asarray(panel.pixels), faded=is_overlaid)
        if is_overlaid:
            _show(each, panel, rgba(levels.clip(-1, 1)))
        if unit_of(panel.x, parts) == unit_of(panel.y, parts):
            each.set_aspect("equal")
        each.set_xlabel(axis_label(panel.x, parts), fontsize=8)
        each.tick_params(labelsize=7)
    axes[0].set_ylabel(axis_label(panel.y, parts), fontsize=8)
    axes[0].set_title(panel.title, fontsize=8)


def _show(axes: Any, panel: PicturePanel, pixels: Floats, *, faded: bool = False) -> None:
    x, y = panel.x_edges, panel.y_edges
    if pixels.ndim == 3 and pixels.shape[-1] == 3 and faded:
        grey = pixels.mean(-1, keepdims=True)
        pixels = np.repeat(0.25 + 0.75 * grey, 3, axis=-1)
    if pixels.ndim == 3 and all(np.allclose(np.diff(edges), np.diff(edges)[0]) for edges in (x, y)):
        axes.imshow(pixels, extent=(x[0], x[-1], y[-1], y[0]), interpolation="nearest", aspect="auto")
        return
    axes.pcolormesh(x, y, pixels, cmap="gray" if pixels.ndim == 2 else None, shading="flat")
    axes.set_ylim(y[-1], y[0])
    if panel.is_logarithmic:
        low, high = sorted((float(y[0]), float(y[-1])))
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        axes.set_yscale("log")
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)

"""The colours of attributions: red speaks for the target, blue against it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_explain.explanation import Explanation

MAP = "RdBu_r"
EDGE = "0.35"


def scaled(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values in -1..1, the largest size being 1."""
    largest = np.abs(values).max(initial=0.0)
    return np.asarray(values / largest if largest > 0 else values, dtype=np.float64)


def rgba(levels: NDArray[np.floating], *, most: float = 0.75) -> NDArray[np.float64]:
    """Colours of levels in -1..1, the more opaque the larger their size.

    Args:
        most: How opaque the largest are.
    """
    from matplotlib import colormaps

    colours = np.array(colormaps[MAP]((levels + 1) / 2))
    colours[..., 3] = most * np.abs(levels) ** 0.7
    return colours


def legend_of(explanation: Explanation) -> str:
    """What the colours mean."""
    if not explanation.is_signed:
        return "red: attended to"
    if explanation.unit == "log-odds":
        return f"red: for {explanation.target}, blue: against"
    if explanation.unit.startswith("share"):
        return "red: leads to the prediction, blue: away from it"
    return f"red: raises {explanation.target}, blue: lowers it"


def colour_bar(figure: Any, axes: Any, largest: float, unit: str) -> None:
    """A bar beside the axes from minus the largest size to it."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    largest = largest or 1.0
    bar = figure.colorbar(ScalarMappable(Normalize(-largest, largest), MAP), ax=axes, shrink=0.8, pad=0.02)
    bar.set_label(unit)

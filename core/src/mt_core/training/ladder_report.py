"""A ladder in a picture."""

from __future__ import annotations

import math
from typing import Any

from mt_core.io.html import new_figure
from mt_core.training.rungs import LadderResult


def picture(result: LadderResult) -> Any:
    """A figure of the validation metric by the seconds that a rung took."""
    figure, (axes,) = new_figure(6.5, 4)
    for rung in result.rungs:
        if not rung.values:
            continue
        colour = "#b3541e" if rung.name == result.recommended else "#44546a"
        seconds = max(rung.seconds / len(rung.values), 0.1)
        axes.scatter([seconds] * len(rung.values), list(rung.values.values()), s=12, color=colour, alpha=0.5)
        axes.scatter([seconds], [rung.mean], s=45, color=colour)
        axes.annotate(rung.name, (seconds, rung.mean), textcoords="offset points", xytext=(7, 5), color=colour)
    if not math.isnan(result.baseline):
        axes.axhline(result.baseline, color="#8893a5", linestyle=":", label="constant answer")
        axes.legend()
    axes.set_xscale("log")
    axes.set_xlabel("seconds a run")
    axes.set_ylabel(f"validation {result.metric} ({'higher' if result.higher_is_better else 'lower'} is better)")
    axes.grid(alpha=0.3)
    return figure

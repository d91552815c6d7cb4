"""Losses and metrics of each epoch, as charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mt_core.io.chart import first_to_last, line_chart
from mt_core.io.counted import counted

_OTHER = ("epoch", "seconds", "penalty", "neighbours")


def measured_names(history: Sequence[Mapping[str, float]]) -> list[str]:
    """The losses and metrics of a training's history that are drawn."""
    return [
        name
        for name in (history[-1] if history else {})
        if name not in _OTHER and not name.startswith(("val_iou_", "val_ap_"))
    ]


def curves(history: Sequence[Mapping[str, float]], kept: float | None = None) -> list[str]:
    """A chart of the losses and one of the other metrics, where there are any, as HTML figures.

    Args:
        history: A row an epoch, or a setting that was tried where nothing was trained by steps.
        kept: The epoch that was kept.
    """
    names = measured_names(history)
    if not names:
        return []
    is_solved = "train_loss" not in history[-1]
    step = "setting that was tried" if is_solved else "epoch"
    xs = [float(number + 1) if is_solved else row["epoch"] for number, row in enumerate(history)]
    losses = [name for name in names if name.endswith("loss")]
    figures = []
    for title, members in (("Losses", losses), ("Metrics", [name for name in names if name not in losses])):
        series = {name.replace("_", " "): [row.get(name, math.nan) for row in history] for name in members}
        if not any(math.isfinite(value) for values in series.values() for value in values):
            continue
        chart = line_chart(f"{title} by {step}", step, xs, series, y_label=title.lower())
        note = ""
        if kept is not None and not is_solved:
            chart.guide((kept, chart.y.low), (kept, chart.y.high))
            note = f"; the dotted line is the epoch that was kept, {kept:g}"
        figures.append(chart.html(f"{first_to_last(series)} over {counted(len(xs), step)}{note}."))
    return figures

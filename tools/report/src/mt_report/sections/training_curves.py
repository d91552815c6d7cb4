"""Losses and metrics of each epoch."""

from __future__ import annotations

import math

from mt_report.charts.chart import Chart
from mt_report.charts.scale import range_of
from mt_report.page import Page
from mt_report.run_facts import RunFacts

_OTHER = ("epoch", "seconds", "penalty", "neighbours")


def add_curves(page: Page, facts: RunFacts) -> None:
    """Charts of a training of several epochs; a line where there is nothing to be drawn."""
    page.section("Training")
    history = facts.history
    names = [
        name
        for name in (history[-1] if history else {})
        if name not in _OTHER and not name.startswith(("val_iou_", "val_ap_"))
    ]
    if len(history) < 2 or not names:
        tuned = facts.record["recipe"].get("tune", "")
        one = "one epoch" if history else "no epochs"
        page.note(f"There is no curve: the training has {one}" + (f" (tune={tuned})." if tuned else "."))
        return
    is_solved = "train_loss" not in history[-1]
    step = "setting that was tried" if is_solved else "epoch"
    xs = [float(number + 1) if is_solved else row["epoch"] for number, row in enumerate(history)]
    kept = facts.record.get("kept_epoch")
    losses = [name for name in names if name.endswith("loss")]
    figures = []
    for title, members in (("Losses", losses), ("Metrics", [name for name in names if name not in losses])):
        series = {name: [row.get(name, math.nan) for row in history] for name in members}
        if not any(math.isfinite(value) for values in series.values() for value in values):
            continue
        chart = Chart(
            f"{title} by {step}", step, title.lower(), range_of(xs, pad=0.02), range_of(*series.values()), counts=True
        )
        for colour, (name, values) in enumerate(series.items()):
            chart.line(xs, values, colour, name.replace("_", " "))
        if kept is not None and not is_solved:
            chart.guide((kept, chart.y.low), (kept, chart.y.high))
        first, values = next(iter(series.items()))
        said = f"{first.replace('_', ' ')} goes from {values[0]:.4g} to {values[-1]:.4g} over {len(xs)}"
        note = f"; the dotted line is the epoch that was kept, {kept:g}" if kept is not None and not is_solved else ""
        figures.append(chart.html(f"{said} {step}s{note}."))
    page.charts(figures)

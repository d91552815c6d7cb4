"""A comparison as one HTML file."""

from __future__ import annotations

import math
from pathlib import Path

from mt_core.io.chart import Chart
from mt_core.io.scale import range_of
from mt_report.charts.tables import plain_table
from mt_report.comparing.contenders import RunComparison
from mt_report.comparing.lines import HEADER, rows_of
from mt_report.page import Page
from mt_report.text import number, short
from mt_report.writing import write_file


def write_side_by_side(comparison: RunComparison, out: str | Path) -> Path:
    """Write the page, whole or not at all.

    Raises:
        ReportError: it cannot be written.
    """
    file = Path(out)
    write_file(file, _page(comparison).html())
    return file


def _page(comparison: RunComparison) -> Page:
    better = "higher" if comparison.higher_is_better else "lower"
    page = Page(f"{len(comparison.contenders)} runs by {comparison.metric}")
    page.section("Result")
    for line in comparison.remarks():
        page.say(line)
    title = f"Runs by {comparison.metric} ({better} is better)"
    page.add(plain_table(title, HEADER, rows_of(comparison), caption=True))
    page.charts([_intervals(comparison, better), *_curves(comparison)])
    page.section("Settings that differ")
    if comparison.settings:
        header = ("", *(short(each.name, 32) for each in comparison.contenders))
        page.add(plain_table("Settings that differ", header, [(name, *values) for name, values in comparison.settings]))
    else:
        page.note("No setting differs.")
    page.section("Data")
    rows = []
    for each in comparison.contenders:
        data = each.facts.record["data"]
        where = data["tested_on" if each.tested.part == "test" else "selected_on"]
        prints = (each.tested.fingerprint or "not known", each.tested.recorded or "not known")
        rows.append((each.name, number(data["train"]), f"{each.samples:,}", *prints, where))
    header = ("run", "trained on", "tested on", "fingerprint of the tested samples", "of the record", "which they are")
    page.add(plain_table("Data of the runs", header, rows))
    return page


def _intervals(comparison: RunComparison, better: str) -> str:
    ends = [end for each in comparison.contenders for end in (each.value, *(each.interval or ()))]
    count = len(comparison.contenders)
    title = f"{comparison.metric} of each run"
    along = range_of(ends)
    chart = Chart(title, "run, in the order given", comparison.metric, (0.5, count + 0.5), along, counts=True)
    for place, each in enumerate(comparison.contenders, start=1):
        colour = ord(each.group) - ord("A") if each.group != "?" else 9
        if each.interval is not None:
            chart.line([place, place], list(each.interval), colour)
        chart.dot(place, each.value, colour, f"{each.name}: {number(each.value)}", radius=5)
        chart.legend(f"tested on {each.group}" if each.group != "?" else "not known on what", colour)
    return chart.html(f"{better.capitalize()} is better. Lines are 95 % intervals, where they were measured.")


def _curves(comparison: RunComparison) -> list[str]:
    name = f"val_{comparison.metric}"
    curves = {}
    for each in comparison.contenders:
        rows = [row for row in each.facts.history if math.isfinite(row.get(name, math.nan)) and "train_loss" in row]
        if len(rows) > 1:
            curves[each.name] = ([row["epoch"] for row in rows], [row[name] for row in rows])
    if not curves:
        return []
    across = range_of(*(xs for xs, _ in curves.values()), pad=0.02)
    chart = Chart(
        f"Validation {comparison.metric} by epoch",
        "epoch",
        comparison.metric,
        across,
        range_of(*(ys for _, ys in curves.values())),
        counts=True,
    )
    for colour, (label, (xs, ys)) in enumerate(curves.items()):
        chart.line(xs, ys, colour, short(label, 28))
    missing = len(comparison.contenders) - len(curves)
    return [chart.html(f"{missing} of the runs have no epochs." if missing else "Of every run.")]

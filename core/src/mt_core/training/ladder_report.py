"""A ladder for people: a table, a picture, and `ladder.json`."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

from mt_core.io.html import new_figure
from mt_core.training.intervals import Interval
from mt_core.training.records import replace_file, versions, write_json
from mt_core.training.rungs import LadderResult, Rung, interval_of

LADDER, PICTURE = "ladder.json", "ladder.png"
FORMAT = 1


def write_ladder(folder: Path, result: LadderResult, settings: dict[str, Any]) -> None:
    """Write `ladder.json` and `ladder.png`, each whole or not at all."""
    write_json(folder / LADDER, {"format": FORMAT, **result.record(), "asked": settings, "versions": versions()})
    content = io.BytesIO()
    picture(result).savefig(content, format="png", dpi=110, bbox_inches="tight")
    replace_file(folder / PICTURE, content.getvalue())


def ladder_lines(result: LadderResult) -> list[str]:
    """The table, what is recommended, and its test."""
    header = ("rung", f"validation {result.metric}", "trained parameters", "seconds", "peak memory")
    rows = [(header, ""), *((_cells(rung), rung.skipped or "; ".join(rung.notes)) for rung in result.rungs)]
    widths = [max(len(cells[column]) for cells, _ in rows) for column in range(len(header))]
    lines = []
    for (name, *others), note in rows:
        numbers = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *numbers, note]).rstrip())
    lines.append(f"constant answer: {result.baseline:.4f}" if not math.isnan(result.baseline) else "")
    lines.append(f"recommended: {result.reason}")
    if result.test:
        values = list(result.test.values())
        mean = f"{sum(values) / len(values):.4f}{_range(interval_of(result.test))}"
        lines.append(f"test {result.metric} of {result.recommended}: {mean}, on {result.measured_on}")
    chosen = next(rung for rung in result.rungs if rung.name == result.recommended)
    return [*filter(None, lines), f"run: {next(iter(chosen.runs.values()))}"]


def _cells(rung: Rung) -> tuple[str, ...]:
    if not rung.values:
        return (rung.name, "-", "-", "-", "-")
    memory = f"{rung.peak_bytes / 2**20:,.0f} MiB" if rung.peak_bytes else "-"
    return (rung.name, f"{rung.mean:.4f}{_range(rung.interval)}", f"{rung.trainable:,}", f"{rung.seconds:,.0f}", memory)


def _range(interval: Interval | None) -> str:
    return f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval is not None else ""


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

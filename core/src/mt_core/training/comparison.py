"""A run beside its controls: values, intervals, and what follows from them in one line. Importing this is light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mt_core.errors import RunError
from mt_core.io.counted import counted
from mt_core.io.html import Page
from mt_core.training.records import read_json, write_json

CONTROLS = "controls.json"
"""In a run folder: the last comparison with controls."""

FORMAT = 1

FEWEST = 20
"""Independent samples below which nothing is said of the encoder: an interval resampled from so few is too narrow, and
one over seeds does not hold the choice of samples."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Control:
    """One row of a comparison.

    Attributes:
        kind: "run", "random", "none", "native" or "constant".
        title: How tables call it.
        description: What it is: the encoder, or the features and the model.
        metrics: Of the run's own seed.
        values: The primary metric, one a seed.
        interval: 95 %; None where it is not known.
        gain: By how much the run is better than it, in the primary metric; negative where it is worse.
        gain_interval: 95 %, of differences on the same samples or seeds.
        note: What is to be known, such as that the budget ended its training.
        seconds: Of all its trainings.
    """

    kind: str
    title: str
    description: str
    metrics: Mapping[str, float]
    values: Sequence[float]
    interval: Interval | None = None
    gain: float | None = None
    gain_interval: Interval | None = None
    note: str = ""
    seconds: float = 0.0

    @property
    def value(self) -> float:
        """The primary metric: the mean over the seeds."""
        return sum(self.values) / len(self.values)


@dataclass(frozen=True)
class Comparison:
    """A run and its controls, measured on the same samples.

    Attributes:
        metric: The primary metric of the head.
        higher_is_better: Which way it improves.
        rows: The run first.
        measured_on: Which samples.
        samples: How many.
        seeds: Of the trainings.
        intervals: What the intervals are of.
        notes: What could not be measured, and why.
        independent: How many of the samples, or groups of samples, are independent of each other; None: not recorded.
    """

    metric: str
    higher_is_better: bool
    rows: Sequence[Control]
    measured_on: str
    samples: int
    seeds: Sequence[int]
    intervals: str
    notes: Sequence[str] = field(default=())
    independent: int | None = None

    def row(self, kind: str) -> Control | None:
        return next((row for row in self.rows if row.kind == kind), None)

    def lines(self) -> list[str]:
        """A table for people, a line each."""
        width = max(len(row.title) for row in self.rows)
        lines = [f"{self.metric} beside its controls, {self._on()}:"]
        for row in self.rows:
            interval = f"{row.interval[0]:.4f} to {row.interval[1]:.4f}" if row.interval is not None else ""
            note = f" ({row.note})" if row.note else ""
            lines.append(f"  {row.title:<{width}}  {row.value:>8.4f}  {interval:<18}  {row.description}{note}")
        lines += [f"  {note}" for note in (self.intervals, *self.notes)]
        return lines

    def verdict(self) -> str:
        """Whether no encoder would have done as well; "" where that was not measured."""
        run, none = self.rows[0], self.row("none")
        if none is None or none.gain is None:
            return ""
        numbers = f"{self.metric} {none.value:.4f} without it, {run.value:.4f} with it"
        if none.gain_interval is None:
            how = "no interval is known"
            says = "no encoder did as well" if none.gain <= 0 else "the encoder is ahead"
        else:
            low, high = none.gain_interval
            how = f"gain {none.gain:.4f}, 95 % interval {low:.4f} to {high:.4f}"
            if high < 0:
                says = "no encoder would have done better"
            elif low <= 0 and none.gain <= 0:
                says = "no encoder would have done as well"
            elif low <= 0:
                says = "no encoder may have done as well, because the interval includes 0"
            else:
                says = "the encoder helps"
        if self.independent is not None and self.independent < FEWEST:
            units = "samples" if self.independent == self.samples else f"groups ({self.independent})"
            return f"too few {units} to tell whether the encoder helps: {numbers} ({self._on()})"
        if none.gain > 0 and none.note:
            return f"whether the encoder helps is not known: {numbers}, but the control was {none.note}"
        return f"{says}: {numbers} ({how}; {self._on()})"

    def _on(self) -> str:
        return f"{counted(self.samples, 'sample')} of {self.measured_on}"

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self), "verdict": self.verdict()}


def comparison_from(record: Mapping[str, Any]) -> Comparison:
    """What `as_json` wrote down.

    Raises:
        KeyError, TypeError: something is missing.
    """
    kept = {name: value for name, value in record.items() if name not in ("format", "verdict", "rows")}
    return Comparison(rows=[Control(**row) for row in record["rows"]], **kept)


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write `controls.json` into a run folder.

    Raises:
        RunError: it cannot be written.
    """
    write_json(folder / CONTROLS, comparison.as_json())


def read_comparison(folder: Path) -> Comparison | None:
    """That of a run folder; None where its controls were not measured.

    Raises:
        RunError: it cannot be read.
    """
    if not (folder / CONTROLS).is_file():
        return None
    absent = RunError(f"{folder} has no {CONTROLS}", fix="measure its controls: mt evaluate --controls")
    return comparison_from(read_json(folder / CONTROLS, FORMAT, absent=absent, check=comparison_from))


def add_to_page(page: Page, comparison: Comparison) -> None:
    """The section of a report."""
    page.heading("Beside its controls")
    page.table(
        ("", comparison.metric, "95 % interval", "the run is better by", "95 % interval", "what it is"),
        [
            (
                row.title,
                row.value,
                interval_text(row.interval),
                row.gain if row.gain is not None and math.isfinite(row.gain) else "",
                interval_text(row.gain_interval),
                f"{row.description}; {row.note}" if row.note else row.description,
            )
            for row in comparison.rows
        ],
    )
    page.note(
        f"Measured on {counted(comparison.samples, 'sample')}: {comparison.measured_on}. "
        "All were trained on the samples that the run was trained on, "
        f"with its recipe, seeds {', '.join(map(str, comparison.seeds))}."
    )
    for line in (comparison.intervals, *comparison.notes, comparison.verdict()):
        if line:
            page.note(line[0].upper() + line[1:])


def interval_text(interval: Interval | None) -> str:
    """An interval as reports show it; "" where it is not known."""
    return f"{interval[0]:.4g} to {interval[1]:.4g}" if interval is not None else ""

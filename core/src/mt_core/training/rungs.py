"""What came of the rungs of a ladder, and which of them is recommended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.training.intervals import Interval, student_interval

RUNGS = ("knn", "probe", "frozen", "lora", "full")
"""From the cheapest to the dearest."""

_FEWEST = 3
"""Seeds from which the error of a mean is worth anything."""

_KEPT = 0.9
"""What a cheaper rung must keep of the best one's gain over the constant answer."""


@dataclass
class Rung:
    """What came of one rung.

    Attributes:
        name: One of `RUNGS`.
        values: The validation metric of each seed that there was time for.
        seconds: That all its runs took.
        trainable: Parameters that were trained.
        peak_bytes: The most memory of any of its runs; None where it is not known.
        runs: The run folders.
        skipped: Why it was not climbed; "" where it was.
        notes: Runs that there was not time for to their end.
    """

    name: str
    values: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    trainable: int = 0
    peak_bytes: int | None = None
    runs: dict[int, Path] = field(default_factory=dict)
    skipped: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.values.values()))) if self.values else math.nan

    @property
    def interval(self) -> Interval | None:
        """95 % of the mean over seeds; None for fewer than three, or where all are the same."""
        return interval_of(self.values)


@dataclass(frozen=True)
class LadderResult:
    """What a ladder gave.

    Attributes:
        metric, higher_is_better: What rungs are compared by, on validation.
        rungs: Those that were asked for, in the order of `RUNGS`.
        baseline: The metric of the constant answer.
        recommended: The name of a rung.
        reason: Why, in one sentence.
        test: The metric of the recommended rung's runs on the test part, by seed; {} where there is none.
        measured_on: Which part that is.
        seconds: All of it took, over all sessions.
        seeds: Runs of each rung that were asked for.
    """

    metric: str
    higher_is_better: bool
    rungs: Sequence[Rung]
    baseline: float
    recommended: str
    reason: str
    test: Mapping[int, float]
    measured_on: str
    seconds: float
    seeds: int

    def lines(self) -> list[str]:
        """A table for people, a line each, then what is recommended and its test."""
        header = ("rung", f"validation {self.metric}", "trained parameters", "seconds", "peak memory")
        rows = [(header, ""), *((_cells(rung), self.remark(rung)) for rung in self.rungs)]
        widths = [max(len(cells[column]) for cells, _ in rows) for column in range(len(header))]
        lines = []
        for (name, *others), note in rows:
            numbers = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            lines.append("  ".join([name.ljust(widths[0]), *numbers, note]).rstrip())
        lines.append(f"constant answer: {self.baseline:.4f}" if not math.isnan(self.baseline) else "")
        lines.append(f"recommended: {self.reason}")
        if self.test:
            mean = f"{np.mean(list(self.test.values())):.4f}{_range(interval_of(self.test))}"
            lines.append(f"test {self.metric} of {self.recommended}: {mean}, on {self.measured_on}")
        chosen = next(rung for rung in self.rungs if rung.name == self.recommended)
        return [*filter(None, lines), f"run: {next(iter(chosen.runs.values()))}"]

    def remark(self, rung: Rung) -> str:
        """What is to be known of a rung beside its numbers; "" where there is nothing."""
        count = len(rung.values)
        missing = [f"time for {count} of {self.seeds} seeds"] if count < self.seeds else []
        return rung.skipped or "; ".join([*rung.notes, *missing])

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        rungs = [
            {**asdict(rung), "runs": {seed: str(path) for seed, path in rung.runs.items()}, "mean": rung.mean}
            | {"interval": rung.interval}
            for rung in self.rungs
        ]
        return {**asdict(replace(self, rungs=())), "rungs": rungs, "test_interval": interval_of(self.test)}


def result_from(record: Mapping[str, Any], folder: Path) -> LadderResult:
    """What `LadderResult.record` wrote down.

    Args:
        folder: Of the ladder, which may have been moved.

    Raises:
        KeyError, TypeError, ValueError: something is missing or wrong.
    """
    rungs = []
    for given in record["rungs"]:
        own = {name: value for name, value in given.items() if name not in ("mean", "interval")}
        own["values"] = {int(seed): float(value) for seed, value in own["values"].items()}
        own["runs"] = {seed: folder / f"{own['name']}-{seed}" for seed in own["values"]}
        rungs.append(Rung(**own))
    names = [each.name for each in fields(LadderResult) if each.name not in ("rungs", "test")]
    test = {int(seed): float(value) for seed, value in record["test"].items()}
    return LadderResult(rungs=rungs, test=test, **{name: record[name] for name in names})


def interval_of(values: Mapping[int, float]) -> Interval | None:
    """95 % of the mean over seeds; None for fewer than three, or where all are the same."""
    return student_interval(list(values.values())) if len(values) >= _FEWEST else None


def recommend(rungs: Sequence[Rung], metric: str, baseline: float, *, higher_is_better: bool) -> tuple[str, str]:
    """The cheapest rung whose validation metric is within one standard error of the best one's, and why.

    Rungs are compared on the seeds that all of them had time for. The standard error is that of the differences between
    two rungs, seed by seed; with fewer than three seeds the best rung is taken. A cheaper one also keeps nine tenths of
    the best one's gain over the constant answer.

    Args:
        rungs: From the cheapest to the dearest.
        baseline: The metric of the constant answer.
    """
    sign = 1.0 if higher_is_better else -1.0
    climbed = [rung for rung in rungs if rung.values]
    seeds = sorted(set.intersection(*({*rung.values} for rung in climbed)))
    scores = {rung.name: np.nan_to_num([sign * rung.values[seed] for seed in seeds], nan=-np.inf) for rung in climbed}
    best = max(scores, key=lambda name: float(scores[name].mean()))  # max gives the cheapest of equals
    few = f"with {len(seeds)} seed{'s' * (len(seeds) > 1)} only, so that chance cannot be told apart"
    of = f"over {len(seeds)} seeds" if len(seeds) >= _FEWEST else few
    least = float(scores[best].mean())
    if not math.isnan(baseline):
        least = sign * baseline + _KEPT * (least - sign * baseline)
    chosen, why = best, f"it has the best validation {metric}, {abs(scores[best].mean()):.4f}, {of}"
    for name in [name for name in scores if len(seeds) >= _FEWEST and np.isfinite(scores[name]).all()]:
        if name == best:
            break
        gains = scores[best] - scores[name]
        error = float(gains.std(ddof=1)) / math.sqrt(len(seeds))
        if float(gains.mean()) <= error and float(scores[name].mean()) >= least - 1e-9 * abs(least):
            chosen = name
            why = (
                f"its validation {metric} of {abs(scores[name].mean()):.4f} is within one standard error ({error:.4f}) "
                f"of the best, {best} with {abs(scores[best].mean()):.4f}, {of}, and it costs less"
            )
            break
    if not math.isnan(baseline) and float(scores[best].mean()) <= sign * baseline:
        why = (
            f"no rung has a better validation {metric} than the constant answer ({baseline:.4f}): this is no model yet"
        )
    return chosen, f"{chosen}: {why}"


def _cells(rung: Rung) -> tuple[str, ...]:
    if not rung.values:
        return (rung.name, "-", "-", "-", "-")
    memory = f"{rung.peak_bytes / 2**20:,.0f} MiB" if rung.peak_bytes else "-"
    return (rung.name, f"{rung.mean:.4f}{_range(rung.interval)}", f"{rung.trainable:,}", f"{rung.seconds:,.0f}", memory)


def _range(interval: Interval | None) -> str:
    return f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval is not None else ""

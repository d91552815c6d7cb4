"""What was measured, a line of JSON each: found again by what it depends on, and written so that a killed run loses
nothing.

A line has the metrics of one arm on one dataset: each its value, and its values on 500 resampled test parts. The draws
depend on the number of samples and on their groups alone, so that those of two arms belong together and their
differences have intervals without the samples themselves.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.training.intervals import resampled_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Key:
    """What a measurement depends on.

    Attributes:
        regime: "untrained", "few" or "choice".
        arm: "mt-tiny", "random", "none" or "native".
        seed: Of random weights and of the draw of labels.
        labels: A class, or in all where the target is a number; None: those of all training samples used.
        recipe: A hash of how it is measured, the resolved options of the tokenizer included.
        fingerprint: The encoder's; "" without one.
        data: A hash of the samples and targets, of training and test.
    """

    dataset: str
    regime: str
    arm: str
    seed: int
    labels: int | None
    recipe: str
    fingerprint: str
    data: str


@dataclass(frozen=True)
class Metric:
    """A number and what it is on each resampled test part, (500,)."""

    value: float
    resampled: Floats

    def packed(self) -> dict[str, Any]:
        deviations = (self.resampled - self.value) / (self._scale() or 1.0)
        text = base64.b64encode(deviations.astype("<f2").tobytes()).decode()
        return {"value": float(f"{self.value:.6g}"), "scale": float(f"{self._scale():.6g}"), "resampled": text}

    def _scale(self) -> float:
        return float(np.abs(self.resampled - self.value).max(initial=0.0))


def unpacked(packed: Mapping[str, Any]) -> Metric:
    deviations = np.frombuffer(base64.b64decode(packed["resampled"]), "<f2").astype(np.float64)
    return Metric(packed["value"], packed["value"] + packed["scale"] * deviations)


def resampled_metric(
    measure: Callable[[NDArray[np.int64]], float], count: int, groups: Sequence[str] | None = None
) -> Metric:
    """A metric as a function of the rows measured, on all of them and on resampled ones; whole groups are drawn."""
    rows = resampled_rows(count, groups)
    return Metric(float(measure(np.arange(count))), np.array([measure(each) for each in rows], np.float64))


@dataclass(frozen=True)
class Line:
    """One measurement.

    Attributes:
        metrics: By name: "probe", "knn", or that of the task.
        num_train, num_test: Samples.
        about: What is worth knowing besides: the view, what was chosen, the constant answer.
    """

    key: Key
    metrics: Mapping[str, Metric]
    num_train: int
    num_test: int
    seconds: float = 0.0
    about: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        metrics = {name: metric.packed() for name, metric in self.metrics.items()}
        counts = {"train": self.num_train, "test": self.num_test, "seconds": round(self.seconds, 1)}
        return {**asdict(self.key), **counts, "about": dict(self.about), "metrics": metrics}


def line_from(row: Mapping[str, Any]) -> Line:
    key = Key(**{name: row[name] for name in Key.__dataclass_fields__})
    metrics = {name: unpacked(packed) for name, packed in row["metrics"].items()}
    return Line(key, metrics, row["train"], row["test"], row["seconds"], row["about"])


class Records:
    """A file of measurements that several processes add to. Of two with one key the later counts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[Line]:
        if not self.path.is_file():
            return []
        rows = [row for text in self.path.read_text().splitlines() if (row := _parsed(text)) is not None]
        return list({line.key: line for line in map(line_from, rows)}.values())

    def find(self, key: Key) -> Line | None:
        return next((line for line in self.lines() if line.key == key), None)

    def add(self, line: Line) -> Line:
        """Added at the end, whole; after the rest of a line that a killed process left."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = json.dumps(line.as_json()) + "\n"
            file.seek(0)
            content = file.read()
            file.write(text if not content or content.endswith("\n") else "\n" + text)
        return line

    def keep(self, kept: Iterable[Line]) -> None:
        """These lines and no others, sorted."""
        rows = sorted((line.as_json() for line in kept), key=lambda row: [str(row[name]) for name in _ORDER])
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text("".join(json.dumps(row) + "\n" for row in rows))
        unfinished.replace(self.path)


_ORDER = ("dataset", "regime", "arm", "labels", "seed", "recipe", "fingerprint")


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:  # the last line of a process that was killed
        return None
    return row


def hash_of(value: Any) -> str:
    """Twelve hexadecimal digits for anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]

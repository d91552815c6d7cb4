"""What is to be predicted, part by part: how often each class occurs, or how numbers are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mt_core.contract import (
    MISSING_CLASS,
    AnyTask,
    Classification,
    Detection,
    ModalityDataset,
    Multilabel,
    Regression,
    Retrieval,
    Segmentation,
)
from mt_core.sdk import some_of

NUM_BINS = 20
IMBALANCED = {"samples": 4.0}
"""Times as many as the rarest class has, of samples as `mt train` says it; of others `_IMBALANCED`."""

_IMBALANCED = 10.0


@dataclass(frozen=True)
class ClassCounts:
    """How often each class occurs in each part.

    Attributes:
        of: What is counted: "samples", "objects", "pixels", "places".
        names: The classes.
        parts: By part, a number a class.
        unknown: By part, those of no known class.
    """

    of: str
    names: tuple[str, ...]
    parts: dict[str, list[int]]
    unknown: dict[str, int]

    @property
    def totals(self) -> list[int]:
        """Of each class, in all parts."""
        return [sum(each) for each in zip(*self.parts.values(), strict=True)]


@dataclass(frozen=True)
class Spread:
    """How a number that is to be predicted is spread.

    Attributes:
        name, unit: Of the number.
        edges: Of bins of equal width, one more than bins.
        parts: By part, how many lie in each bin.
        means: By part; NaN where none is known.
        unknown: By part, samples that lack it.
    """

    name: str
    unit: str
    edges: tuple[float, ...]
    parts: dict[str, list[int]]
    means: dict[str, float]
    unknown: dict[str, int]


@dataclass(frozen=True)
class Targets:
    """What is known of the targets of some parts.

    Attributes:
        classes: None where there are none.
        spreads: One a number; empty where the task is none of numbers.
        remarks: What to look at, a sentence each.
    """

    classes: ClassCounts | None = None
    spreads: tuple[Spread, ...] = ()
    remarks: list[str] = field(default_factory=list)


def targets_of(parts: Mapping[str, ModalityDataset], counted: Mapping[str, Counter[int]]) -> Targets:
    """The targets of the parts of a dataset.

    Args:
        counted: Of masks, boxes and classes along a sample: how often each index occurs in what was read of a part.
    """
    task = next(iter(parts.values())).task
    if isinstance(task, Regression):
        return Targets(spreads=_spreads(task, parts))
    classes = _classes(task, parts, counted)
    return Targets(classes, (), class_remarks(classes) if classes is not None else [])


def _classes(
    task: AnyTask, parts: Mapping[str, ModalityDataset], counted: Mapping[str, Counter[int]]
) -> ClassCounts | None:
    if isinstance(task, Segmentation | Detection):
        of = "objects" if isinstance(task, Detection) else task.of
        return _listed(of, task.classes, {name: counted.get(name, Counter()) for name in parts})
    if isinstance(task, Multilabel):
        stacked = {name: task.stack(part.targets()) for name, part in parts.items()}
        present = {name: (values == 1).sum(0).tolist() for name, values in stacked.items()}
        unknown = {name: int(values.isnan().all(1).sum()) for name, values in stacked.items()}
        return ClassCounts("samples", task.labels, present, unknown)
    if isinstance(task, Classification):
        found = {name: _indices([target for target in part.targets()]) for name, part in parts.items()}
        return _listed("samples", task.classes, found)
    if isinstance(task, Retrieval):
        found = {
            name: _indices([None if target is None else target[0] for target in part.targets()])
            for name, part in parts.items()
        }
        return _listed("samples", task.identities, found)
    return None


def _indices(targets: Sequence[object]) -> Counter[int]:
    return Counter(MISSING_CLASS if target is None else int(target) for target in targets)  # type: ignore[call-overload]


def _listed(of: str, names: Sequence[str], found: Mapping[str, Counter[int]]) -> ClassCounts:
    known = range(len(names))
    parts = {name: [counts[index] for index in known] for name, counts in found.items()}
    unknown = {
        name: sum(count for index, count in counts.items() if index not in known) for name, counts in found.items()
    }
    return ClassCounts(of, tuple(names), parts, unknown)


def class_remarks(classes: ClassCounts) -> list[str]:
    """Classes that a part lacks, and a strong imbalance in the first part, which is trained on."""
    remarks = []
    for name, counts in classes.parts.items():
        lacking = [each for each, count in zip(classes.names, counts, strict=True) if not count]
        if lacking and len(lacking) < len(classes.names):
            remarks.append(f"{name} has no {classes.of} of {len(lacking):,} of the classes: {some_of(lacking)}")
    first, counts = next(iter(classes.parts.items()))
    there = {each: count for each, count in zip(classes.names, counts, strict=True) if count}
    if there:
        most, least = max(there, key=lambda each: there[each]), min(there, key=lambda each: there[each])
        if there[most] >= IMBALANCED.get(classes.of, _IMBALANCED) * there[least]:
            remarks.append(
                f"imbalanced: {most} has {there[most]:,} {classes.of} of {first}, {least} has {there[least]:,}"
            )
    return remarks


def _spreads(task: Regression, parts: Mapping[str, ModalityDataset]) -> tuple[Spread, ...]:
    stacked = {name: task.stack(part.targets()).double().numpy() for name, part in parts.items()}
    spreads = []
    for column, name in enumerate(task.names):
        values = {part: rows[:, column] for part, rows in stacked.items()}
        known = {part: each[np.isfinite(each)] for part, each in values.items()}
        every = np.concatenate(list(known.values()))
        low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 0.0)
        edges = np.linspace(low, high if high > low else low + 1, NUM_BINS + 1)
        counts = {part: np.histogram(each, edges)[0].tolist() for part, each in known.items()}
        means = {part: float(each.mean()) if len(each) else float("nan") for part, each in known.items()}
        unknown = {part: len(each) - len(known[part]) for part, each in values.items()}
        spreads.append(Spread(name, task.unit, tuple(edges.tolist()), counts, means, unknown))
    return tuple(spreads)

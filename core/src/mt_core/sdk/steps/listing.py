"""Recordings whose steps have classes, as samples and targets: windows of them.  T steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, AnyTask, Segmentation
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk.listing import Listing
from mt_core.sdk.notices import left_out
from mt_core.sdk.splits import select_splits
from mt_core.sdk.steps.windows import StepWindow, step_windows


@dataclass(frozen=True)
class LabelledSteps:
    """A recording and the class of each of its steps.

    Attributes:
        name: What it is called among the groups: windows of one recording are never trained on and tested.
        labels: (T,) class indices, `MISSING_CLASS` where one is not known.
        length: Steps of a window.
        window: Gives the tokenizer's sample for a window.
        split: "train", "val", "test"; "" where the layout has no splits.
    """

    name: str
    labels: NDArray[np.int64]
    length: int
    window: Callable[[StepWindow], Any]
    split: str = ""


def list_steps(
    recordings: Sequence[LabelledSteps], split: str, root: Path, *, layout: str, task: Segmentation, note: str = ""
) -> Listing:
    """The windows of the recordings of a split, with the recordings as groups.

    Raises:
        DatasetError: no step has a class, or some recordings are of a split and others of none.
        MissingSplitError: no recording is of this split.
    """
    if not any((each.labels != MISSING_CLASS).any() for each in recordings):
        raise DatasetError(f"{root}: no step has a class", fix="write the class of each step")
    without = [each.name for each in recordings if not each.split]
    if without and len(without) < len(recordings):
        raise DatasetError(
            f"{root}: {without[0]} is of no split, and other recordings are",
            fix="put all into train, val and test, or none",
        )
    wanted = select_splits(split, {each.split for each in recordings if each.split}, root)
    chosen = [each for each in recordings if not wanted or each.split in wanted]
    for each in chosen:
        if missing := int((each.labels == MISSING_CLASS).sum()):
            left_out(
                each.name,
                f"the class of {missing:,} of {len(each.labels):,} steps: their cell is empty or reads NA, None or nan "
                "(call a class otherwise), or their row is not there",
            )
    windows = [(at, window) for at, each in enumerate(chosen) for window in step_windows(len(each.labels), each.length)]
    return Listing(
        _Samples(chosen, windows),
        _Targets(chosen, windows),
        (),
        layout,
        task,
        note=note,
        groups=[chosen[at].name for at, _ in windows],
    )


class _OfWindows(Sequence[Any]):
    """Something of each window, found when it is asked for."""

    def __init__(self, recordings: Sequence[LabelledSteps], windows: Sequence[tuple[int, StepWindow]]) -> None:
        self.recordings, self.windows = recordings, windows

    def __len__(self) -> int:
        return len(self.windows)


class _Samples(_OfWindows):
    def __getitem__(self, index: Any) -> Any:
        at, window = self.windows[index]
        return self.recordings[at].window(window)


class _Targets(_OfWindows):
    def __getitem__(self, index: Any) -> Any:
        at, window = self.windows[index]
        return self.recordings[at].labels[window.first : window.last]


class _Renumbered(Sequence[Any]):
    """Targets with other numbers of their classes."""

    def __init__(self, targets: Sequence[Any], number_of: NDArray[np.int64]) -> None:
        self.targets, self.number_of = targets, number_of

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: Any) -> Any:
        target = self.targets[index]
        return None if target is None else self.number_of[np.asarray(target)]


def with_classes_of(listing: Listing, task: AnyTask | None, source: str) -> Listing:
    """The listing with the classes of an earlier run's task, whichever of them these data have.

    Raises:
        OptionError: a class that the task does not have.
    """
    found = listing.task
    if not (isinstance(task, Segmentation) and isinstance(found, Segmentation)) or task.classes == found.classes:
        return listing
    if unknown := [name for name in found.classes if name not in task.classes]:
        raise OptionError(
            f"{source} has classes that the task does not: {', '.join(unknown[:5])}",
            fix=f"the task has {', '.join(task.classes[:20])}; remove or rename the others",
        )
    numbers = [task.classes.index(name) for name in found.classes]
    assert MISSING_CLASS == -1  # the last of the numbers
    renumbered = _Renumbered(listing.labels, np.array([*numbers, MISSING_CLASS]))
    return replace(listing, labels=renumbered, task=task)

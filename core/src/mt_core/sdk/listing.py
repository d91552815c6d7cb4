"""Datasets that are a list of samples and a list of targets: what most modalities have."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from mt_core.contract import AnyTask, Classification, Example, ModalityDataset, Multilabel, Options, Regression
from mt_core.errors import DatasetError, OptionError
from mt_core.io.paths import check_exists
from mt_core.sdk.splits import check_split


@dataclass(frozen=True)
class Listing:
    """What a layout found: the samples of the splits asked for, not yet read.

    Attributes:
        samples: Paths, or whatever else the tokenizer reads.
        labels: One a sample: the name of its class (None where it is not known), or its target where there is a `task`.
        classes: The classes of all splits, in order; () where there is a `task`.
        layout: How the layout is called, a key of the dataset's `layouts`.
        task: For what is not one class a sample: multilabel, regression and so on.
        note: What a user should know of the data, shown beside every result: "3 of 40 listed videos are absent".
    """

    samples: Sequence[Any]
    labels: Sequence[Any]
    classes: tuple[str, ...]
    layout: str
    task: AnyTask | None = None
    note: str = ""


class ListedDataset(ModalityDataset):
    """Samples and targets, side by side.

    A subclass sets `layouts` and implements `find` and `demo`; `open` checks what can be checked for all.

    Args:
        samples: Paths, or whatever else the tokenizer reads.
        targets: One a sample, as the task says.
        task: What is to be predicted.
        source: One line on where the samples come from.
    """

    kinds: ClassVar[tuple[str, ...]] = ("classification",)
    """The kinds of task that the layouts can give."""

    def __init__(self, samples: Sequence[Any], targets: Sequence[Any], task: AnyTask, source: str) -> None:
        self.samples = samples
        self.task = task
        self.source = source
        self._targets = targets

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        return Example(self.samples[index], self._targets[index])

    def targets(self) -> Sequence[Any]:
        return self._targets

    @classmethod
    def find(cls, root: Path, split: str) -> Listing | None:
        """The samples of a split in the first layout that fits, None where none does.

        A subclass with `Options` of its own has one argument more, `options: XDatasetOptions | None = None`, which
        `open` always gives.

        Raises:
            DatasetError: a known layout that is damaged or incomplete.
            MissingSplitError: a known layout without this split.
        """
        raise NotImplementedError  # abstract

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: Options | None = None
    ) -> Self:
        """See `ModalityDataset.open`."""
        check_split(split)
        if task is not None and not isinstance(task, AnyTask):
            raise OptionError(
                f"the task is {task!r}, and not one of an earlier run", fix="leave it out: it is found from the labels"
            )
        if task is not None and task.kind not in cls.kinds:
            raise OptionError(
                f"{cls.__name__} gives {' or '.join(cls.kinds)}, and the task is {task.kind}",
                fix=f"use a run trained for {' or '.join(cls.kinds)}",
            )
        root = Path(root)
        check_exists(root)
        find: Callable[..., Listing | None] = cls.find
        listing = find(root, split, options=options or cls.Options()) if cls.Options.model_fields else find(root, split)
        if listing is None:
            looked_for = "".join(f"\n    {name}: {what}" for name, what in cls.layouts.items())
            raise DatasetError(f"{root} is in no known layout", fix=f"the layouts are{looked_for}")
        if not len(listing.samples):
            raise DatasetError(f"{root} ({listing.layout}) lists no samples", fix="check that the download is complete")
        told = "; ".join(filter(None, (listing.layout, listing.note)))
        return cls.of(listing, task, source=f"{root} ({told})")

    @classmethod
    def of(cls, listing: Listing, task: AnyTask | None, source: str) -> Self:
        """The dataset of a listing.

        Args:
            task: That of an earlier run, whose classes or labels and their order are then used; None: the listing's.

        Raises:
            OptionError: classes or labels that the task does not have.
            DatasetError: no labels at all, and no task.
        """
        if listing.task is not None:
            targets = _as_in(task, listing.task, listing.labels, source) if task is not None else listing.labels
            return cls(listing.samples, targets, task or listing.task, source)
        if task is None and not listing.classes:
            raise DatasetError(f"{source} has no labels", fix="add a column called label, or a folder per class")
        chosen = task if task is not None else Classification(classes=listing.classes)
        if not isinstance(chosen, Classification):
            raise OptionError(f"{source} has classes, and the task is {chosen.kind}", fix="use a classification run")
        index_of = {name: index for index, name in enumerate(chosen.classes)}
        _refuse(sorted({label for label in listing.labels if label is not None} - index_of.keys()), chosen, source)
        targets = [None if label is None else index_of[label] for label in listing.labels]
        return cls(listing.samples, targets, chosen, source)


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Different names, sorted: as numbers where all are whole numbers, so that 10 comes after 9."""
    different = set(names)
    if all(name.isascii() and name.isdigit() for name in different):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))


def require_files(paths: Sequence[str], root: Path, *, fix: str) -> None:
    """Refuse a list with files that are not there.

    Args:
        paths: Those that are listed.
        root: What lists them, for the message.
        fix: The next thing to try.

    Raises:
        DatasetError: at least one does not exist.
    """
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise DatasetError(
            f"{root} lists {len(missing)} files that do not exist, of {len(paths)}: {', '.join(missing[:3])}"
            + (", ..." if len(missing) > 3 else ""),
            fix=fix,
        )


def _as_in(task: AnyTask, found: AnyTask, targets: Sequence[Any], source: str) -> Sequence[Any]:
    """The targets of a task found in the data, as the task of an earlier run writes them."""
    if task.kind != found.kind:
        raise OptionError(f"{source} is for {found.kind}, and the task is {task.kind}", fix=f"use a {found.kind} run")
    if isinstance(task, Multilabel) and isinstance(found, Multilabel) and task.labels != found.labels:
        _refuse(sorted(set(found.labels) - set(task.labels)), task, source)
        place = {name: index for index, name in enumerate(found.labels)}
        order = [place.get(name) for name in task.labels]
        return [[float("nan") if at is None else target[at] for at in order] for target in targets]
    if isinstance(task, Regression) and isinstance(found, Regression) and task.names != found.names:
        raise OptionError(
            f"{source} has the numbers {', '.join(found.names)}, the task {', '.join(task.names)}",
            fix="name the same target column as in training",
        )
    for name in ("classes", "identities", "horizon", "channels"):
        asked, there = getattr(task, name, None), getattr(found, name, None)
        if asked != there:
            raise OptionError(
                f"{source} has {name} {str(there)[:200]}, and the task {str(asked)[:200]}",
                fix="use the data, and the options of the data, of the run, or leave its options out",
            )
    return targets


def _refuse(unknown: list[str], task: Classification | Multilabel, source: str) -> None:
    if unknown:
        known = task.classes if isinstance(task, Classification) else task.labels
        raise OptionError(
            f"{source} has classes that the task does not: {', '.join(unknown[:5])}"
            + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""),
            fix=f"the task has {', '.join(known[:20])}; remove or rename the others",
        )

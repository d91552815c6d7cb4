"""Datasets that are a list of samples and a list of targets: what most modalities have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from mt_core.contract import (
    AnyTask,
    Classification,
    Detection,
    Example,
    ModalityDataset,
    Multilabel,
    Options,
    Regression,
    Segmentation,
)
from mt_core.errors import DatasetError, OptionError
from mt_core.io.paths import check_exists
from mt_core.sdk.boxes.moving import boxes_with_classes_of
from mt_core.sdk.file_options import GroupOptions, LabelOptions
from mt_core.sdk.groups import divided, grouped, what_lies_in
from mt_core.sdk.labels import canonical_label
from mt_core.sdk.listing import Listing
from mt_core.sdk.masks.classes import with_classes_of
from mt_core.sdk.masks.files import Mask
from mt_core.sdk.splits import check_split


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
        self._groups: Sequence[str | None] | None = None
        self._labels_from = ""

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        target = self._targets[index]
        return Example(self.samples[index], target.read() if isinstance(target, Mask) else target)

    def targets(self) -> Sequence[Any]:
        return self._targets

    def groups(self) -> Sequence[str | None] | None:
        return self._groups

    def tokenizer_options(self) -> dict[str, Any]:
        """Where masks or boxes were found: that the tokenizer is to look for them."""
        if isinstance(self.task, Detection):
            return {"labels": "boxes"}
        is_of_pixels = isinstance(self.task, Segmentation) and self.task.of == "pixels"
        return {"labels": "pixels"} if is_of_pixels else {}

    def summary(self) -> Sequence[str]:
        """What the labels were taken from."""
        return [f"labels: {self._labels_from}"] if self._labels_from else []

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
        options = options or cls.Options()
        given = {"options": options} if cls.Options.model_fields else {}
        asked = options if isinstance(options, LabelOptions | GroupOptions) else None
        listing = find(root, "all" if asked is not None and asked.divides else split, **given)
        if listing is not None and asked is not None:
            listing = grouped(listing, root, asked)
            listing = divided(listing, split, root, asked) if asked.divides else listing
        if listing is not None and isinstance(options, LabelOptions) and options.label is not None:
            if listing.layout not in ("table", "names", "molecules", "steps"):
                raise OptionError(
                    f"{root} is in the layout {listing.layout}, whose labels are known: label={options.label} is "
                    "not used there",
                    fix="leave the option label out",
                )
        looked_for = "".join(f"\n    {name}: {what}" for name, what in cls.layouts.items())
        if listing is None:
            raise DatasetError(
                f"{root} is in no known layout{what_lies_in(root, options)}", fix=f"the layouts are{looked_for}"
            )
        if not len(listing.samples):
            raise DatasetError(f"{root} ({listing.layout}) lists no samples", fix="check that the download is complete")
        is_for_training = task is None and split in ("train", "all")
        if is_for_training and listing.task is None and len(listing.classes) == 1:
            taken = f", taken from {listing.labels_from}" if listing.labels_from else ""
            raise DatasetError(
                f"{root} ({listing.layout}) has one class only, {listing.classes[0]!r}{taken}: there is nothing to "
                "tell apart",
                fix=f"add another class, or give the folder in which the classes are; the layouts that were looked for "
                f"are{looked_for}",
            )
        told = "; ".join(filter(None, (listing.layout, listing.note)))
        dataset = cls.of(listing, task, source=f"{root} ({told})")
        dataset._groups, dataset._labels_from = listing.groups, listing.labels_from
        return dataset

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
        index_of = _index_of({label for label in listing.labels if label is not None}, chosen.classes)
        _refuse(sorted(label for label, index in index_of.items() if index is None), chosen, source)
        targets = [None if label is None else index_of[label] for label in listing.labels]
        return cls(listing.samples, targets, chosen, source)


def _index_of(labels: Iterable[str], classes: Sequence[str]) -> dict[str, int | None]:
    """The class of each label; None where there is none. A table's 7 is the class of a folder that is called 007."""
    exact = {name: index for index, name in enumerate(classes)}
    canonical: dict[str | None, list[int]] = {}
    for name, index in exact.items():
        canonical.setdefault(canonical_label(name), []).append(index)
    found: dict[str, int | None] = {}
    for label in labels:
        others = canonical.get(canonical_label(label), [])
        found[label] = exact.get(label, others[0] if len(others) == 1 else None)
    return found


def _as_in(task: AnyTask, found: AnyTask, targets: Sequence[Any], source: str) -> Sequence[Any]:
    """The targets of a task found in the data, as the task of an earlier run writes them."""
    if task.kind != found.kind:
        raise OptionError(f"{source} is for {found.kind}, and the task is {task.kind}", fix=f"use a {found.kind} run")
    if isinstance(task, Segmentation) and isinstance(found, Segmentation):
        if task.of != found.of:
            raise OptionError(
                f"{source} is for segmentation of {found.of}, and the task is segmentation of {task.of}",
                fix=f"use a run that segments {found.of}",
            )
        if task.of == "pixels":
            return with_classes_of(targets, found, task, source)
    if isinstance(task, Detection) and isinstance(found, Detection):
        return boxes_with_classes_of(targets, found, task, source)
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

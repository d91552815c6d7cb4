"""What a layout finds: the samples of a data set and their labels, not yet read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

from mt_core.contract import AnyTask
from mt_core.errors import DatasetError


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
        labels_from: What was taken for the labels, for messages: "the names of the folders".
        groups: For each sample what it comes from (a speaker, a patient), None for one of its own; None: not known.
        columns: What a layout knows of each sample beside its label, by name ("speaker"): users may choose one of them
            for the groups.
        tested: Of each sample whether it is "test" by the options' groups or folds, where the layout has to know it
            (`tested_samples`); None: it is found from groups and labels.
    """

    samples: Sequence[Any]
    labels: Sequence[Any]
    classes: tuple[str, ...]
    layout: str
    task: AnyTask | None = None
    note: str = ""
    labels_from: str = ""
    groups: Sequence[str | None] | None = None
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    tested: Sequence[bool] | None = None

    def part(self, indices: Sequence[int]) -> Listing:
        """Some of the samples; those that are no plain list are looked up when they are asked for."""

        def chosen(values: Sequence[Any]) -> Sequence[Any]:
            return [values[at] for at in indices] if isinstance(values, list) else Chosen(values, indices)

        return replace(
            self,
            samples=chosen(self.samples),
            labels=chosen(self.labels),
            groups=None if self.groups is None else chosen(self.groups),
            columns={name: chosen(values) for name, values in self.columns.items()},
            tested=None if self.tested is None else chosen(self.tested),
        )


class Chosen(Sequence[Any]):
    """Some of a sequence's items, looked up when they are asked for."""

    def __init__(self, whole: Sequence[Any], indices: Sequence[int]) -> None:
        self.whole, self.indices = whole, indices

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Chosen: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Chosen(self.whole, self.indices[index])
        return self.whole[self.indices[index]]


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

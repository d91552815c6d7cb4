"""A dataset of samples that a user has at hand, with their targets: arrays, texts, paths, rows of a data frame."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence, Set
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import numpy as np

from mt_core.contract import AnyTask, Classification, Example, ModalityDataset, Multilabel, Options, Regression
from mt_core.data import hugging_face
from mt_core.data.inputs import is_frame, samples_of
from mt_core.errors import OptionError
from mt_core.io.counted import counted
from mt_core.sdk import canonical_label, left_out, reinterpreted, similar_labels

MOST_CLASSES = 20
"""Whole numbers of so many different values, and no more, are classes without being said to be."""


class InMemoryDataset(ModalityDataset):
    """Samples and their targets.

    Args:
        samples: What the tokenizer reads, one each.
        targets: As the task says, one each.
        task: What is to be predicted.
    """

    def __init__(self, samples: Sequence[Any], targets: Sequence[Any], task: AnyTask) -> None:
        self.samples, self._targets, self.task = list(samples), list(targets), task
        self.source = f"{len(self.samples)} sample{'s' * (len(self.samples) != 1)} in memory"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        return Example(self.samples[index], self._targets[index])

    def targets(self) -> Sequence[Any]:
        return self._targets

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: Options | None = None
    ) -> Self:
        raise OptionError("samples in memory are not opened", fix="open the plugin's own dataset")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        raise OptionError("samples in memory are not drawn", fix="draw the plugin's own dataset")


def in_memory(samples: Any, targets: Any, *, task: AnyTask | str | None = None) -> InMemoryDataset:
    """A dataset of what a user gave.

    Args:
        samples: A sequence, an array whose first axis is that of the samples, a column, a data frame or a dataset of
            Hugging Face's of a row a sample; or, without targets, `Example`s.
        targets: One a sample. Texts, truth values and whole numbers of at most `MOST_CLASSES` values are classes; other
            numbers are quantities; rows of zeros and ones are labels, of which a sample has any number; other rows
            are as many quantities. None and NaN: not known. A `ClassLabel` column of Hugging Face's has its names.
        task: "classification", "regression" or "multilabel" where that is to be said; or the task of an earlier
            training, whose classes stand.

    Raises:
        OptionError: not one target a sample, or targets that are of no task.
    """
    if targets is None:
        examples = samples_of(samples)
        if not examples or not all(isinstance(each, Example) for each in examples):
            raise OptionError(
                "there are samples and no targets",
                fix="give the targets as the second argument, or Examples, a dataset, or the path of a folder",
            )
        given, targets = [each.sample for each in examples], [each.target for each in examples]
    else:
        given = samples_of(samples)
    names = [str(name) for name in targets.columns] if is_frame(targets) else None
    rows = _rows(targets)
    if len(rows) != len(given):
        raise OptionError(
            f"{counted(len(given), 'sample')} and {counted(len(rows), 'target')}", fix="give one target a sample"
        )
    if not rows:
        raise OptionError("there are no samples", fix="give some, with their targets")
    made = _task(rows, names, task) if task is None or isinstance(task, str) else task
    return InMemoryDataset(given, _as_targets(rows, made), made)


def _rows(targets: Any) -> list[Any]:
    """One a sample.

    Raises:
        OptionError: a mapping, whose order nobody knows, a text, or targets that are neither classes nor numbers.
    """
    if isinstance(targets, str | bytes | Mapping | Set):
        fix = f"give the column itself: frame[{targets!r}]" if isinstance(targets, str) else "give them as a list"
        raise OptionError(f"a {type(targets).__name__} is no sequence of targets", fix=fix)
    if hugging_face.is_column(targets):
        values, classes = hugging_face.values_of_column(targets), hugging_face.names_of_classes(targets)
        targets = values if classes is None else [None if value in (None, -1) else classes[value] for value in values]
    if (kind := getattr(getattr(targets, "dtype", None), "kind", "")) in ("M", "m", "c"):
        raise _of_no_task({"M": "date", "m": "duration", "c": "complex number"}[kind])
    if is_frame(targets):
        rows = list(np.asarray(targets).tolist())
    elif hasattr(targets, "tolist") or hasattr(targets, "to_list"):
        rows = list(targets.to_list() if hasattr(targets, "to_list") else targets.tolist())
    else:
        rows = [each.tolist() if hasattr(each, "tolist") else each for each in targets]
    return [[_plain(each) for each in row] if isinstance(row, list | tuple) else _plain(row) for row in rows]


def _plain(target: Any) -> Any:
    """A target as text, truth value or number; None where it is not known, and where it is infinite, with a warning.

    Raises:
        OptionError: a date, a duration, a complex number.
    """
    if isinstance(target, Decimal):
        target = float(target)
    if isinstance(target, float) and math.isinf(target):
        left_out("the targets", "infinite numbers, which count as not known")
        return math.nan
    if isinstance(target, str):
        return unicodedata.normalize("NFC", target.strip()) or None
    if isinstance(target, bytes):
        return _plain(target.decode(errors="replace"))
    if isinstance(target, date | timedelta | complex) and target == target:
        raise _of_no_task(type(target).__name__)
    return None if _is_missing(target) or type(target).__name__ == "NaTType" else target


def _of_no_task(kind: str) -> OptionError:
    return OptionError(
        f"a target is a {kind}, which is neither a class nor a number",
        fix="give numbers, such as days since the first date, or texts",
    )


def _is_missing(target: Any) -> bool:
    return target is None or (isinstance(target, float) and math.isnan(target)) or type(target).__name__ == "NAType"


def _task(rows: list[Any], names: list[str] | None, kind: str | None) -> AnyTask:
    if kind not in (None, "classification", "regression", "multilabel"):
        raise OptionError(
            f"task={kind!r} cannot be inferred from targets", fix="give the task itself, such as mt.Segmentation(...)"
        )
    known = [row for row in rows if not _is_missing(row)]
    if not known:
        raise OptionError("no target is known", fix="give some targets that are not None or NaN")
    if any(isinstance(row, list | tuple) for row in known):
        widths = {len(row) if isinstance(row, list | tuple) else 0 for row in known}
        if len(widths) > 1 or any(isinstance(value, list | tuple) for value in known[0]):
            raise OptionError(
                "targets are rows of different lengths, or of more than two axes",
                fix="give a dataset with its task: mt.Segmentation, mt.Forecasting and others",
            )
        (width,) = widths
        names = names or [str(index) for index in range(width)]
        if width == 1 and kind != "multilabel":
            return _task([row[0] for row in known], names, kind)
        is_labels = all(_is_missing(value) or value in (0, 1) for row in known for value in row)
        if kind == "multilabel" or (is_labels and kind is None):
            return Multilabel(labels=tuple(names))
        return Regression(names=tuple(names))
    name = (names or ["target"])[0]
    numbers = [row for row in known if isinstance(row, int | float) and not isinstance(row, bool)]
    values = set(known)
    if len(numbers) < len(known) or kind == "classification":
        return _classes(values)
    is_whole = all(float(number).is_integer() for number in numbers)
    if kind == "regression" or not is_whole:
        return Regression(names=(name,))
    if len(values) > MOST_CLASSES:
        raise OptionError(
            f"the targets are whole numbers of {len(values)} different values: classes, or quantities?",
            fix="say which: task='classification' or task='regression'",
        )
    return _classes(values)


def _classes(values: set[Any]) -> Classification:
    if len({_class_name(value) for value in values}) < 2:
        raise OptionError(
            f"all targets are {_class_name(next(iter(values)))}, and there is nothing to tell apart",
            fix="give samples of at least two classes",
        )
    is_number = all(isinstance(value, int | float) for value in values)
    names = dict.fromkeys(_class_name(value) for value in sorted(values, key=None if is_number else str))
    if similar := similar_labels(names):
        reinterpreted("the targets", f"{similar} as two classes")
    return Classification(classes=tuple(names))


def _class_name(value: Any) -> str:
    """1.0 and 1 are the same class."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _as_targets(rows: list[Any], task: AnyTask) -> list[Any]:
    if isinstance(task, Regression | Multilabel) and task.num_outputs == 1:
        return [row[0] if isinstance(row, list | tuple) else row for row in rows]
    if not isinstance(task, Classification):
        return rows
    index_of = {name: index for index, name in enumerate(task.classes)}
    as_in_files = {canonical_label(name): name for name in task.classes}
    flat = [row[0] if isinstance(row, list | tuple) and len(row) == 1 else row for row in rows]
    named = [None if _is_missing(row) else _class_name(row) for row in flat]
    named = [name if name in index_of else as_in_files.get(canonical_label(name), name) for name in named]
    unknown = sorted({name for name in named if name is not None and name not in index_of})
    if unknown:
        raise OptionError(
            f"the targets have the classes {', '.join(unknown[:5])}, which the training did not have",
            fix=f"its classes are {', '.join(task.classes[:20])}; give targets that are not known as None",
        )
    return [None if name is None else index_of[name] for name in named]

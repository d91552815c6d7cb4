"""Labelled rows of tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from mt_core.contract import SPLITS, AnyTask, Classification, Example, ModalityDataset, Options, Regression
from mt_core.contract import Options as AnyOptions
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import NumberFormat, is_number, number_format
from mt_plugin_tabular.cells import Cell, category, number
from mt_plugin_tabular.demo import demo_rows, write_demo, write_examples
from mt_plugin_tabular.layouts import LAYOUTS, split_files
from mt_plugin_tabular.reading import Header, rows
from mt_plugin_tabular.table import Table

TARGET_NAMES = ("target", "label", "class", "y")
"""Names by which a target column is known, in any case; without one it is the last column."""

_FEW = 20  # so many different whole numbers, or fewer, are classes


class TabularDatasetOptions(Options):
    """What is predicted of the rows."""

    target: str | None = Field(
        default=None,
        description="The column to predict. None: that of the run; else the one called target, label, class or y; else "
        "the last.",
    )
    kind: Literal["classification", "regression"] | None = Field(
        default=None,
        description="What to predict. None: classes if the target is text or at most 20 different whole numbers, else "
        "a number.",
    )
    header: Header = Field(default="auto", description="Whether the first line of a text file holds the names.")


class TabularDataset(ModalityDataset):
    """Rows of a table, kept by columns; the target column is taken out of the samples.

    Args:
        table: Rows with their target.
        target: Name of the target column.
        task: Classification or regression; a class is found by its name.
        source: Where the rows come from.

    Raises:
        OptionError: a class that the task does not have, a target that is no number, a multilabel task.
    """

    Options = TabularDatasetOptions
    layouts: ClassVar[dict[str, str]] = LAYOUTS
    task: Classification | Regression

    def __init__(self, table: Table, target: str, task: AnyTask, source: str) -> None:
        if not isinstance(task, Classification | Regression):
            raise OptionError(
                f"a table gives one class or number a row, and the task is {task.kind}",
                fix="use classification or regression",
            )
        self.table, self.target, self.task, self.source = table, target, task, source
        value_of = _targets_of(table.distinct(target), target, task)
        self._targets = [value_of[cell] for cell in table.column(target)]

    def __len__(self) -> int:
        return self.table.num_rows

    def __getitem__(self, index: int) -> Example:
        target = self._targets[index]  # an IndexError for an index outside ends a plain `for` over the dataset
        return Example(self.table.row(index, without=self.target), target)

    def targets(self) -> Sequence[Any]:
        return self._targets

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: AnyOptions | None = None
    ) -> Self:
        """The rows of a split; see `layouts.LAYOUTS`."""
        chosen = options if isinstance(options, TabularDatasetOptions) else TabularDatasetOptions()
        target = chosen.target
        files = split_files(Path(root), split)
        table = Table(chain.from_iterable(rows(path, header=chosen.header) for path in files))
        if target is None and isinstance(task, Regression):
            target = task.names[0] if task.names[0] in table.names else None
        target = _target_column(table.names, target, root)
        if task is None:
            task = infer_task(table.distinct(target), target, chosen.kind)
        return cls(table, target, task, f"{root} ({split}; target {target!r})")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """The breast cancer table of scikit-learn where that is installed, else a generated one; either written as a
        CSV file and read back. 60 % of the rows are train, 20 % val, 20 % test; at most `size` of them."""
        if split not in SPLITS:
            raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        with TemporaryDirectory() as folder:
            path = Path(folder) / "demo.csv"
            source = write_demo(path, seed)
            whole = Table(rows(path))
        task = infer_task(whole.distinct("target"), "target", "classification")
        chosen = demo_rows(whole.num_rows, split, seed)[:size]
        return cls(Table(whole.row(index) for index in chosen), "target", task, source)

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)


def infer_task(
    values: Iterable[Cell], target: str, kind: Literal["classification", "regression"] | None = None
) -> Classification | Regression:
    """The task of a target column with these distinct values; classes in numeric order, else in that of the alphabet.

    Raises:
        DatasetError: no value at all.
    """
    present = [value for value in values if value is not None]
    if not present:
        raise DatasetError(f"the target column {target!r} is empty", fix="name another by the option target")
    numbers = _numbers(present)
    if kind is None:
        is_few = len(present) <= _FEW and all(math.isnan(value) or value.is_integer() for value in numbers or ())
        kind = "classification" if numbers is None or is_few else "regression"
    if kind == "regression":
        return Regression(names=(target,))
    classes = {category(value) for value in present}
    return Classification(classes=tuple(sorted(classes, key=float if all(map(is_number, classes)) else None)))


def _targets_of(
    values: Sequence[Cell], column: str, task: Classification | Regression
) -> dict[Cell, int | float | None]:
    """What a task says to each distinct value of the target column."""
    if isinstance(task, Regression):
        try:
            written = number_format(value for value in values if isinstance(value, str)) or NumberFormat()
            return {value: math.nan if value is None else number(value, written) for value in values}
        except ValueError as error:
            raise OptionError(
                f"the target column {column!r} holds text ({error})", fix="use kind=classification, or another target"
            ) from None
    index = {name: place for place, name in enumerate(task.classes)}
    unknown = sorted({category(value) for value in values if value is not None} - index.keys())
    if unknown:
        raise OptionError(
            f"the target column {column!r} holds {', '.join(map(repr, unknown[:5]))}, which the task does not have",
            fix=f"its classes are {', '.join(map(repr, task.classes[:20]))}; use data of these, or train anew",
        )
    return {value: None if value is None else index[category(value)] for value in values}


def _target_column(names: Sequence[str], wanted: str | None, root: Path) -> str:
    if wanted is not None and wanted not in names:
        raise OptionError(f"{root} has no column {wanted!r}", fix=f"target is one of: {', '.join(names)}")
    if len(names) < 2:
        raise DatasetError(
            f"{root} has one column only, {names[0]!r}, and needs a target beside it",
            fix="check the separator of the file (, ; tab or |)",
        )
    known = {name.lower(): name for name in reversed(names)}
    return wanted or next((known[name] for name in TARGET_NAMES if name in known), names[-1])


def _numbers(values: Sequence[str | float]) -> list[float] | None:
    """The values as numbers; None if one is not."""
    written = number_format(value for value in values if isinstance(value, str))
    return [number(value, written) for value in values] if written is not None else None

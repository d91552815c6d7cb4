"""Labelled rows of tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal, Self

from pydantic import Field

from mt_core.contract import AnyTask, Classification, Regression
from mt_core.contract import Options as AnyOptions
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import ListedDataset, Listing, is_number, number_format, select_splits
from mt_plugin_tabular.cells import Cell, category_name, parse_number
from mt_plugin_tabular.demo import write_demo, write_examples
from mt_plugin_tabular.layouts import LAYOUTS, find_layout
from mt_plugin_tabular.reading import Header, read_rows
from mt_plugin_tabular.table import Table

TARGET_NAMES = ("target", "label", "class", "y")
"""Names by which a target column is known, in any case; without one it is the last column."""

_FEW = 20  # so many different whole numbers, or fewer, are classes


class TabularDatasetOptions(AnyOptions):
    """What is predicted of the rows."""

    target: str | None = Field(
        default=None,
        description="The column to predict. none: that of the run; else the one called target, label, class or y; else "
        "the last.",
    )
    kind: Literal["classification", "regression"] | None = Field(
        default=None,
        description="What to predict. none: classes if the target is text or at most 20 different whole numbers, else "
        "a number.",
    )
    header: Header = Field(default="auto", description="Whether the first line of a text file holds the names.")


class TabularDataset(ListedDataset):
    """Rows of a table, kept by columns; the target column is taken out of the samples."""

    Options = TabularDatasetOptions
    layouts: ClassVar[dict[str, str]] = LAYOUTS
    kinds = ("classification", "regression")

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: AnyOptions | None = None
    ) -> Self:
        """See `ModalityDataset.open`; a `task` says what kind it is, and that of a regression its column."""
        chosen = options if isinstance(options, TabularDatasetOptions) else TabularDatasetOptions()
        if isinstance(task, Classification | Regression):
            target = task.names[0] if isinstance(task, Regression) and chosen.target is None else chosen.target
            chosen = chosen.model_copy(update={"kind": task.kind, "target": target})
        return super().open(root, split, task=task, options=chosen)

    @classmethod
    def find(cls, root: Path, split: str, *, options: TabularDatasetOptions | None = None) -> Listing | None:
        """The rows of a split in one of `layouts`, all of its files one after another."""
        options = options or TabularDatasetOptions()
        layout, files = find_layout(root)
        if not files:
            return None
        chosen = select_splits(split, [name for name in files if name], root) or [""]
        table = Table(chain.from_iterable(read_rows(files[name], header=options.header) for name in chosen))
        return listing_of(table, _target_column(table.names, options.target, root), layout, options.kind)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """The breast cancer table of scikit-learn where that is installed, else a generated one; either written as a
        CSV file and read back. 60 % of the rows are train, 20 % val, 20 % test; at most `size` of them."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "demo.csv"
            classes, source = write_demo(path, split, size, seed)
            table = Table(read_rows(path))
        return cls.of(listing_of(table, "target", "demo"), Classification(classes=classes), source)

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)


def listing_of(
    table: Table, target: str, layout: str, kind: Literal["classification", "regression"] | None = None
) -> Listing:
    """The rows of a table without their target.

    Args:
        target: Name of the target column.
        kind: None: classes if the target is text or at most 20 different whole numbers, else a number. Classes are in
            numeric order, else in that of the alphabet; a missing one is None, a missing number NaN.

    Raises:
        DatasetError: a target column without any value.
        OptionError: a number is wanted, and the column holds text.
    """
    present = [value for value in table.distinct(target) if value is not None]
    if not present:
        raise DatasetError(f"the target column {target!r} is empty", fix="name another by the option target")
    number_of = _numbers(present)
    if kind is None:
        is_few = len(present) <= _FEW and all(math.isnan(each) or each.is_integer() for each in number_of.values())
        kind = "regression" if number_of and not is_few else "classification"
    samples, cells, note = table.without(target), table.column(target), f"target {target!r}"
    if kind == "classification":
        name_of = {value: category_name(value) for value in present}
        names = set(name_of.values())
        classes = tuple(sorted(names, key=float if all(map(is_number, names)) else None))
        return Listing(samples, [None if cell is None else name_of[cell] for cell in cells], classes, layout, note=note)
    if not number_of:
        raise OptionError(f"the target column {target!r} holds text", fix="use kind=classification, or another target")
    targets = [math.nan if cell is None else number_of[cell] for cell in cells]
    return Listing(samples, targets, (), layout, Regression(names=(target,)), note)


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


def _numbers(values: Sequence[str | float]) -> dict[Cell, float]:
    """Each value as a number; {} if one is none."""
    written = number_format(value for value in values if isinstance(value, str))
    return {value: parse_number(value, written) for value in values} if written is not None else {}

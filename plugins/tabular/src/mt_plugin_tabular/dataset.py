"""Labelled rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Self

from pydantic import Field

from mt_core.contract import AnyTask, Classification, Regression
from mt_core.contract import Options as AnyOptions
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import GroupOptions, ListedDataset, Listing, left_out, select_splits
from mt_plugin_tabular.cells import category_name
from mt_plugin_tabular.demo import write_demo, write_examples
from mt_plugin_tabular.inference import infer_columns
from mt_plugin_tabular.layouts import LAYOUTS, Files, find_layout
from mt_plugin_tabular.options import Header, TabularOptions
from mt_plugin_tabular.reading import read_rows
from mt_plugin_tabular.survey import KEPT_ROWS, TableSummary
from mt_plugin_tabular.table import Table
from mt_plugin_tabular.target import Kind, listing_of

TARGET_NAMES = ("target", "label", "class", "y")
"""Names by which a target column is known, in any case; without one it is the last column."""


class TabularDatasetOptions(GroupOptions):
    """What is predicted of the rows, and which of them belong together."""

    target: str | None = Field(
        default=None,
        description="The column to predict. none: that of the run; else the one called target, label, class or y; else "
        "the last.",
    )
    kind: Kind | None = Field(
        default=None,
        description="What to predict. none: classes if the target is text or at most 20 different whole numbers, else "
        "a number (of which a cell in ten may be none, and is missing).",
    )
    header: Header = Field(default="auto", description="Whether the first line of a text file holds the names.")


class TabularDataset(ListedDataset):
    """Rows of a table, kept by columns; the columns of the target and of the groups are taken out of the samples."""

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
        target = _target_column(_names(files, options.header), options, root)
        files = _with_target(files, target, options.header)
        chosen = select_splits(split, [name for name in files if name], root) or [""]
        for name in chosen:
            _check_group(options.group, _names({name: files[name]}, options.header), files[name])
        table = Table(chain.from_iterable(read_rows(files[name], header=options.header) for name in chosen))
        if options.group is None:
            return listing_of(table, target, layout, options.kind, str(files[chosen[0]]))
        groups = _groups(table, options.group)
        listing = listing_of(table.without(options.group), target, layout, options.kind, str(files[chosen[0]]))
        return replace(listing, groups=groups)

    def summary(self) -> Sequence[str]:
        """What each column is taken for, and what is left out, with the tokenizer's default options."""
        found = infer_columns(TableSummary(islice(self.samples, KEPT_ROWS)), TabularOptions())
        return found.summary()

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


def _names(files: Files, header: Header) -> list[str]:
    """Of the columns of the first table: of the training part, where there is one."""
    path = files.get("train") or next(iter(files.values()))
    return list(next(read_rows(path, header=header)))


def _check_group(group: str | None, names: Sequence[str], path: Path) -> None:
    """Raises OptionError: a column of groups that the table does not have."""
    if group is not None and group not in names:
        raise OptionError(
            f"{path} has no column group={group}",
            fix=f"its columns are {', '.join(names)}; or give group=none, where nothing is to be kept together",
        )


def _groups(table: Table, column: str) -> list[str | None]:
    """Of each row the name of its group, None where the cell is empty."""
    name_of = {cell: None if cell is None else category_name(cell) or None for cell in table.distinct(column)}
    return [name_of[cell] for cell in table.column(column)]


def _with_target(files: Files, target: str, header: Header) -> Files:
    """Those with a target; what is to be predicted of a competition's test part only its makers know."""
    found = dict(files)
    for split, path in files.items():
        if split not in ("", "train") and target not in _names({split: path}, header):
            left_out(str(path), f"the table lacks the target {target!r}")
            del found[split]
    return found


def _target_column(found: Sequence[str], options: TabularDatasetOptions, root: Path) -> str:
    """The column that is named, else one of a known name, else the last that is not that of the groups."""
    names = [name for name in found if name != options.group]
    if options.target is not None and options.target not in names:
        if options.target == options.group:
            raise OptionError(f"{root}: target and group are both {options.group!r}", fix="name two columns")
        raise OptionError(f"{root} has no column {options.target!r}", fix=f"target is one of: {', '.join(names)}")
    if len(names) < 2:
        beside = f" beside that of the groups, {options.group!r}" if len(names) < len(found) else ""
        raise DatasetError(
            f"{root} has one column only{beside}, {names[0]!r}, and needs a target and an input",
            fix="check the separator of the file (, ; tab or |)",
        )
    known = {name.lower(): name for name in reversed(names)}
    return options.target or next((known[name] for name in TARGET_NAMES if name in known), names[-1])

"""Labelled rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Self

from pydantic import Field

from mt_core.contract import AnyTask, Classification, Regression
from mt_core.contract import Options as AnyOptions
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import ListedDataset, Listing, left_out, select_splits
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


class TabularDatasetOptions(AnyOptions):
    """What is predicted of the rows."""

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
        target = _target_column(_names(files, options.header), options.target, root)
        files = _with_target(files, target, options.header)
        chosen = select_splits(split, [name for name in files if name], root) or [""]
        table = Table(chain.from_iterable(read_rows(files[name], header=options.header) for name in chosen))
        return listing_of(table, target, layout, options.kind, str(files[chosen[0]]))

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


def _with_target(files: Files, target: str, header: Header) -> Files:
    """Those with a target; what is to be predicted of a competition's test part only its makers know."""
    found = dict(files)
    for split, path in files.items():
        if split not in ("", "train") and target not in _names({split: path}, header):
            left_out(str(path), f"the table lacks the target {target!r}")
            del found[split]
    return found


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

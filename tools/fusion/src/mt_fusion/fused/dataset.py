"""Labelled items: the rows of a table, or folders of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator

from mt_core.contract import AnyTask, Multilabel, Regression
from mt_core.contract import Options as AnyOptions
from mt_core.errors import OptionError, did_you_mean
from mt_core.sdk import GroupOptions, ListedDataset, Listing, left_out, select_splits
from mt_fusion.fused.demo import demo_inputs, demo_items, write_examples
from mt_fusion.fused.targets import Kind, targets_of
from mt_fusion.items.finding import check_inputs, find_inputs
from mt_fusion.items.inputs import Input, as_text, parse_inputs
from mt_fusion.items.opening import LAYOUTS, open_items
from mt_fusion.items.rows import Items
from mt_fusion.items.table import Table

TARGET_NAMES = ("target", "label", "class", "category", "y")
"""Names by which the target is known, in any case."""


class FusedDatasetOptions(GroupOptions):
    """Which inputs an item has, and what is predicted of it."""

    inputs: dict[str, Input] = Field(
        default={}, description="The inputs: photo=image,description=text,facts:price+year=tabular. none: found."
    )
    target: tuple[str, ...] = Field(
        default=(),
        description="The column to predict, or several. none: the one called target, label, class, category or y.",
    )
    kind: Kind | None = Field(
        default=None,
        description="What to predict. none: classes if the target is text or at most 20 different whole numbers, "
        "labels if it is several columns of 0 and 1, else numbers.",
    )

    @field_validator("inputs", mode="before")
    @classmethod
    def _parse(cls, given: Any) -> Any:
        return parse_inputs(given)


class _DemoOptions:
    """The options of the tokenizer for the demonstration, which depend on what is installed."""

    def __get__(self, instance: object, owner: type) -> dict[str, Any]:
        return {"inputs": {name: each.model_dump(mode="json") for name, each in demo_inputs().items()}}


class FusedDataset(ListedDataset):
    """Items whose inputs are read by the tokenizers of several modalities."""

    Options = FusedDatasetOptions
    layouts: ClassVar[dict[str, str]] = LAYOUTS
    kinds = ("classification", "regression", "multilabel")
    demo_options: ClassVar[Any] = _DemoOptions()

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: AnyOptions | None = None
    ) -> Self:
        """See `ModalityDataset.open`; a `task` sets the kind, and for numbers or labels also the target columns."""
        chosen = options if isinstance(options, FusedDatasetOptions) else FusedDatasetOptions()
        if task is not None and task.kind in cls.kinds:
            of_task = (
                task.names if isinstance(task, Regression) else task.labels if isinstance(task, Multilabel) else ()
            )
            chosen = chosen.model_copy(update={"kind": task.kind, "target": chosen.target or of_task})
        return super().open(root, split, task=task, options=chosen)

    @classmethod
    def find(cls, root: Path, split: str, *, options: FusedDatasetOptions | None = None) -> Listing | None:
        """The items of a split, all of its tables one after another."""
        options = options or FusedDatasetOptions()
        layout, tables = open_items(root)
        chosen = [tables[name] for name in select_splits(split, [name for name in tables if name], root) or [""]]
        first = tables["train"] if "train" in tables else next(iter(tables.values()))
        target = options.target or _target(first)
        besides = [*target, *filter(None, [options.group])]
        for table in (first, *chosen):
            _check_columns(table, besides)
        inputs = check_inputs(options.inputs, first) if options.inputs else find_inputs(first, besides)
        _check_no_input(inputs, besides, first)
        items = Items([_with_inputs(table, inputs) for table in chosen], inputs)
        targets = targets_of(items.rows, target, options.kind, str(first.path))
        groups = None if options.group is None else [_text(row[options.group]) for row in items.rows]
        note = f"target {', '.join(target)}; inputs {as_text(inputs)}"
        return Listing(items, targets.labels, targets.classes, layout, targets.task, note, groups=groups)

    def tokenizer_options(self) -> dict[str, Any]:
        """The inputs, as they were found in the data, or as they were named with what their columns hold."""
        return {"inputs": dict(self._inputs())}

    def summary(self) -> Sequence[str]:
        """What each input is taken for, and how many items lack it."""
        lines = []
        for name, each in self._inputs().items():
            absent = sum(name not in item for item in self.samples)
            lacking = f"; {absent:,} of {len(self):,} items lack it" if absent else ""
            lines.append(f"input {name}: {each.modality}, {each.holds or 'cells'} of {_listed(each, name)}{lacking}")
        return lines

    def _inputs(self) -> Mapping[str, Input]:
        samples: Any = self.samples
        while not hasattr(samples, "inputs"):  # some of the items
            samples = samples.whole
        return samples.inputs  # type: ignore[no-any-return]

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Items of the demonstrations of two installed modalities: a sample of each, of the same class."""
        items, targets, task, source = demo_items(split, size, seed)
        return cls(items, targets, task, source)

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)


def _with_inputs(table: Table, inputs: Mapping[str, Input]) -> Table:
    """The rows that have at least one of the inputs; users are warned of the others."""
    columns = [column for name, each in inputs.items() for column in each.columns_of(name)]
    kept = [at for at, row in enumerate(table.rows) if any(row.get(column) is not None for column in columns)]
    if len(kept) == len(table.rows):
        return table
    left_out(str(table.path), f"{len(table.rows) - len(kept):,} of {len(table.rows):,} items, which have no input")
    return replace(table, rows=[table.rows[at] for at in kept], places=[table.places[at] for at in kept])


def _listed(each: Input, name: str) -> str:
    columns = each.columns_of(name)
    return " + ".join(columns[:8]) + (f" and {len(columns) - 8} more" if len(columns) > 8 else "")


def _target(table: Table) -> tuple[str, ...]:
    """The column of a known name."""
    known = {name.lower(): name for name in reversed(table.names)}
    found = next((known[name] for name in TARGET_NAMES if name in known), None)
    if found is None:
        raise OptionError(
            f"{table.path} has no column called {' or '.join(TARGET_NAMES)}",
            fix=f"name what is to be predicted, as in --target {table.names[-1]}; its columns are "
            f"{', '.join(table.names)}",
        )
    return (found,)


def _check_columns(table: Table, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in table.names:
            raise OptionError(
                f"{table.path} has no column {column!r}{did_you_mean(column, table.names)}",
                fix=f"its columns are {', '.join(table.names)}",
            )


def _check_no_input(inputs: Mapping[str, Input], besides: Sequence[str], table: Table) -> None:
    """Refuse an input that holds the answer."""
    for name, each in inputs.items():
        shared = [column for column in each.columns_of(name) if column in besides]
        if shared:
            raise OptionError(
                f"{table.path}: the column {shared[0]!r} is an input ({name}) and the target or the group",
                fix="leave it out of the inputs",
            )


def _text(cell: Any) -> str | None:
    return None if cell is None else str(cell)

"""The column that is predicted: classes or a number, and what is missing of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mt_core.contract import Regression
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import (
    Listing,
    NumberColumn,
    format_notes,
    is_number,
    left_out,
    number_columns,
    reinterpreted,
    similar_labels,
)
from mt_plugin_tabular.cells import Cell, category_name
from mt_plugin_tabular.columns import ID_DISTINCT
from mt_plugin_tabular.table import Table

Kind = Literal["classification", "regression"]


def listing_of(table: Table, target: str, layout: str, kind: Kind | None = None, source: str = "the table") -> Listing:
    """The rows of a table without their target.

    Args:
        target: Name of the target column.
        kind: None: classes if the target is text or at most 20 different whole numbers, else a number; a cell in ten
            may then be none, and is missing. Classes are in numeric order, else in that of the alphabet; a missing one
            is None, a missing number NaN.
        source: What messages call the table.

    Raises:
        DatasetError: a target column without any value; or, where no kind is given, neither numbers nor classes.
        OptionError: a number is wanted, and most of the column is text.
    """
    cells = table.column(target)
    present = [cell for cell in cells if cell is not None]
    if not present:
        raise DatasetError(f"the target column {target!r} is empty", fix="name another by the option target")
    numbers = _Numbers.of(table, target, cells)
    chosen = kind or ("regression" if numbers.is_quantity and numbers.are_most else "classification")
    if chosen == "regression":
        targets = numbers.targets(cells, target, source, kind is not None)
        return Listing(table.without(target), targets, (), layout, Regression(names=(target,)), f"target {target!r}")
    name_of = {cell: category_name(cell) for cell in set(present)}
    counts = Counter(name_of[cell] for cell in present)
    if kind is None and ID_DISTINCT < len(counts) > len(present) / 2:
        raise DatasetError(
            f"the target column {target!r} has {len(counts)} different texts in {len(present)} rows: no classes",
            fix="name another by the option target, or set kind=classification",
        )
    if len(present) < len(cells):
        left_out(source, f"{len(cells) - len(present)} of {len(cells)} rows have no target")
    if similar := similar_labels(counts):
        reinterpreted(source, f"{similar} as two classes of the target {target}")
    classes = tuple(sorted(counts, key=float if all(map(is_number, counts)) else None))
    labels = [None if cell is None else name_of[cell] for cell in cells]
    return Listing(table.without(target), labels, classes, layout, note=f"target {target!r}")


@dataclass(frozen=True)
class _Numbers:
    """What the cells of the target are as numbers.

    Attributes:
        column: Of those that are text.
        values: The number of each different cell that is one.
        num_misfits: Cells that are neither numbers nor missing.
        num_present: Cells that are not missing.
    """

    column: NumberColumn
    values: dict[Cell, float]
    num_misfits: int
    num_present: int

    @classmethod
    def of(cls, table: Table, target: str, cells: Sequence[Cell]) -> _Numbers:
        texts = {name: [cell for cell in table.distinct(name) if isinstance(cell, str)] for name in table.names}
        column = number_columns(texts, decimal=table.decimal)[target]
        values: dict[Cell, float] = {
            cell: column.written.parse(cell) if isinstance(cell, str) else cell
            for cell in table.distinct(target)
            if cell is not None and not (isinstance(cell, str) and cell in column.misfits)
        }
        num_misfits = sum(isinstance(cell, str) and cell in column.misfits for cell in cells)
        return cls(column, values, num_misfits, sum(cell is not None for cell in cells))

    @property
    def are_most(self) -> bool:
        """Whether at least half of the cells are numbers."""
        return self.num_misfits * 2 <= self.num_present and bool(self.values)

    @property
    def is_quantity(self) -> bool:
        """Whether they are no codes of classes: some have fractions, or there are more than 20 different ones."""
        finite = {value for value in self.values.values() if math.isfinite(value)}
        return len(finite) > ID_DISTINCT or any(not value.is_integer() for value in finite)

    def targets(self, cells: Sequence[Cell], target: str, source: str, is_wanted: bool) -> list[float]:
        """NaN where there is no number; users are warned.

        Raises:
            DatasetError: more than one cell in ten is no number, and the user did not say that it is to be one.
            OptionError: the user did, and more than half are none.
        """
        wrong = ", ".join(repr(cell[:20]) for cell in list(self.column.misfits)[:3])
        if not self.are_most:
            raise OptionError(
                f"the target column {target!r} holds text: {wrong}", fix="use kind=classification, or another target"
            )
        if self.num_misfits > max(self.num_present / 10, float(self.num_present >= 4)) and not is_wanted:
            raise DatasetError(
                f"the target column {target!r} is neither numbers nor classes: "
                f"{self.num_misfits} of {self.num_present} cells are no numbers ({wrong})",
                fix="correct these cells; or set kind=regression, and they are missing; or kind=classification",
            )
        for note in format_notes({target: self.column}):
            reinterpreted(source, note)
        targets = [self.values.get(cell, math.nan) if cell is not None else math.nan for cell in cells]
        if self.num_misfits:
            left_out(source, f"{self.num_misfits} cells that are no numbers ({wrong}) in the target {target}")
        if missing := sum(map(math.isnan, targets)) - self.num_misfits:
            left_out(source, f"{missing} of {len(cells)} rows have no target")
        return targets

"""What is predicted of items: the columns of the target, as classes, numbers or labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mt_core.contract import AnyTask, Classification
from mt_core.data.in_memory import MOST_CLASSES, in_memory
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import left_out, number_column
from mt_fusion.items.table import Row

Kind = Literal["classification", "regression", "multilabel"]


@dataclass(frozen=True)
class Targets:
    """The targets of items.

    Attributes:
        labels: Of each item the name of its class, or the number or numbers that the task takes; None: not known.
        classes: Their names; () where it is another task.
        task: None for classes.
    """

    labels: Sequence[Any]
    classes: tuple[str, ...] = ()
    task: AnyTask | None = None


def targets_of(rows: Sequence[Row], columns: Sequence[str], kind: Kind | None, source: str) -> Targets:
    """The targets in some columns.

    Args:
        kind: None: several columns are labels where they hold 0 and 1 alone, else numbers; one column is numbers where
            it holds fractions or more than 20 different whole numbers, else classes.
        source: The table, for messages.

    Raises:
        DatasetError: nothing in a column.
        OptionError: values that the kind does not take.
    """
    if len(set(columns)) < len(columns):
        raise OptionError(f"{source}: the target {', '.join(columns)} names a column twice", fix="name each once")
    several = len(columns) > 1
    by_column = [
        _finite(_values([row.get(column) for row in rows], column, kind, source, several), column, source)
        for column in columns
    ]
    if len(columns) == 1:
        (values,) = by_column
        if kind is None and _are_quantities(values):
            kind = "regression"
        given: list[Any] = values
    else:
        given = [list(row) for row in zip(*by_column, strict=True)]
    missing = sum(value is None for value in given)
    if missing:
        left_out(source, f"{missing:,} of {len(given):,} items have no target")
    try:
        made = in_memory(range(len(given)), given, task=kind)
    except OptionError as error:
        raise type(error)(f"{source}: the target {', '.join(columns)}: {error.problem}", error.fix) from None
    found = made.targets()
    if isinstance(made.task, Classification):
        classes = made.task.classes
        return Targets([None if at is None else classes[at] for at in found], classes)
    names = {"labels": tuple(columns)} if made.task.kind == "multilabel" else {"names": tuple(columns)}
    return Targets(found, task=made.task.model_copy(update=names))


def _values(cells: list[Any], column: str, kind: Kind | None, source: str, several: bool) -> list[Any]:
    """Numbers where all cells are numbers, else the cells; None where there is none."""
    present = [cell for cell in cells if cell is not None]
    if not present:
        raise DatasetError(f"{source}: the target {column!r} is empty", fix="name another by --target")
    if not all(isinstance(cell, str) for cell in present) or kind == "classification":
        return cells
    numbers = number_column(present)
    if numbers.misfits:
        if kind is not None or several:
            some = ", ".join(map(repr, list(numbers.misfits)[:3]))
            raise OptionError(
                f"{source}: the target {column!r} holds text: {some}", fix="leave the kind out, and name one column"
            )
        return cells
    return [None if cell is None else numbers.written.parse(cell) for cell in cells]


def _finite(values: list[Any], column: str, source: str) -> list[Any]:
    """None for an infinite number, or one that is none: no head learns it. Users are warned."""
    finite = [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]
    if changed := sum(value is not None and kept is None for value, kept in zip(values, finite, strict=True)):
        left_out(source, f"{changed:,} infinite numbers in the target {column}")
    return finite


def _are_quantities(values: Sequence[Any]) -> bool:
    present = {value for value in values if value is not None}
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return False
    return len(present) > MOST_CLASSES or any(not float(value).is_integer() for value in present)

"""The cells of a text table: numbers, times as they are written, and classes.  T rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import ClockCells, Delimited, number_column, reinterpreted
from mt_plugin_imu.columns import Columns, tells_recordings_apart
from mt_plugin_imu.label_cells import LabelCells

_FIRST_CODE = 1e9
"""Cells that tell recordings apart are counted from here, beyond the numbers that such a column may hold."""


@dataclass(frozen=True)
class Rows:
    """All rows of a table, of the columns that matter.

    Attributes:
        name: Of the file.
        names: Of the table's columns; () without.
        separator: Between the table's columns.
        axes: (T, C) the axes.
        labels: (T,) codes of the classes, or None; `classes` knows them.
        lines: (T,) the line of each row, from 1.
    """

    name: str
    names: Sequence[str]
    separator: str
    axes: NDArray[np.float64]
    labels: NDArray[np.float64] | None
    classes: LabelCells
    lines: NDArray[np.int64]
    _clocks: dict[int, ClockCells]
    _numbers: dict[int, NDArray[np.float64]]

    @classmethod
    def read(cls, table: Delimited, chosen: Columns, name: str, label_at: int | None) -> Rows:
        """Read all rows.

        Args:
            label_at: The place of the column of classes.

        Raises:
            InputError: text where numbers should be, with the line; rows of several sensors or persons by turns.
        """
        parts = chosen.together.places if chosen.together else ()
        clocks = list(dict.fromkeys([*parts, *([] if chosen.clock is None else [chosen.clock]), *chosen.other_clocks]))
        taken = list(dict.fromkeys([*chosen.axes, *clocks]))
        labelled = [] if label_at is None else [label_at]
        apart = [
            place
            for place, column in enumerate(table.names)
            if chosen.are_guessed and place not in [*taken, *labelled] and tells_recordings_apart(column)
        ]
        cells = {place: ClockCells() for place in clocks}
        classes = LabelCells()
        codes: dict[str, float] = {}

        def code(cell: str) -> float:
            return codes.setdefault(cell.strip(), _FIRST_CODE + len(codes))

        parsers: dict[int, Callable[[str], float]] = {
            **cells,
            **dict.fromkeys(apart, code),
            **dict.fromkeys(labelled, classes),
        }
        values, lines = table.numbers([*taken, *apart, *labelled], parsers)
        for place, codes_T in zip(apart, values[:, len(taken) : len(taken) + len(apart)].T, strict=True):
            _check_one_recording(np.nan_to_num(codes_T, nan=-1.0), table.names[place], name)
        return cls(
            name,
            table.names,
            table.separator,
            values[:, : len(chosen.axes)],
            values[:, -1] if labelled else None,
            classes,
            lines,
            cells,
            {place: values[:, taken.index(place)] for place in clocks},
        )

    def where(self, row: int) -> str:
        return f"line {self.lines[row]}"

    def is_text(self, place: int) -> bool:
        """Whether a column of times holds cells that are no plain numbers."""
        return bool(self._clocks[place].texts)

    def numbers(self, place: int) -> NDArray[np.float64]:
        """(T,) the numbers of a column of times."""
        return self._numbers[place]

    def texts(self, place: int) -> list[str]:
        """The cells of a column of times; [] where all are numbers, which `numbers` then has.

        Raises:
            InputError: a cell is empty, or texts stand among numbers; both with the line.
        """
        found, numbers = self._clocks[place].texts, self._numbers[place]
        is_text = numbers == ClockCells.TEXT
        called = f"column {self.names[place]!r}" if self.names else f"column {place + 1}"
        if found and np.isnan(numbers).any():
            row = int(np.isnan(numbers).argmax())
            raise InputError(
                f"{self.name}, {self.where(row)}: {called} has no value", fix="fill it, or leave the row out"
            )
        column = number_column(found, decimal=None if self.separator == "," else ",")
        if found and not column.misfits:
            numbers[is_text] = [column.written.parse(cell) for cell in found]
            return []
        if found and not is_text.all():
            raise InputError(
                f"{self.name}, {self.where(int(is_text.argmax()))}: {found[0].strip()[:40]!r} in {called} is no number",
                fix="correct the line, or name the columns to take",
            )
        return found


def _check_one_recording(codes_T: NDArray[np.float64], column: str, name: str) -> None:
    """Tell where rows of several persons or sessions follow each other, and refuse rows of several that alternate.

    Raises:
        InputError: they alternate.
    """
    num_changes, num_values = int((np.diff(codes_T) != 0).sum()), len(np.unique(codes_T))
    if num_changes > 2 * num_values:
        raise InputError(
            f"{name}: the column {column!r} says that its rows are of several sensors, devices or persons by turns",
            fix="give each a file, or columns, of its own; or name the axes in the option columns",
        )
    if num_values > 1:
        reinterpreted(name, f"rows of {num_values} values of the column {column} taken for one recording")

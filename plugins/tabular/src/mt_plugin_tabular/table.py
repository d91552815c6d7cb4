"""A table in memory, by columns: a fraction of what its rows would take."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

import numpy as np

from mt_core.errors import InputError
from mt_plugin_tabular.cells import Cell, Row


class Table(Sequence[Row]):
    """Rows of the same columns. Each cell is kept as an index into its column's distinct values.

    Args:
        rows: In any number; all with the columns of the first.

    Raises:
        InputError: a row with other columns; what the iteration over `rows` raises.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        places: dict[str, dict[Cell, int]] = {}
        codes: dict[str, array[int]] = {}
        self.num_rows = 0
        self._row_type: type[Row] = dict
        for row in rows:
            if not places:
                self._row_type = type(row)
                places, codes = {name: {} for name in row}, {name: array("i") for name in row}
            if row.keys() != places.keys():
                differing = ", ".join(map(repr, sorted(row.keys() ^ places.keys())))
                raise InputError(
                    f"row {self.num_rows + 1} differs from the first in its columns: {differing}",
                    fix="give every row and every file the same columns",
                )
            for name, value in row.items():
                known = places[name]
                codes[name].append(known.setdefault(value, len(known)))
            self.num_rows += 1
        self._values = {name: list(known) for name, known in places.items()}
        self._codes: dict[str, np.ndarray[Any, Any]] = {
            name: np.frombuffer(column, dtype=np.int32).copy() for name, column in codes.items()
        }

    @property
    def names(self) -> list[str]:
        return list(self._values)

    def __len__(self) -> int:
        return self.num_rows

    def __getitem__(self, index: int) -> Row:  # type: ignore[override]  # no slices
        index = range(self.num_rows)[index]  # an IndexError beyond the last ends a plain `for` over the rows
        return self._row_type((name, values[self._codes[name][index]]) for name, values in self._values.items())

    @property
    def decimal(self) -> str | None:
        """What stands before fractions, as the file suggests; None where nothing does."""
        return getattr(self._row_type, "decimal", None)

    def distinct(self, name: str) -> list[Cell]:
        """The different values of a column, in the order in which they appear."""
        return self._values[name]

    def column(self, name: str) -> list[Cell]:
        values = self._values[name]
        return [values[code] for code in self._codes[name]]

    def without(self, column: str) -> Table:
        """The table without one of its columns; nothing is copied."""
        other = copy(self)
        other._values = {name: values for name, values in self._values.items() if name != column}
        return other

"""One pass over the rows that columns are learned from, in bounded memory."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from mt_core.sdk import is_number
from mt_plugin_tabular.cells import Row, category_name

KEPT_ROWS = 50_000
"""Rows that statistics are taken from; of more, an even sample."""

_MOST_TEXTS = 10_000  # different texts remembered of a column; more are free text


class TableSummary:
    """`KEPT_ROWS` of the rows, each row with the same chance (reservoir sampling, Vitter 1985, algorithm R; the same at
    each call), and of every row the cells that are no plain numbers.

    Attributes:
        kept: The rows.
        num_rows: Of all.
        decimal: What stands before fractions, as the file suggests; None where nothing does.
        texts: By column, its different cells that are no plain numbers, at most 10,000, and how often each occurs.

    Args:
        missing: Texts and numbers that mean that there is no value.
    """

    def __init__(self, rows: Iterable[Row], missing: Sequence[str] = ()) -> None:
        self.kept: list[Row] = []
        self.num_rows = 0
        self.decimal: str | None = None
        self.texts: dict[str, dict[str, int]] = {}
        marks = frozenset(map(category_name, missing))
        draw = random.Random(0)
        for row in rows:
            if marks:
                row = without_marks(row, marks)
            suggested = getattr(row, "decimal", None)
            self.decimal = suggested if suggested == self.decimal or not self.num_rows else None
            self.num_rows += 1
            self._note(row)
            if len(self.kept) < KEPT_ROWS:
                self.kept.append(row)
            elif (place := draw.randrange(self.num_rows)) < KEPT_ROWS:
                self.kept[place] = row

    def _note(self, row: Row) -> None:
        for name, value in row.items():
            texts = self.texts.setdefault(name, {})
            if isinstance(value, str) and not is_number(value) and (value in texts or len(texts) < _MOST_TEXTS):
                texts[value] = texts.get(value, 0) + 1

    @property
    def names(self) -> list[str]:
        return list(self.texts)

    def present(self, name: str) -> list[str | float]:
        """The cells of a column that are not missing, of the rows kept, and a text of each kind of the others."""
        cells = [value for row in self.kept if (value := row.get(name)) is not None]
        if self.num_rows > len(self.kept):
            cells += sorted(self.texts[name].keys() - {cell for cell in cells if isinstance(cell, str)})
        return cells


def without_marks(row: Row, marks: frozenset[str]) -> Row:
    """A row with None for the cells that mean that there is no value, by `category_name`."""
    found = {
        name: None if value is not None and category_name(value) in marks else value for name, value in row.items()
    }
    return type(row)(found)

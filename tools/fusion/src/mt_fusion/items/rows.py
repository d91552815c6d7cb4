"""The items of tables, made from their rows when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from mt_fusion.items.cells import item_of
from mt_fusion.items.inputs import Inputs
from mt_fusion.items.item import Item
from mt_fusion.items.table import Row, Table


class Items(Sequence[Item]):
    """The items of one table or of several, one after another.

    Args:
        tables: Each with the columns of the inputs.
        inputs: Of every item.

    Attributes:
        inputs: As given.
        rows: Of all tables.
    """

    def __init__(self, tables: Sequence[Table], inputs: Inputs) -> None:
        self.inputs = inputs
        self.rows: list[Row] = [row for table in tables for row in table.rows]
        self._places = [place for table in tables for place in table.places]
        self._folders = [table.path.parent for table in tables for _ in table.rows]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return item_of(self.rows[index], self.inputs, self._folders[index], self._places[index])

    def __iter__(self) -> Iterator[Item]:
        return (self[at] for at in range(len(self)))

"""One item: its inputs that are there, by name."""

from __future__ import annotations

from typing import Any


class Several(list[Any]):
    """What one input of an item has several of: its photos, its recordings."""


class Item(dict[str, Any]):
    """The sources of an item by input; one that is missing is not there.

    Attributes:
        filename: Where the item stands, which is how messages call it: "items.csv, line 7".
    """

    filename: str

    def __init__(self, *given: Any, filename: str = "") -> None:
        super().__init__(*given)
        self.filename = filename

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (type(self), dict(self), self.filename)


class ReadItem(Item):
    """The samples of an item by input, each as its modality's tokenizer reads it; always `Several`, mostly one."""


def _made(kind: type[Item], values: dict[str, Any], filename: str) -> Item:
    return kind(values, filename=filename)

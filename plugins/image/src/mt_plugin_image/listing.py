"""What a layout found: pictures and the names of their classes, not yet numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Listing:
    """The samples of the splits asked for.

    Attributes:
        samples: Paths, or arrays.
        labels: One a sample, None where it is not known.
        classes: All that occur in any split, in order.
        layout: How the layout is called, a key of `ImageDataset.layouts`.
    """

    samples: Sequence[Any]
    labels: Sequence[str | None]
    classes: tuple[str, ...]
    layout: str


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Different names, sorted: as numbers where all are whole numbers, so that 10 comes after 9."""
    different = set(names)
    if all(name.isascii() and name.isdigit() for name in different):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))

"""What a layout finds: the samples of one split, not yet read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from mt_core.errors import DatasetError, MissingSplitError

Item = TypeVar("Item")


class Hdf5Row(NamedTuple):
    """One cloud among those of an HDF5 file."""

    path: Path
    row: int


@dataclass(frozen=True)
class Listing:
    """Samples and the name of each one's class; `classes` are those of the whole dataset, whatever the split."""

    samples: tuple[Path | Hdf5Row, ...]
    labels: tuple[str, ...]
    classes: tuple[str, ...]


def of_split(by_split: Mapping[str, Sequence[Item]], split: str, root: Path) -> list[Item]:
    """The items of a split, or of all.

    Raises:
        MissingSplitError: the dataset has no such split.
    """
    if split == "all":
        return [item for items in by_split.values() for item in items]
    if not by_split.get(split):
        there = ", ".join(name for name, items in by_split.items() if items)
        raise MissingSplitError(
            f"{root} has no split {split!r}; it has {there}", fix="ask for one of these, or for 'all'"
        )
    return list(by_split[split])


def listing(items: Iterable[tuple[Path | Hdf5Row, str]], classes: Iterable[str], root: Path) -> Listing:
    """A listing of (sample, class) pairs."""
    pairs = list(items)
    if not pairs:
        raise DatasetError(f"{root} lists no samples", fix="check that the download is complete")
    return Listing(tuple(sample for sample, _ in pairs), tuple(label for _, label in pairs), tuple(classes))

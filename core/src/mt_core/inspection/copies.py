"""Samples of the same content: within a part, in two parts, and with two labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mt_core.data.sample_hash import UNKNOWN

Hashes = NDArray[np.uint64]
How = Literal["the same bytes", "the same once read", "the same once prepared"]


@dataclass(frozen=True)
class Copies:
    """Samples of the same content.

    Attributes:
        members: Their numbers, over all parts, in order.
        parts: The parts that they lie in, as numbers.
        is_conflict: Whether they have more than one target.
        how: In what they are the same.
    """

    members: tuple[int, ...]
    parts: tuple[int, ...]
    is_conflict: bool
    how: How

    @property
    def is_leak(self) -> bool:
        """Whether they lie in several parts."""
        return len(self.parts) > 1


@dataclass(frozen=True)
class SampleHashes:
    """Hashes of all samples that were read, a row each; `UNKNOWN` where one is not known.

    Attributes:
        part: The number of the part of each.
        source, sample, prepared: See `Content`.
        target: Of its target.
    """

    part: NDArray[np.int64]
    source: Hashes
    sample: Hashes
    prepared: Hashes
    target: Hashes


def find_copies(hashes: SampleHashes) -> list[Copies]:
    """The samples that are the same once they are read, in the order of the first of them."""

    def how(members: NDArray[np.int64]) -> How:
        return "the same bytes" if _are_all_one(hashes.source[members]) else "the same once read"

    return list(_copies(hashes, hashes.sample, how))


def find_alike(hashes: SampleHashes) -> list[Copies]:
    """Samples that differ, and that the encoder gets the same of: cut off, made smaller, rounded."""
    found = _copies(hashes, hashes.prepared, lambda members: "the same once prepared")
    return [each for each in found if not _are_all_one(hashes.sample[list(each.members)])]


def _copies(hashes: SampleHashes, by: Hashes, how: Callable[[NDArray[np.int64]], How]) -> Iterator[Copies]:
    groups = sorted(_groups(by), key=lambda members: int(members[0]))
    for members in groups:
        targets = hashes.target[members]
        is_conflict = len(np.unique(targets[targets != UNKNOWN])) > 1
        parts = tuple(np.unique(hashes.part[members]).tolist())
        yield Copies(tuple(members.tolist()), parts, is_conflict, how(members))


def _groups(by: Hashes) -> Sequence[NDArray[np.int64]]:
    """The numbers of equal values, of each value that occurs twice, in order."""
    order = np.argsort(by, kind="stable")
    ordered = by[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(by) else np.empty(0, np.int64)
    sizes = np.diff([*starts, len(by)])
    repeated = np.flatnonzero((sizes > 1) & (ordered[starts] != UNKNOWN))
    return [order[starts[each] : starts[each] + sizes[each]] for each in repeated]


def _are_all_one(values: Hashes) -> bool:
    return bool((values == values[0]).all()) and values[0] != UNKNOWN

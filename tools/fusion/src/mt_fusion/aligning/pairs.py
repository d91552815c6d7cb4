"""Rows whose samples belong together: which sample each row has of each input, and which rows are held out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from mt_core.errors import DatasetError
from mt_fusion.aligning.content import content_key

FEWEST = 8
_FEWEST_GROUPS = 20
MISSING = -1


def _no_rows() -> Tensor:
    return torch.empty(0, dtype=torch.int64)


def different(indices: Tensor) -> Tensor:
    """Each once, in their order, without `MISSING`."""
    found: Tensor = indices[indices != MISSING].unique()  # type: ignore[no-untyped-call]
    return found


@dataclass(frozen=True)
class Pairs:
    """Rows by the different samples of each input.

    Attributes:
        names: The inputs.
        sources: Of each input its different samples; two of the same content are one.
        content_RI: (rows, inputs) int64, the index of each row's sample; `MISSING` where it has none.
        places: Where each row stands, for messages.
        groups: Rows of the same one are held out together; None where none is named.
        train, val: Rows that are learned from, and that are held out.
        notes: What a user should know of it, a line each.
    """

    names: tuple[str, ...]
    sources: tuple[Sequence[Any], ...]
    content_RI: Tensor
    places: Sequence[str]
    groups: Sequence[str] | None = None
    train: Tensor = field(default_factory=_no_rows)
    val: Tensor = field(default_factory=_no_rows)
    notes: tuple[str, ...] = ()

    def linked(self, rows: Tensor, first: int, second: int) -> tuple[Tensor, Tensor, Tensor]:
        """The different samples of two inputs in some rows that have both, and which of them share a row.

        Returns:
            (A,) and (B,) indices of samples, and (A, B) bool.
        """
        both = self.content_RI[rows][:, [first, second]]
        both = both[(both != MISSING).all(1)]
        first_A, second_B = different(both[:, 0]), different(both[:, 1])
        linked_AB = torch.zeros(len(first_A), len(second_B), dtype=torch.bool)
        linked_AB[
            torch.searchsorted(first_A, both[:, 0].contiguous()), torch.searchsorted(second_B, both[:, 1].contiguous())
        ] = True
        return first_A, second_B, linked_AB

    def without(self, lost: Mapping[int, Tensor]) -> Pairs:
        """Without samples that cannot be read, by input; rows that are left with one input alone belong to no part."""
        content_RI = self.content_RI.clone()
        for at, indices in lost.items():
            content_RI[torch.isin(content_RI[:, at], indices), at] = MISSING
        usable_R = (content_RI != MISSING).sum(1) >= 2
        return replace(
            self, content_RI=content_RI, train=self.train[usable_R[self.train]], val=self.val[usable_R[self.val]]
        )


def pairs_of(
    names: Sequence[str], rows: Sequence[Mapping[str, Any]], places: Sequence[str], groups: Any = None
) -> Pairs:
    """Rows of sources by input, each a source or a list of several, which become a row each.

    Raises:
        DatasetError: too few rows have two inputs.
    """
    keys: list[dict[str, int]] = [{} for _ in names]
    sources: list[list[Any]] = [[] for _ in names]
    content: list[list[int]] = []
    place_of, group_of = [], []
    for number, row in enumerate(rows):
        each = [_parts(row.get(name)) for name in names]
        if sum(map(bool, each)) < 2:
            continue
        for combined in product(*(parts or [None] for parts in each)):
            content.append([_index(part, keys[at], sources[at]) for at, part in enumerate(combined)])
            place_of.append(places[number])
            group_of.append(str(groups[number]) if groups is not None else "")
    if len(content) < FEWEST:
        raise DatasetError(
            f"{len(content)} rows have two of the inputs {', '.join(names)}, too few to learn what belongs together",
            fix=f"give at least {FEWEST}; some hundreds are better",
        )
    alone = len(rows) - len(dict.fromkeys(place_of))
    notes = (f"left out: {alone:,} rows with fewer than two inputs",) if alone else ()
    return Pairs(
        tuple(names),
        tuple(sources),
        torch.tensor(content),
        place_of,
        group_of if groups is not None else None,
        notes=notes,
    )


def _parts(source: Any) -> list[Any]:
    return [] if source is None else list(source) if isinstance(source, list) else [source]


def _index(source: Any, keys: dict[str, int], sources: list[Any]) -> int:
    if source is None:
        return MISSING
    key = content_key(source)
    if key not in keys:
        keys[key] = len(sources)
        sources.append(source)
    return keys[key]


def with_parts(pairs: Pairs, given: Sequence[str | None], share: float, most: int, seed: int) -> Pairs:
    """With rows to learn from and rows held out.

    Args:
        given: Each row's part where the data says it: "train", "val", or another, which is left alone; None: drawn.
        share: Of the rows that are held out where the data has none for it.
        most: Rows held out; of more so many are drawn.
    """
    notes = list(pairs.notes)
    if "val" in given:
        train = torch.tensor([at for at, part in enumerate(given) if part == "train"])
        val = torch.tensor([at for at, part in enumerate(given) if part == "val"])
        others = len(given) - len(train) - len(val)
        notes.append(
            "held out: the part of the data that is for it" + (f"; {others:,} test rows untouched" if others else "")
        )
    else:
        usable = [at for at, part in enumerate(given) if part != "test"]
        group_of, note = _groups(pairs, usable)
        notes.append(note)
        train, val = _drawn(usable, group_of, share, seed)
    if len(val) > most:
        val = val[sorted(random.Random(seed).sample(range(len(val)), most))]
    if not len(train) or len(val) < 2:
        raise DatasetError(
            f"{len(train)} rows to learn from and {len(val)} held out, too few",
            fix="give more rows, other --groups, or rows to hold out by --val",
        )
    return replace(pairs, train=train, val=val, notes=tuple(notes))


def _groups(pairs: Pairs, rows: Sequence[int]) -> tuple[dict[int, int], str]:
    """What must stay on one side: rows of a named group, else rows that share a sample of an input. An input whose few
    samples come again and again (names of classes) ties nothing together."""
    if pairs.groups is not None:
        numbers = {name: number for number, name in enumerate(dict.fromkeys(pairs.groups))}
        return {row: numbers[pairs.groups[row]] for row in rows}, f"held out: whole groups, of {len(numbers):,}"
    group_of = {row: row for row in rows}
    apart, repeated = [], []
    for at in sorted(range(len(pairs.names)), key=lambda at: -len(pairs.sources[at])):
        joined = _joined(group_of, pairs.content_RI[:, at].tolist())
        sizes = Counter(joined.values())
        if len(sizes) >= _FEWEST_GROUPS and max(sizes.values()) <= max(2, 0.1 * len(rows)):
            group_of = joined
            apart.append(pairs.names[at])
        else:
            repeated.append(f"{pairs.names[at]} ({len(pairs.sources[at]):,} different ones)")
    note = f"held out: rows whose {' and '.join(apart) or 'row'} training does not have"
    return group_of, note + (f"; both parts have the same {', '.join(repeated)}" if repeated else "")


def _joined(group_of: Mapping[int, int], content: Sequence[int]) -> dict[int, int]:
    """The groups, joined where rows of two share a sample."""
    parent = {group: group for group in group_of.values()}

    def top(group: int) -> int:
        while parent[group] != group:
            parent[group] = group = parent[parent[group]]
        return group

    first: dict[int, int] = {}
    for row, group in group_of.items():
        if content[row] == MISSING:
            continue
        if content[row] in first:
            parent[top(group)] = top(first[content[row]])
        else:
            first[content[row]] = group
    return {row: top(group) for row, group in group_of.items()}


def _drawn(rows: Sequence[int], group_of: Mapping[int, int], share: float, seed: int) -> tuple[Tensor, Tensor]:
    order = sorted(set(group_of.values()))
    random.Random(seed).shuffle(order)
    sizes = Counter(group_of.values())
    held: set[int] = set()
    count = 0
    for group in order:
        if count >= share * len(rows):
            break
        held.add(group)
        count += sizes[group]
    return (
        torch.tensor([row for row in rows if group_of[row] not in held], dtype=torch.int64),
        torch.tensor([row for row in rows if group_of[row] in held], dtype=torch.int64),
    )

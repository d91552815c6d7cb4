"""The rows of a table or folder, as pairs with their parts, and an anchor's vectors among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mt_core.errors import DatasetError, InputError, OptionError, did_you_mean
from mt_core.io.paths import check_exists
from mt_core.sdk import left_out
from mt_fusion.aligning.anchor import NAME, Anchor, joined, read_anchor
from mt_fusion.aligning.pairs import MISSING, Pairs, pairs_of, with_parts
from mt_fusion.aligning.recipe import AlignRecipe
from mt_fusion.items.finding import check_inputs
from mt_fusion.items.inputs import Input, parse_inputs
from mt_fusion.items.opening import open_items
from mt_fusion.items.rows import Items


@dataclass(frozen=True)
class AlignData:
    """What is aligned.

    Attributes:
        inputs: By name; the anchor is not among them.
        pairs: Of the inputs, and last of the anchor where there is one.
        anchor: Vectors of a space that exists.
        source: Whence, for people.
    """

    inputs: Mapping[str, Input]
    pairs: Pairs
    anchor: Anchor | None
    source: str


def open_pairs(
    root: Path,
    inputs: Any,
    recipe: AlignRecipe,
    *,
    val: Path | None,
    groups: str | None,
    anchor: Path | None,
    key: str | None,
) -> AlignData:
    """Rows with the samples of each input.

    Args:
        inputs: As for `parse_inputs`.
        val: Another table or folder, whose rows are held out.
        groups: The column whose groups are held out together.
        anchor: A file of vectors; see `joined` for `key`.

    Raises:
        DatasetError: no known layout, or too few rows with two inputs.
        OptionError: a column that there is not, or too few inputs.
    """
    check_exists(root)
    named = parse_inputs(inputs)
    existing = read_anchor(anchor) if anchor is not None else None
    if len(named) + (existing is not None) < 2:
        raise OptionError(
            f"{len(named)} input is named, and one space is of two at least",
            fix="name another one, as in --inputs photo=image,caption=text, or vectors by --anchor v.parquet",
        )
    if NAME in named and existing is not None:
        raise OptionError(f"an input is called {NAME!r}, and there is an anchor", fix=f"call it otherwise: x:{NAME}=…")
    tables = [(part, table) for part, table in open_items(root)[1].items()]
    if val is not None:
        check_exists(val)
        tables = [("train", table) for part, table in tables if part != "test"]
        tables += [("val", table) for _, table in open_items(val)[1].items()]
    named = check_inputs(named, tables[0][1])
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    parts: list[str] = []
    group_of: list[str] = []
    for part, table in tables:
        if groups is not None and groups not in table.names:
            raise OptionError(
                f"{table.path} has no column {groups!r}{did_you_mean(groups, table.names)}",
                fix=f"its columns are {', '.join(table.names)}",
            )
        numbers = joined(existing, table.rows, key, table.path.parent) if existing is not None else None
        for at, item in enumerate(_items(Items([table], named))):
            if item is None:
                continue
            number = numbers[at] if numbers is not None else None
            rows.append({**item, **({NAME: _Number(number)} if number is not None else {})})
            places.append(table.places[at])
            parts.append(part)
            group_of.append(str(table.rows[at][groups]) if groups is not None else "")
    names = [*named, *([NAME] if existing is not None else [])]
    pairs = pairs_of(names, rows, places, group_of if groups is not None else None)
    part_of = dict(zip(places, parts, strict=True))
    given = [part_of[place] or None for place in pairs.places]
    pairs = with_parts(pairs, given, recipe.val_share, recipe.max_val, recipe.seed)
    _check_each(pairs)
    return AlignData(named, pairs, existing, str(root))


class _Number(int):
    """The row of an anchor's vector."""


def _items(items: Items) -> Any:
    """Each item; None of a row that lacks what it needs, which is reported."""
    for at in range(len(items)):
        try:
            yield items[at]
        except InputError as error:
            left_out(error.source or error.problem.partition(":")[0], error.problem)
            yield None


def _check_each(pairs: Pairs) -> None:
    for at, name in enumerate(pairs.names):
        for part, rows in (("learn from", pairs.train), ("hold out", pairs.val)):
            if not bool((pairs.content_RI[rows, at] != MISSING).any()):
                raise DatasetError(
                    f"no row to {part} has the input {name!r} together with another one", fix="leave the input out"
                )


def anchor_vectors(data: AlignData) -> Any:
    """(U, E) the vectors of the anchor's samples among the pairs."""
    assert data.anchor is not None
    return data.anchor.vectors_NE[torch.tensor([int(number) for number in data.pairs.sources[-1]], dtype=torch.int64)]


def summary(data: AlignData) -> list[str]:
    """What a user should know of the data, a line each."""
    pairs = data.pairs
    different = ", ".join(f"{name} {len(each):,}" for name, each in zip(pairs.names, pairs.sources, strict=True))
    lines = [
        f"{len(pairs.train):,} rows to learn from and {len(pairs.val):,} held out; different samples: {different}",
        *pairs.notes,
    ]
    if data.anchor is not None:
        lines.append(f"bound to the vectors of {data.anchor.path} (space {data.anchor.space}), which stay as they are")
    return lines


def without_unread(pairs: Pairs, lost: Mapping[int, Sequence[int]]) -> Pairs:
    """Without samples that could not be read.

    Raises:
        DatasetError: too few rows are left.
    """
    pairs = pairs.without({at: torch.tensor(list(indices)) for at, indices in lost.items() if indices})
    if len(pairs.train) < 2 or len(pairs.val) < 2:
        raise DatasetError("too few rows are left after those that cannot be read", fix="check the files")
    return pairs

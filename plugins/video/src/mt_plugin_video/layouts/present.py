"""Lists that name more than was downloaded, as happens to large sets of videos."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, select_splits


@dataclass(frozen=True)
class Entry:
    """A line of a list: where the video lies, and its class, None where the list does not say."""

    path: str
    label: str | None


def listing_of_present(
    entries: Mapping[str, Sequence[Entry]], split: str, root: Path, layout: str, order: Sequence[str] = ()
) -> Listing:
    """The entries of a split whose files are there; how many are not is told beside every
    result.

    Args:
        entries: By split, "" for a list without one.
        layout: How the layout is called.
        order: All classes in their order; those without a file are left out. By default those of the entries, sorted.

    Raises:
        DatasetError: not one file of any split is there.
        MissingSplitError: no such split.
    """
    splits = select_splits(split, [name for name in entries if name], root) or list(entries)
    present = {name: [entry for entry in some if os.path.exists(entry.path)] for name, some in entries.items()}
    asked = sum(len(entries[name]) for name in splits)
    chosen = [entry for name in splits for entry in present[name]]
    if not chosen:
        example = next((entry.path for name in splits for entry in entries[name]), "")
        raise DatasetError(
            f"{root} ({layout}) lists {asked} videos, and none of them is there: {example or 'the list is empty'}",
            fix="put the videos where the list says, or give the folder that holds both",
        )
    note = f"{asked - len(chosen):,} of {asked:,} listed videos absent" if len(chosen) < asked else ""
    occurring = {entry.label for some in present.values() for entry in some if entry.label is not None}
    classes = tuple(name for name in (order or sorted(occurring)) if name in occurring)
    return Listing([entry.path for entry in chosen], [entry.label for entry in chosen], classes, layout, note=note)

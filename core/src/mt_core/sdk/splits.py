"""What people call the splits of a data set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from mt_core.contract import SPLITS
from mt_core.errors import MissingSplitError, OptionError, did_you_mean

_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}

_SPLIT_OF = {name: split for split, names in _NAMES.items() for name in names}


def split_from_name(name: str) -> str | None:
    """The split that a folder, a file or a cell names, in any case; None where it names none."""
    return _SPLIT_OF.get(name.strip().lower())


def check_split(split: str) -> None:
    """Refuse what is no name of a split.

    Raises:
        OptionError: with the nearest name.
    """
    if split not in SPLITS:
        meant = split_from_name(split)
        hint = f"; did you mean {meant}?" if meant else did_you_mean(split, SPLITS)
        raise OptionError(f"there is no split called {split!r}{hint}", fix=f"use one of {', '.join(SPLITS)}")


def select_splits(split: str, available: Collection[str], root: Path) -> Sequence[str]:
    """The splits to read: the one asked for, or all there are.

    Args:
        available: The splits that were found; none where the layout has no splits of its own, and then "train" and
            "all" are everything, for which [] is returned.

    Raises:
        OptionError: no name of a split.
        MissingSplitError: not among those available.
    """
    check_split(split)
    if split == "all":
        return [name for name in SPLITS if name in available]
    if split in available:
        return [split]
    if available:
        raise MissingSplitError(
            f"{root} has no {split!r} split; it has {', '.join(name for name in SPLITS if name in available)}",
            fix=f"add one called {' or '.join(_NAMES[split])}, or ask for another split",
        )
    if split != "train":
        raise MissingSplitError(
            f"{root} has no splits of its own, so there is no {split!r}",
            fix="ask for 'train' or 'all', which are everything, or sort it into train, val and test",
        )
    return []

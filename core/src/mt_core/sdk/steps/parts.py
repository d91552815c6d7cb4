"""Which recordings, and which of their steps, are trained on and tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mt_core.sdk.splits import split_from_name


def parts_in_time(num_steps: int) -> dict[str, tuple[int, int]]:
    """Train, val and test of a single recording: the first 70 % of its steps, the next 10 %, and the last 20 %.

    Returns:
        By split where it begins and ends; none that is empty.
    """
    val, test = int(num_steps * 0.7), num_steps - int(num_steps * 0.2)
    ends = {"train": (0, val), "val": (val, test), "test": (test, num_steps)}
    return {split: (start, end) for split, (start, end) in ends.items() if start < end}


def files_by_split(folder: Path, files_in: Callable[[Path], Sequence[Path]]) -> list[tuple[str, Path]]:
    """The files of a folder, with "" for their split, and those in its folders train, val and test (or called alike).

    Args:
        files_in: Gives the files of one folder.
    """
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    in_splits = [(split, path) for each in folders if (split := split_from_name(each.name)) for path in files_in(each)]
    return [("", path) for path in files_in(folder)] + in_splits

"""A folder per class, with or without a folder per split. Files with other suffixes are passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mt_core.files.listing import Listing, in_order
from mt_core.files.splits import chosen_splits, split_called


def list_folders(root: Path, split: str, suffixes: Sequence[str]) -> Listing | None:
    """The files below each class's folder, in the order of their paths; None where no folder holds one.

    Known are `root/class/…`, and `root/split/class/…` with the splits called as `split_called` knows them.

    Args:
        suffixes: Lower-case endings of the files that count.

    Raises:
        MissingSplitError: there are folders for splits, and none for this one.
    """
    endings = tuple(suffixes)
    folders = _folders_in(root)
    split_folders = {name: folder for folder in folders if (name := split_called(folder.name))}
    classes_of = {name: _class_folders(folder, endings) for name, folder in split_folders.items()}
    classes_of = {name: classes for name, classes in classes_of.items() if classes}
    if not classes_of:
        classes_of = {"": _class_folders(root, endings)}
        if not classes_of[""]:
            return None
    splits = chosen_splits(split, [name for name in classes_of if name], root) or [""]
    samples: list[str] = []
    labels: list[str | None] = []
    for name in splits:
        for folder in classes_of[name]:
            files = list(files_below(folder, endings))
            samples += files
            labels += [folder.name] * len(files)
    classes = in_order(folder.name for folders in classes_of.values() for folder in folders)
    return Listing(samples, labels, classes, "folders" if splits == [""] else "split folders")


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _class_folders(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """The folders in it that hold such a file."""
    return [path for path in _folders_in(folder) if next(files_below(path, endings), None) is not None]


def files_below(folder: Path, suffixes: Sequence[str]) -> Iterator[str]:
    """All files below a folder with one of these lower-case endings, in the order of their paths."""
    endings = tuple(suffixes)
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(endings) and not name.startswith("."):  # macOS leaves ._name beside each file
                yield os.path.join(parent, name)

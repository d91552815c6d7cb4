"""A folder per class, with or without a folder per split. Files with other suffixes are passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mt_core.sdk.listing import Listing, sorted_names
from mt_core.sdk.splits import select_splits, split_from_name


def list_folders(root: Path, split: str, suffixes: Sequence[str]) -> Listing | None:
    """The files below each class's folder, in the order of their paths; None where no folder holds one, or for a file.

    Known are `root/class/…`, `root/split/class/…` and `root/class/split/…`; `split_from_name` has the names of splits.

    Args:
        suffixes: Lower-case endings of the files that count.

    Raises:
        MissingSplitError: there are folders for splits, and none for this one.
    """
    if not root.is_dir():
        return None
    endings = tuple(suffixes)
    folders = _folders_in(root)
    split_folders = {name: folder for folder in folders if (name := split_from_name(folder.name))}
    classes_of = {name: _class_folders(folder, endings) for name, folder in split_folders.items()}
    classes_of = {name: classes for name, classes in classes_of.items() if classes} or _splits_below(folders, endings)
    if not classes_of:
        classes_of = {"": _class_folders(root, endings)}
        if not classes_of[""]:
            return None
    splits = select_splits(split, [name for name in classes_of if name], root) or [""]
    samples: list[str] = []
    labels: list[str | None] = []
    for name in splits:
        for label, folder in classes_of[name]:
            files = list(files_below(folder, endings))
            samples += files
            labels += [label] * len(files)
    classes = sorted_names(label for labelled in classes_of.values() for label, _ in labelled)
    return Listing(samples, labels, classes, "folders" if splits == [""] else "split folders")


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _class_folders(folder: Path, endings: tuple[str, ...]) -> list[tuple[str, Path]]:
    """The folders in it that hold such a file, by the class that they are called after."""
    return [(path.name, path) for path in _folders_in(folder) if next(files_below(path, endings), None) is not None]


def _splits_below(folders: list[Path], endings: tuple[str, ...]) -> dict[str, list[tuple[str, Path]]]:
    """By split, where every class has its own folders of splits, as in ModelNet."""
    found: dict[str, list[tuple[str, Path]]] = {}
    for folder in folders:
        below = _class_folders(folder, endings)
        if not all(split_from_name(name) for name, _ in below):
            return {}
        for name, path in below:
            found.setdefault(str(split_from_name(name)), []).append((folder.name, path))
    return found


def files_below(folder: Path, suffixes: Sequence[str]) -> Iterator[str]:
    """All files below a folder with one of these lower-case endings, in the order of their paths."""
    endings = tuple(suffixes)
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(endings) and not name.startswith("."):  # macOS leaves ._name beside each file
                yield os.path.join(parent, name)

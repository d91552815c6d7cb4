"""A folder per class, with or without a folder per split around them. Files that are no pictures are passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mt_plugin_image.formats import SUFFIXES
from mt_plugin_image.listing import Listing, in_order
from mt_plugin_image.splits import chosen, split_called


def list_folders(root: Path, split: str) -> Listing | None:
    """The pictures below each class's folder, in the order of their paths; None where no folder holds a picture.

    Raises:
        MissingSplitError: there are folders for splits, and none for this one.
    """
    folders = _folders_in(root)
    split_folders = {name: folder for folder in folders if (name := split_called(folder.name))}
    classes_of = {name: _class_folders(folder) for name, folder in split_folders.items()}
    classes_of = {name: classes for name, classes in classes_of.items() if classes}
    if not classes_of:
        classes_of = {"": _class_folders(root)}
        if not classes_of[""]:
            return None
    splits = chosen(split, [name for name in classes_of if name], root) or [""]
    samples: list[str] = []
    labels: list[str | None] = []
    for name in splits:
        for folder in classes_of[name]:
            pictures = list(_pictures_below(folder))
            samples += pictures
            labels += [folder.name] * len(pictures)
    classes = in_order(folder.name for folders in classes_of.values() for folder in folders)
    return Listing(samples, labels, classes, "folders" if splits == [""] else "split folders")


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _class_folders(folder: Path) -> list[Path]:
    """The folders in it that hold a picture."""
    return [path for path in _folders_in(folder) if next(_pictures_below(path), None) is not None]


def _pictures_below(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):  # macOS leaves ._name beside each file
                yield os.path.join(parent, name)

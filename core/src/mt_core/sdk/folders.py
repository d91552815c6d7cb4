"""A folder per class, with or without a folder per split. Files with other suffixes are passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mt_core.io.data_files import is_no_data_folder
from mt_core.sdk.below import files_below
from mt_core.sdk.labels import labels_as_written, similar_labels
from mt_core.sdk.listing import Listing, sorted_names
from mt_core.sdk.notices import left_out, reinterpreted
from mt_core.sdk.paired_folders import (
    answers_beside,
    refuse_flat_splits,
    refuse_paired_folders,
    tell_masks_among_classes,
    without_masks,
)
from mt_core.sdk.splits import select_splits, split_from_name
from mt_core.sdk.unread_lists import tell_lists_beside

_ClassFolders = list[tuple[str, Path]]
"""Folders and the classes that they are of, at first as the folders are called."""


def list_folders(root: Path, split: str, suffixes: Sequence[str]) -> Listing | None:
    """The files below each class's folder, in the order of their paths; None where no folder holds one, or for a file.

    Known are `root/class/…`, `root/split/class/…` and `root/class/split/…`; `split_from_name` has the names of splits.

    Args:
        suffixes: Lower-case endings of the files that count.

    Warns:
        DataWarning: files that lie in no class's folder, folders without such files, files that are no data
            (`files_below`), folders below the classes', names that differ little, and classes of which the training
            part has nothing.

    Raises:
        DatasetError: folders of pictures and of their masks or boxes, which are no classes.
        MissingSplitError: there are folders for splits, and none for this one.
    """
    if not root.is_dir():
        return None
    endings = tuple(suffixes)
    refuse_paired_folders(root)
    folders = folders_in(root)
    split_folders = [(name, folder) for folder in folders if (name := split_from_name(folder.name))]
    classes_of: dict[str, _ClassFolders] = {}
    for name, folder in split_folders:
        refuse_paired_folders(folder)
        if found := _class_folders(folder, endings):
            classes_of.setdefault(name, []).extend(found)
    if classes_of:
        used = {str(folder) for name, folder in split_folders if name in classes_of}
        _tell_unused(root, [folder for folder in folders if str(folder) not in used], endings)
    else:
        classes_of = _splits_below(folders, endings)
    if not classes_of:
        found = _class_folders(root, endings)
        if not found:
            return None
        classes_of = {"": refuse_flat_splits(found, root)}
        tell_masks_among_classes([folder for _, folder in found], root)
    label_of = labels_as_written(name for found in classes_of.values() for name, _ in found)
    classes_of = {split: [(label_of[name], path) for name, path in found] for split, found in classes_of.items()}
    _tell_names(classes_of, root)
    tell_lists_beside(root, endings)
    splits = select_splits(split, [name for name in classes_of if name], root) or [""]
    samples: list[str] = []
    labels: list[str | None] = []
    for name in splits:
        for label, folder in classes_of[name]:
            files = _files_of_class(folder, endings)
            samples += files
            labels += [label] * len(files)
    classes = sorted_names(label for labelled in classes_of.values() for label, _ in labelled)
    layout = "folders" if splits == [""] else "split folders"
    return Listing(samples, labels, classes, layout, labels_from="the names of the folders")


def folders_in(folder: Path) -> list[Path]:
    """The folders in it that may hold data, sorted."""
    return sorted(path for path in folder.iterdir() if not is_no_data_folder(path.name) and path.is_dir())


def _class_folders(folder: Path, endings: tuple[str, ...]) -> _ClassFolders:
    """The folders in it that hold such a file, by the class that they are called after."""
    found: _ClassFolders = []
    empty: list[Path] = []
    folders = folders_in(folder)
    for path in folders:
        if _holds_all_again(path, folders, endings):
            left_out(str(path), "a folder that holds folders of the same names as those beside it")
        elif next(files_below(path, endings), None) is not None:
            found.append((path.name, path))
        else:
            empty.append(path)
    if found:
        _tell_unused(folder, empty, endings)
        _tell_nested(folder, found, endings)
    return found


def _holds_all_again(folder: Path, beside: Sequence[Path], endings: tuple[str, ...]) -> bool:
    """Whether a folder is a copy of all classes that was unpacked beside them."""
    others = {path.name for path in beside if path != folder}
    inner = {path.name for path in folders_in(folder)} if len(others) > 1 else set()
    return len(inner) > 1 and inner - {folder.name} == others and not _is_loose(folder, endings)


def _splits_below(folders: list[Path], endings: tuple[str, ...]) -> dict[str, _ClassFolders]:
    """By split, where every class has its own folders of splits, as in ModelNet."""
    found: dict[str, _ClassFolders] = {}
    for folder in folders:
        inner = folders_in(folder)
        if not all(split_from_name(path.name) for path in inner) or _is_loose(folder, endings):
            return {}
        for path in inner:
            if next(files_below(path, endings), None) is not None:
                found.setdefault(str(split_from_name(path.name)), []).append((folder.name, path))
    return found


def _files_of_class(folder: Path, endings: tuple[str, ...]) -> list[str]:
    """All of them; but of a class that keeps pictures and their masks, the pictures only."""
    answers = answers_beside([path.name for path in folders_in(folder)])
    files = without_masks(list(files_below(folder, endings)), folder)
    if not answers:
        return files
    left_out(str(folder), f"the folder {answers[0]}: masks or annotations of the pictures beside it")
    return [file for file in files if Path(file).relative_to(folder).parts[0] not in answers]


def _tell_unused(folder: Path, unused: Sequence[Path], endings: tuple[str, ...]) -> None:
    """What beside the folders of the classes, or of the splits, was not read."""
    loose = [name for name in _names(folder) if name.lower().endswith(endings)]
    if loose:
        left_out(str(folder), f"{len(loose):,} files that lie beside the folders, and have no class")
    for path in unused:
        others = {Path(name).suffix.lower() for name in _names_below(path)}
        if next(files_below(path, endings), None) is not None:
            left_out(str(path), "a folder beside those of the splits")
        elif others:
            left_out(str(path), f"a folder without a file of the formats read (it has {' '.join(sorted(others)[:5])})")


def _tell_nested(folder: Path, found: _ClassFolders, endings: tuple[str, ...]) -> None:
    """Two levels of folders, of which the upper one is taken for the classes."""
    below = {path: folders_in(path) for _, path in found}
    names = {path.name for inner in below.values() for path in inner}
    several = [path for path, inner in below.items() if len(inner) > 1 and not _is_loose(path, endings)]
    if len(several) == len(found) and not all(map(split_from_name, names)) and not answers_beside(names):
        first = f"{several[0].name}/{below[several[0]][0].name}"
        reinterpreted(str(folder), f"the upper folders as the classes, and not those below, such as {first}")


def _tell_names(classes_of: Mapping[str, _ClassFolders], root: Path) -> None:
    for labelled in classes_of.values():
        if similar := similar_labels(dict.fromkeys(label for label, _ in labelled)):
            reinterpreted(str(root), f"{similar} as two classes")
        of_label: dict[str, Path] = {}
        for label, path in labelled:
            if (other := of_label.setdefault(label, path)) != path and other.name != path.name:
                reinterpreted(str(root), f"the folders {other.name} and {path.name} as one class")
    tell_unlearned({name: {label for label, _ in labelled} for name, labelled in classes_of.items()}, root)


def tell_unlearned(classes_of: Mapping[str, set[str]], root: Path) -> None:
    """Tell the classes of a val or test part of which the training part has nothing.

    Args:
        classes_of: By split.
    """
    for name, classes in classes_of.items():
        unlearned = sorted(classes - classes_of.get("train", classes))
        if unlearned:
            told = ", ".join(unlearned[:5]) + (" …" if len(unlearned) > 5 else "")
            reinterpreted(str(root), f"classes of {name} of which train has nothing: {told}")


def _is_loose(folder: Path, endings: tuple[str, ...]) -> bool:
    return any(name.lower().endswith(endings) for name in _names(folder))


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".") and not entry.is_dir()]


def _names_below(folder: Path) -> Iterator[str]:
    return (name for _, _, files in os.walk(folder) for name in files if not name.startswith(".") and "." in name)

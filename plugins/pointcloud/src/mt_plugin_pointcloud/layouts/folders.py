"""A folder a class: alone, under train/val/test, or (as in ModelNet) with train and test under each."""

from __future__ import annotations

from pathlib import Path

from mt_plugin_pointcloud.layouts.listing import Listing, listing, of_split
from mt_plugin_pointcloud.readers import FORMATS

_SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
_SUFFIXES = frozenset(FORMATS.split())


def find_folders(root: Path, split: str) -> Listing | None:
    """Clouds in `root/[split/]class/` or `root/class/split/`; None where there are none.

    Without splits of its own, the folder has "train" and "all", and both are everything.

    Source: Wu et al. 2015 (ModelNet), arXiv:1406.5670, for the last of these.
    """
    by_split: dict[str, list[tuple[Path, str]]] = {}
    for name, spellings in _SPLITS.items():
        found = [pair for spelling in spellings for pair in _classes(root / spelling)]
        found += [
            (file, folder.name)
            for folder in _folders(root)
            for spelling in spellings
            if folder.name not in spellings
            for file in _clouds(folder / spelling)
        ]
        if found:
            by_split[name] = found
    if not by_split:
        by_split = {"train": _classes(root)}
    if not any(by_split.values()):
        return None
    classes = sorted({label for pairs in by_split.values() for _, label in pairs})
    return listing(of_split(by_split, split, root), classes, root)


def _classes(root: Path) -> list[tuple[Path, str]]:
    return [(file, folder.name) for folder in _folders(root) for file in _clouds(folder)]


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def _clouds(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = (file for file in folder.iterdir() if not file.name.startswith("."))
    return sorted(file for file in files if file.suffix.lower() in _SUFFIXES)

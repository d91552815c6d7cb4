"""Lists of paths and class numbers, as MMAction2 and most training code for videos keep them.

Lines are `path label`, or `folder number-of-frames label` for folders of frames.

Source: MMAction2, documentation, "Customize Datasets": VideoDataset and RawframeDataset.
"""

from __future__ import annotations

import re
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, first_bytes, read_text, sorted_names, split_from_name
from mt_plugin_video.layouts.present import Entry, listing_of_present

_LINE = re.compile(r"(?P<path>\S.*?)[ \t]+(?:\d+[ \t]+)?(?P<label>[0-9]{1,9})")

_PLACES = ("", "{split}", "videos", "videos_{split}", "rawframes", "rawframes_{split}")
"""Where the paths of a list begin, from the list's own folder."""

_NAMES = ("classes.txt", "labels.txt", "label_map.txt")


def find_lists(root: Path, split: str, fold: int) -> Listing | None:
    """The videos of the lists in a folder, or of one list; None where there is none.

    Args:
        root: A folder with one list a split, which its name says (`kinetics400_train_list_videos.txt`), or a list.
        fold: Where there are several for a split, the one called `split_<fold>`.

    Raises:
        DatasetError: several lists for a split, or a line that is none.
        MissingSplitError: no list for this split.
    """
    paths = [root] if root.is_file() else sorted(root.glob("*.txt"))
    paths = [path for path in paths if path.suffix == ".txt" and path.name not in _NAMES and _is_list(path)]
    lists: dict[str, Path] = {}
    for path in paths:
        name = "" if root.is_file() else _split_in(path.stem)
        if name is None or (f"_{fold}" not in path.stem and re.search(r"split_?\d", path.stem)):
            continue
        if name in lists:
            raise DatasetError(
                f"{root} has several lists for {name}: {lists[name].name} and {path.name}",
                fix="give the list itself, or keep one for each split",
            )
        lists[name] = path
    if not lists:
        return None
    entries = {name: _entries(path, name) for name, path in lists.items()}
    labels = sorted_names(entry.label for some in entries.values() for entry in some if entry.label is not None)
    names = _class_names(next(iter(lists.values())).parent, labels)
    named = {
        part: [Entry(entry.path, names[int(entry.label or 0)]) for entry in some] for part, some in entries.items()
    }
    return listing_of_present(named, split, root, "lists", order=list(names.values()))


def _is_list(path: Path) -> bool:
    line = first_bytes(path, 10_000).decode("utf-8-sig", errors="replace").partition("\n")[0]
    return _LINE.fullmatch(line.strip()) is not None


def _split_in(stem: str) -> str | None:
    """The split that a part of a name says."""
    return next((name for part in re.split(r"[\W_]+|(?<=[a-z])(?=\d)", stem) if (name := split_from_name(part))), None)


def _entries(path: Path, split: str) -> list[Entry]:
    found: list[tuple[str, str]] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise DatasetError(
                f"{path}, line {number}: {line.strip()[:80]!r} is not a path and class number",
                fix="write one video a line: path label",
            )
        found.append((match["path"], match["label"]))
    places = [path.parent / place.format(split=split) for place in _PLACES]
    place = next((each for each in places if any((each / name).exists() for name, _ in found)), places[0])
    return [Entry(str(place / name), label) for name, label in found]


def _class_names(folder: Path, labels: tuple[str, ...]) -> dict[int, str]:
    """Names of the classes by number: a line each of a file beside the lists, the numbers themselves without one."""
    for path in (folder / name for name in _NAMES):
        if path.is_file():
            names = [line.strip() for line in read_text(path).split("\n") if line.strip()]
            if labels and int(labels[-1]) >= len(names):
                raise DatasetError(
                    f"{path} names {len(names)} classes, and the lists go up to {labels[-1]}",
                    fix="write one name a line, the first for class 0",
                )
            return dict(enumerate(names))
    return {int(label): label for label in labels}

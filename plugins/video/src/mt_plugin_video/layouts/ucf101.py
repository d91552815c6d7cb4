"""The lists that UCF101 is divided by, `ucfTrainTestlist`.

Source: Soomro, Zamir, Shah 2012, UCF101: A dataset of 101 human actions classes from videos in the wild,
arXiv:1212.0402; the lists as they are published with it.
"""

from __future__ import annotations

import re
from pathlib import Path

from mt_core.errors import OptionError
from mt_core.sdk import Listing, read_text
from mt_plugin_video.layouts.present import Entry, listing_of_present

_LISTS, _VIDEOS = "ucfTrainTestlist", "UCF-101"

_NAME = re.compile(r"(train|test)list(\d+)\.txt")


def find_ucf101(root: Path, split: str, fold: int) -> Listing | None:
    """The videos of one fold; None where there are no such lists in a folder, in `ucfTrainTestlist` in or beside it.

    Raises:
        OptionError: no list for this fold.
    """
    folder = next((each for each in (root, root / _LISTS, root.parent / _LISTS) if _folds(each)), None)
    if folder is None:
        return None
    folds = _folds(folder)
    if fold not in folds:
        raise OptionError(
            f"{folder} has no fold {fold}", fix=f"the folds are {', '.join(str(each) for each in sorted(folds))}"
        )
    lines = {name: read_text(path).split("\n") for name, path in folds[fold].items()}
    # a test list names the videos alone, a training list the number of the class after each
    paths = {name: [line.split()[0] for line in some if line.strip()] for name, some in lines.items()}
    videos = _videos_of([path for some in paths.values() for path in some], root, folder)
    entries = {
        name: [Entry(str(videos / path), Path(path).parent.name) for path in some] for name, some in paths.items()
    }
    return listing_of_present(entries, split, root, f"ucf101 lists, fold {fold}", order=_classes(folder))


def _folds(folder: Path) -> dict[int, dict[str, Path]]:
    """The lists in a folder, by fold and split."""
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(folder.glob("t*list*.txt")):
        if match := _NAME.fullmatch(path.name):
            found.setdefault(int(match[2]), {})[match[1]] = path
    return found


def _videos_of(paths: list[str], root: Path, lists: Path) -> Path:
    """The folder in which the classes' folders lie: the first in which one of the listed videos is."""
    places = (root, root / _VIDEOS, lists.parent / _VIDEOS, lists.parent)
    return next((place for place in places if any((place / path).exists() for path in paths)), places[0])


def _classes(lists: Path) -> list[str]:
    """The names in `classInd.txt`, lines of number and name; none where it is missing."""
    path = lists / "classInd.txt"
    return [line.split()[-1] for line in read_text(path).split("\n") if line.strip()] if path.is_file() else []

"""Finding a person again across visible and infrared cameras: RegDB and SYSU-MM01.

Queries are infrared, the gallery is visible. Identities of the test part are numbered on from those of training.

Sources: Nguyen et al. 2017, Person Recognition System Based on a Combination of Body Images from Visible Light and
Thermal Cameras, Sensors 17(3):605 (RegDB); Wu et al. 2017, RGB-Infrared Cross-Modality Person Re-Identification, ICCV
(SYSU-MM01), section 5.1 for its cameras and its two searches; Ye et al. 2021, arXiv:2001.04193, for RegDB's trials.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mt_core.contract import Retrieval, Role
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import Listing, files_below, read_text, require_files, select_splits, sorted_names

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")

_INFRARED = (3, 6)  # cameras of SYSU-MM01

_PLACE = {3: 2}
"""Camera 3 of SYSU-MM01 stands where camera 2 does: as one number, no query of the one is compared with what the other
saw of the same person."""

_GALLERY = {"all": (1, 2, 4, 5), "indoor": (1, 2)}


@dataclass(frozen=True)
class _Seen:
    """A picture of a person."""

    path: str
    identity: str
    camera: int
    is_infrared: bool


def find_regdb(root: Path, split: str, *, trial: int) -> Listing | None:
    """The pictures of one of RegDB's ten trials, `idx/train_visible_1.txt` and so on; None where there are none.

    Raises:
        DatasetError: a list that is missing or damaged, or pictures that are not there.
        MissingSplitError: RegDB has train and test.
        OptionError: no such trial.
    """
    folder = root / "idx"
    trials = sorted({int(match[1]) for path in folder.glob("*.txt") if (match := _TRIAL.fullmatch(path.name))})
    if not trials:
        return None
    if trial not in trials:
        raise OptionError(f"there is no trial {trial}", fix=f"{folder} has {', '.join(map(str, trials))}")
    parts = {
        part: [
            seen
            for camera, kind in enumerate(("visible", "thermal"), start=1)
            for seen in _listed(folder / f"{part}_{kind}_{trial}.txt", root, camera, is_infrared=kind == "thermal")
        ]
        for part in ("train", "test")
    }
    return _listing(parts, split, root, "regdb")


_TRIAL = re.compile(r"(?:train|test)_(?:visible|thermal)_(\d{1,4})\.txt")


def _listed(path: Path, root: Path, camera: int, *, is_infrared: bool) -> list[_Seen]:
    seen = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        words = line.rsplit(maxsplit=1)
        parts = words[0].replace("\\", "/").split("/")
        if len(words) != 2 or len(parts) < 2:
            raise DatasetError(
                f"{path}, line {number}: {line.strip()[:80]!r} is not a picture and label",
                fix="download the lists again; a line is 'Visible/1/name.bmp 0'",
            )
        # the label counts from 0 in each list, so that it is the folder which tells the person
        seen.append(_Seen(os.path.join(root, *parts), parts[-2], camera, is_infrared))
    return seen


def find_sysu(root: Path, split: str, *, search: str) -> Listing | None:
    """The pictures of SYSU-MM01, `cam1/0001/0001.jpg`, by `exp/train_id.txt` and so on; None where there are none.

    Args:
        search: "all": the gallery is what all visible cameras saw; "indoor": what those indoors saw.

    Raises:
        DatasetError: a damaged list, or no picture of its identities.
        MissingSplitError: no such list.
    """
    lists = {part: root / "exp" / f"{part}_id.txt" for part in ("train", "val", "test")}
    lists = {part: path for part, path in lists.items() if path.is_file()}
    cameras = {number: root / f"cam{number}" for number in range(1, 7) if (root / f"cam{number}").is_dir()}
    if not lists or not cameras:
        return None
    used = (*_INFRARED, *_GALLERY[search])
    parts: dict[str, list[_Seen]] = {}
    for part, path in lists.items():
        found = [
            _Seen(file, identity, _PLACE.get(number, number), number in _INFRARED)
            for identity in _identities(path)
            for number, folder in cameras.items()
            if part == "train" or number in used
            for file in files_below(folder / identity, _SUFFIXES)
        ]
        if not found:
            raise DatasetError(
                f"{path} names identities that no camera of {root} has a picture of", fix="unpack the whole data set"
            )
        parts[part] = found
    return _listing(parts, split, root, "sysu")


def _identities(path: Path) -> list[str]:
    """The names of the folders, from numbers with commas between."""
    words = read_text(path).replace(",", " ").split()
    wrong = [word for word in words if not re.fullmatch(r"[0-9]{1,9}", word)]
    if wrong or not words:
        raise DatasetError(
            f"{path} is not a list of identities: {wrong[0][:40]!r} is not a number"
            if wrong
            else f"{path} lists nothing",
            fix="download it again; it looks like 1,2,4,5",
        )
    return [f"{int(word):04d}" for word in words]


def _listing(parts: dict[str, list[_Seen]], split: str, root: Path, layout: str) -> Listing:
    """The pictures of a split with their targets: identity, camera, role."""
    known = sorted_names(seen.identity for seen in parts.get("train", []))
    others = sorted_names({seen.identity for some in parts.values() for seen in some} - set(known))
    if not known:
        raise DatasetError(f"{root} has no training part", fix="download the lists again")
    number_of = {identity: number for number, identity in enumerate((*known, *others))}
    chosen = [seen for part in select_splits(split, parts, root) for seen in parts[part]]
    paths = [seen.path for seen in chosen]
    require_files(paths, root, fix="unpack the whole data set, and keep its folders as they are")
    targets = [
        (number_of[seen.identity], seen.camera, int(Role.QUERY if seen.is_infrared else Role.GALLERY))
        for seen in chosen
    ]
    return Listing(paths, targets, (), layout, Retrieval(identities=known))

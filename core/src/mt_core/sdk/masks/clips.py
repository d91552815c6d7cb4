"""Frames of videos and their masks, a folder a clip: DAVIS, YouTube-VOS and VSPW."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation
from mt_core.sdk.folders import folders_in
from mt_core.sdk.masks.classes import VOID
from mt_core.sdk.masks.files import Mask
from mt_core.sdk.masks.folders import Pairs, pairs_of
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.text import read_text

_FRAMES, _MASKS = "origin", "mask"  # of VSPW, within the folder of a clip
_RESOLUTION = "480p"  # of DAVIS, where there are several

OBJECTS = Segmentation(classes=("background", "object"), of="pixels", numbers=(0, 1), void=(VOID,))
"""The task of masks whose numbers tell the objects of a clip apart."""


@dataclass(frozen=True)
class ObjectMask(Mask):
    """A mask whose numbers are of objects: all of them are 1, beside 0 and void."""

    def numbers(self) -> NDArray[Any]:
        values = super().numbers()
        return np.where((values > 0) & (values != VOID), 1, values)


def clips_by_folders(pairs: Mapping[str, Pairs], root: Path) -> dict[str, Pairs] | None:
    """The pairs of JPEGImages/ and Annotations/, by the split that `ImageSets/*/train.txt` says of their clips, else as
    they are; None where frames do not lie in folders of clips.

    Of DAVIS, which ships in two resolutions, that of 480 lines.

    Args:
        pairs: By split, of all frames that have a mask.
    """
    if not any(pairs.values()) or not _are_clips(root):
        return None
    kept = {split: _of_one_resolution(some) for split, some in pairs.items()}
    if split_of := _listed_clips(root / "ImageSets"):
        every = [pair for some in kept.values() for pair in some]
        listed = {split: [pair for pair in every if clip_of(pair[0]) in clips] for split, clips in split_of.items()}
        return {split: some for split, some in listed.items() if some} or kept
    return kept


def pairs_in_clips(root: Path, suffixes: Sequence[str]) -> dict[str, Pairs]:
    """The pairs of VSPW, data/CLIP/origin/*.jpg and data/CLIP/mask/*.png, by the split whose list names the clip; {}
    where there are none."""
    inside = root / "data" if (root / "data").is_dir() else root
    clips = [path for path in folders_in(inside) if (path / _FRAMES).is_dir() and (path / _MASKS).is_dir()]
    pairs = {path.name: pairs_of(path / _FRAMES, path / _MASKS, suffixes) for path in clips}
    split_of = _clips_of_lists(root)
    listed = {split: [pair for name in names for pair in pairs.get(name, ())] for split, names in split_of.items()}
    found = {split: some for split, some in listed.items() if some}
    return found or ({"": [pair for some in pairs.values() for pair in some]} if any(pairs.values()) else {})


def clip_of(picture: str) -> str:
    """The clip that a frame is of: the folder that it lies in."""
    folder = Path(picture).parent
    return folder.parent.name if folder.name == _FRAMES else folder.name


def _are_clips(root: Path) -> bool:
    """Whether folders of masks that are called as DAVIS calls them hold folders, and no files."""
    names = ["Annotations", *(f"{path.name}/Annotations" for path in folders_in(root) if split_from_name(path.name))]
    there = [root / name for name in names if (root / name).is_dir()]
    return bool(there) and all(folders_in(path) and not any(path.glob("[!.]*.*")) for path in there)


def _of_one_resolution(pairs: Pairs) -> Pairs:
    chosen = [pair for pair in pairs if _RESOLUTION in Path(pair[0]).parts]
    return chosen or pairs


def _listed_clips(folder: Path) -> dict[str, list[str]]:
    """By split the clips that lists name, in the folder, or in the last of its folders that has lists (2017 after
    2016)."""
    if not folder.is_dir():
        return {}
    for path in [*sorted(folders_in(folder), key=lambda path: path.name, reverse=True), folder]:
        if found := _clips_of_lists(path):
            return found
    return {}


def _clips_of_lists(folder: Path) -> dict[str, list[str]]:
    lists = {name: path for path in sorted(folder.glob("*.txt")) if (name := split_from_name(path.stem))}
    return {split: clips for split, path in lists.items() if (clips := _clips_in(read_text(path)))}


def _clips_in(text: str) -> list[str]:
    """The clips of a list: a name a line, or a frame, which lies in a folder that is called so."""
    firsts = [line.split()[0] for line in text.splitlines() if line.strip()]
    return list(dict.fromkeys(Path(first).parent.name if "/" in first else first for first in firsts))

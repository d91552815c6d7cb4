"""Masks that COCO's JSON holds as polygons and run lengths.  H, W pixels.

Source: Lin et al. 2014, arXiv:1405.0312; cocodataset.org, "Data format", and pycocotools' maskApi.c for compressed run
lengths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, InputError
from mt_core.io.counted import counted
from mt_core.sdk.masks.files import Mask
from mt_core.sdk.masks.folders import file_below
from mt_core.sdk.notices import left_out
from mt_core.sdk.splits import split_from_name

BACKGROUND = 0
CROWD = 255
"""What the pixels of a crowd get, whose single objects nobody drew: no class."""


@dataclass(frozen=True)
class PolygonMask(Mask):
    """The mask of a picture, drawn from the outlines of its objects: larger ones first, so that what stands before them
    is seen.

    Attributes:
        size: Height and width.
        objects: Of each object the number of its category, and its polygons or run lengths.
    """

    size: tuple[int, int] = (0, 0)
    objects: tuple[tuple[int, Any], ...] = ()

    def numbers(self) -> NDArray[Any]:
        """
        Raises:
            InputError: an outline that is none.
        """
        drawn = np.full(self.size, BACKGROUND, np.int32)
        try:
            parts = [(number, _covered(outline, self.size)) for number, outline in self.objects]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"{self.path} has an outline that cannot be drawn ({error})", fix="export the annotations again"
            ) from None
        for number, is_object in sorted(parts, key=lambda part: -int(part[1].sum())):
            drawn[is_object] = number
        return drawn


def find_coco(root: Path) -> tuple[dict[str, list[tuple[str, PolygonMask]]], Segmentation] | None:
    """The pictures of each split and their masks, and the task; None where no JSON file in `annotations/` or in the
    folder itself has outlines.

    Raises:
        DatasetError: outlines without what COCO writes beside them, or other categories in each split.
    """
    found: dict[str, list[tuple[str, PolygonMask]]] = {}
    task: Segmentation | None = None
    for path in sorted([*root.glob("*.json"), *(root / "annotations").glob("*.json")]):
        record = _read(path)
        if record is None:
            continue
        names = {int(each["id"]): str(each["name"]) for each in record["categories"]}
        if BACKGROUND in names or CROWD in names:
            raise DatasetError(
                f"{path} numbers a category {BACKGROUND if BACKGROUND in names else CROWD}, which stands for "
                "background or for crowds here",
                fix="number categories from 1 to 254",
            )
        numbers = (BACKGROUND, *sorted(names))
        own = Segmentation(
            classes=("background", *(names[number] for number in sorted(names))),
            of="pixels",
            numbers=numbers,
            void=(CROWD,),
        )
        if task is not None and own != task:
            raise DatasetError(
                f"{path} has other categories than the other JSON files of its folder", fix="give one data set"
            )
        task = own
        found.setdefault(split_of(path), []).extend(_masks(record, path, root, own))
    return (found, task) if task is not None and any(found.values()) else None


def _read(path: Path) -> dict[str, Any] | None:
    """A record of COCO's with outlines; None for any other file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # of another layout, whose reader reports what is wrong
    if not isinstance(record, dict) or not {"images", "annotations", "categories"} <= record.keys():
        return None
    return record if any(each.get("segmentation") for each in record["annotations"]) else None


def split_of(path: Path) -> str:
    """The split that a JSON file is called after: "train" of instances_train2017.json; "" where it names none."""
    words = path.stem.replace("-", "_").rstrip("0123456789").split("_")
    return next((split for word in reversed(words) if (split := split_from_name(word.rstrip("0123456789")))), "")


def _masks(record: dict[str, Any], path: Path, root: Path, task: Segmentation) -> list[tuple[str, PolygonMask]]:
    try:
        objects: dict[str, list[tuple[int, Any]]] = {}  # by the id as text, see `num_unlisted`
        without = 0
        for each in record["annotations"]:
            number, outline = int(each["category_id"]), each.get("segmentation")
            without += not outline
            if each.get("iscrowd") or not outline:
                number = CROWD
            if outline := outline or _corners(each):
                objects.setdefault(str(each["image_id"]), []).append((number, outline))
        masks, absent = [], 0
        for picture in record["images"]:
            name = str(picture["file_name"])
            file = _file(root, path, name)
            absent += file is None
            if file is not None:
                size = (int(picture["height"]), int(picture["width"]))
                of = f"{path}, {name}"
                masks.append((file, PolygonMask(of, task, size, tuple(objects.get(str(picture["id"]), ())))))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} is not as COCO writes it ({error})", fix="export it again") from None
    if masks and absent:
        left_out(str(path), f"{absent:,} pictures that it lists and that are absent")
    if without:
        left_out(str(path), f"{counted(without, 'object')} without an outline: the pixels of their boxes have no class")
    if strange := num_unlisted(record, objects):
        if strange == sum(map(len, objects.values())):
            raise DatasetError(
                f"no object of {path} is of a picture that it lists",
                fix="let image_id of the annotations be the id of a picture",
            )
        left_out(str(path), f"{counted(strange, 'object')} of pictures that it does not list")
    return masks


def num_unlisted(record: Mapping[str, Any], objects: Mapping[str, Sequence[Any]]) -> int:
    """How many objects are of pictures that a record does not list.

    Args:
        objects: By the id of their picture, as text: some programs write numbers as text in one place alone.
    """
    listed = {str(picture["id"]) for picture in record["images"]}
    return sum(len(each) for image, each in objects.items() if image not in listed)


def _corners(annotation: dict[str, Any]) -> list[list[float]] | None:
    """The box of an object as an outline."""
    if not annotation.get("bbox"):
        return None
    left, top, width, height = map(float, annotation["bbox"])
    return [[left, top, left + width, top, left + width, top + height, left, top + height]]


def _file(root: Path, path: Path, name: str) -> str | None:
    """A picture that a list names, in the folder, in images/, or in the folder that is called as the list ends."""
    last = path.stem.split("_")[-1]
    for folder in (root / last, root / "images" / last, root / "images", root):
        if (folder / name).is_file():
            return str(folder / name)
    return file_below(root, name)


def _covered(outline: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) the pixels of one object."""
    if isinstance(outline, dict):
        counts = outline["counts"]
        counts = _unpacked(counts) if isinstance(counts, str) else counts
        height, width = outline["size"]
        flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return flat.reshape(width, height).T  # columns one after another
    covered = np.zeros(size, bool)
    for polygon in outline:
        covered |= _inside(np.asarray(polygon, float).reshape(-1, 2), size)
    return covered


def _inside(points_N2: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) the pixels whose middle lies within a polygon: an odd number of its edges lie to their left.

    Args:
        points_N2: Across and down; (0, 0) is the corner of the first pixel.
    """
    if not np.isfinite(points_N2).all():
        raise ValueError("a polygon with NaN or infinite numbers")
    height, width = size
    is_crossed = np.zeros((height, width + 1), bool)  # edges that lie between the middle of a pixel and the one before
    for (x, y), (next_x, next_y) in zip(points_N2, np.roll(points_N2, -1, axis=0), strict=True):
        first, end = (int(np.clip(np.ceil(each - 0.5), 0, height)) for each in sorted((y, next_y)))
        rows = np.arange(first, end)
        at = x + (rows + 0.5 - y) * ((next_x - x) / (next_y - y or 1.0))
        is_crossed[rows, np.clip(np.ceil(at - 0.5), 0, width).astype(int)] ^= True
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(is_crossed, axis=1)[:, :width]
    return inside


def _unpacked(text: str) -> list[int]:
    """Compressed run lengths: five bits a character, differences from the count before the last."""
    counts: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[at]) - 48
            value |= (bits & 31) << shift
            more, at, shift = bool(bits & 32), at + 1, shift + 5
            if not more and bits & 16:
                value |= -1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts

"""Boxes that COCO's JSON holds.

Source: Lin et al. 2014, arXiv:1405.0312; cocodataset.org, "Data format": `bbox` is left, top, width and height.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mt_core.errors import DatasetError
from mt_core.sdk.boxes.objects import Found, Objects
from mt_core.sdk.folders import folders_in
from mt_core.sdk.masks.coco import num_unlisted, split_of
from mt_core.sdk.masks.folders import file_below
from mt_core.sdk.notices import left_out, some_of
from mt_core.sdk.splits import split_from_name


def find_coco_boxes(root: Path) -> tuple[Found, dict[int, str]] | None:
    """The pictures of each split and their objects, and the categories by number; None where no JSON file in the
    folder, in `annotations/` or in folders of splits has boxes.

    Raises:
        DatasetError: boxes without what COCO writes beside them, or other categories in each split.
    """
    found: Found = {}
    categories: dict[int, str] | None = None
    for path, split in _files(root):
        record = _read(path)
        if record is None:
            continue
        try:
            own = {int(each["id"]): str(each["name"]) for each in record["categories"]}
            pictures = _pictures(record, path, root, own)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DatasetError(
                f"{path} is not as COCO writes it ({type(error).__name__}: {error})", fix="export it again"
            ) from None
        if len(set(own.values())) < len(own):
            raise DatasetError(f"{path} has two categories of one name", fix="give each category its own name")
        if categories is not None and own != categories:
            raise DatasetError(
                f"{path} has other categories than the other JSON files of its folder", fix="give one data set"
            )
        categories = own
        found.setdefault(split, []).extend(pictures)
    return (found, categories) if categories and any(found.values()) else None


def _files(root: Path) -> list[tuple[Path, str]]:
    """JSON files and their splits; of COCO's own those alone that hold all objects."""
    files = sorted([*root.glob("*.json"), *(root / "annotations").glob("*.json")])
    instances = [path for path in files if path.name.startswith("instances_")]
    listed = [(path, split_of(path)) for path in instances or files]
    for folder in folders_in(root):
        if split := split_from_name(folder.name):
            listed += [(path, split) for path in sorted(folder.glob("*.json"))]
    return listed


def _read(path: Path) -> dict[str, Any] | None:
    """A record of COCO's with boxes; None for any other file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # of another layout, whose reader reports what is wrong
    if not isinstance(record, dict) or not {"images", "annotations", "categories"} <= record.keys():
        return None
    annotations = record["annotations"]
    return record if isinstance(annotations, list) and any(_has_box(each) for each in annotations) else None


def _has_box(annotation: Any) -> bool:
    return isinstance(annotation, dict) and bool(annotation.get("bbox"))


def _pictures(record: dict[str, Any], path: Path, root: Path, names: dict[int, str]) -> list[tuple[str, Objects]]:
    of_picture: dict[str, list[dict[str, Any]]] = {}  # by the id as text, see `num_unlisted`
    for each in filter(_has_box, record["annotations"]):
        if int(each["category_id"]) not in names:
            raise DatasetError(
                f"{path} has an object of the category {each['category_id']}, which it does not list",
                fix="add it to its categories",
            )
        of_picture.setdefault(str(each["image_id"]), []).append(each)
    if without := len(record["annotations"]) - sum(map(_has_box, record["annotations"])):
        left_out(str(path), f"{without:,} objects without a box")
    places = _places(root, path)
    pictures, absent = [], []
    for picture in record["images"]:
        name = str(picture["file_name"])
        file = next((str(place / name) for place in places if (place / name).is_file()), None)
        file = file or file_below(root, name)
        if file is None:
            absent.append(name)
            continue
        objects = of_picture.get(str(picture["id"]), [])
        corners = [[float(x) for x in each["bbox"]] for each in objects]
        pictures.append(
            (
                file,
                Objects(
                    source=f"{path}, {name}",
                    xyxy=[(left, top, left + width, top + height) for left, top, width, height in corners],
                    names=[names[int(each["category_id"])] for each in objects],
                    ignored=[bool(each.get("iscrowd") or each.get("ignore")) for each in objects],
                    size=(int(picture["height"]), int(picture["width"])),
                ),
            )
        )
    if absent and not pictures:
        raise DatasetError(
            f"none of the {len(absent):,} pictures that {path} lists is there, as {absent[0]}",
            fix=f"put them into {root / 'images'}, or beside the file",
        )
    if absent:
        left_out(str(path), f"{len(absent):,} pictures that it lists and that are absent: {some_of(absent)}")
    if strange := num_unlisted(record, of_picture):
        left_out(str(path), f"{strange:,} objects of pictures that it does not list")
    return pictures


def _places(root: Path, path: Path) -> list[Path]:
    """Where the pictures of a JSON file are looked for: in its own folder, in the data set's folder and its images/,
    and in folders named after the same split, such as train2017/."""
    split = path.stem.split("_")[-1].rstrip("0123456789").lower()
    above = [root, *(each for each in folders_in(root) if each.name.lower() == "images")]
    called = [
        each for folder in above for each in folders_in(folder) if each.name.rstrip("0123456789").lower() == split
    ]
    return [path.parent, *called, *above[::-1]]

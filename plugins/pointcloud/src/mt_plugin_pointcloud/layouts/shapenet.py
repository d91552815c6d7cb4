"""ShapeNet's parts: clouds of objects, a line a point, with the part that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from mt_core.contract import Segmentation, reading
from mt_core.errors import DatasetError, InputError, OptionError
from mt_core.sdk import Listing, read_text, select_splits
from mt_plugin_pointcloud.cloud import PointCloud, make_cloud
from mt_plugin_pointcloud.reading.text import numbers, whole_text

_CATEGORIES = "synsetoffset2category.txt"

PARTS = {
    "Airplane": (0, 4), "Bag": (4, 2), "Cap": (6, 2), "Car": (8, 4), "Chair": (12, 4), "Earphone": (16, 3),
    "Guitar": (19, 3), "Knife": (22, 2), "Lamp": (24, 4), "Laptop": (28, 2), "Motorbike": (30, 6), "Mug": (36, 2),
    "Pistol": (38, 3), "Rocket": (41, 3), "Skateboard": (44, 3), "Table": (47, 3),
}  # fmt: skip
"""Of each category, the number of its first part and how many it has. Source: Yi et al. 2016, ShapeNet part annotation,
as numbered by Qi et al. 2017 (PointNet++)."""


class PartsFile(NamedTuple):
    """One cloud of the annotation.

    Attributes:
        first_part: The number that becomes 0.
    """

    path: Path
    first_part: int


def find_shapenet_parts(root: Path, split: str, category: str | None) -> Listing | None:
    """ShapeNet's part annotation: a line a point, x y z nx ny nz part; None where there is none.

    Args:
        category: One of `PARTS`, whose parts are then the classes; None: all categories and their 50 parts.

    Raises:
        OptionError: a category that there is not.
        DatasetError: a list of the split that cannot be read.

    Source: Yi et al. 2016, shapenetcore_partanno_segmentation_benchmark_v0_normal.
    """
    if not (root / _CATEGORIES).is_file():
        return None
    words = [line.split() for line in read_text(root / _CATEGORIES).splitlines()]
    folder_of = {line[0]: line[1] for line in words if len(line) > 1 and line[0] in PARTS}
    if category is not None and category not in folder_of:
        raise OptionError(f"{root} has no category {category!r}", fix=f"use one of {', '.join(sorted(folder_of))}")
    wanted = {folder for name, folder in folder_of.items() if category in (None, name)}
    lists = {name: root / "train_test_split" / f"shuffled_{name}_file_list.json" for name in ("train", "val", "test")}
    first_part = PARTS[category][0] if category is not None else 0
    samples: list[PartsFile] = []
    for name in select_splits(split, [name for name, path in lists.items() if path.is_file()], root):
        try:
            entries = [Path(str(entry)).parts[-2:] for entry in json.loads(read_text(lists[name]))]
            samples += [
                PartsFile(root / folder / f"{model}.txt", first_part) for folder, model in entries if folder in wanted
            ]
        except (ValueError, TypeError, RecursionError) as error:
            raise DatasetError(f"{lists[name]} is no list of models ({error})", fix="download it again") from None
    names = [name for name in PARTS if category in (None, name)]
    classes = tuple(f"{name.lower()} {number + 1}" for name in names for number in range(PARTS[name][1]))
    return Listing(samples, [None] * len(samples), (), "shapenet parts", task=Segmentation(classes=classes))


def read_parts(item: PartsFile) -> PointCloud:
    """The cloud of a file, with the part of each point.

    Raises:
        InputError: a file that cannot be read, or has other columns.
    """
    path = item.path
    with reading(path, formats=".txt"):
        rows = numbers(whole_text(path).splitlines(), path)
        if rows.shape[1] != 7:
            raise InputError(f"{path} has {rows.shape[1]} columns", fix="lines are x y z nx ny nz part")
        parts = rows[:, 6] - item.first_part
        if not 0 <= parts.min() <= parts.max():
            raise InputError(
                f"{path} has parts from {rows[:, 6].min():g}, those of its category begin at {item.first_part}",
                fix="check that the file lies in its category's folder",
            )
        channels = {"normals": rows[:, 3:6], "labels": parts}
        return make_cloud(rows[:, :3], channels, name=str(path))

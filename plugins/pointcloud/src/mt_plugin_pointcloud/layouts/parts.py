"""Clouds whose points are labelled: ShapeNet's parts, and clouds whose files say the class of each point."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mt_core.contract import Segmentation, reading
from mt_core.errors import DatasetError, InputError, OptionError
from mt_core.sdk import Listing, chosen_splits, files_below, split_called, text_of
from mt_plugin_pointcloud.cloud import PointCloud, make_cloud
from mt_plugin_pointcloud.readers import FORMATS, read_cloud
from mt_plugin_pointcloud.readers.text import decoded, numbers

_CATEGORIES = "synsetoffset2category.txt"

PARTS = {
    "Airplane": (0, 4), "Bag": (4, 2), "Cap": (6, 2), "Car": (8, 4), "Chair": (12, 4), "Earphone": (16, 3),
    "Guitar": (19, 3), "Knife": (22, 2), "Lamp": (24, 4), "Laptop": (28, 2), "Motorbike": (30, 6), "Mug": (36, 2),
    "Pistol": (38, 3), "Rocket": (41, 3), "Skateboard": (44, 3), "Table": (47, 3),
}  # fmt: skip
"""Of each category, the number of its first part and how many it has. Source: Yi et al. 2016, ShapeNet part annotation,
as numbered by Qi et al. 2017 (PointNet++)."""

_LAS_CLASSES = (
    "never classified", "unclassified", "ground", "low vegetation", "medium vegetation", "high vegetation", "building",
    "low point", "model key-point", "water", "rail", "road surface", "overlap", "wire guard", "wire conductor",
    "transmission tower", "wire connector", "bridge deck", "high noise",
)  # fmt: skip
"""Source: ASPRS, "LAS specification 1.4 R15", table 17."""


def find_parts(root: Path, split: str, category: str | None) -> Listing | None:
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
    folder_of = dict(line.split()[:2] for line in text_of(root / _CATEGORIES).splitlines() if line.strip())
    if category is not None and category not in folder_of:
        raise OptionError(f"{root} has no category {category!r}", fix=f"use one of {', '.join(sorted(folder_of))}")
    wanted = {folder for name, folder in folder_of.items() if category in (None, name)}
    lists = {name: root / "train_test_split" / f"shuffled_{name}_file_list.json" for name in ("train", "val", "test")}
    samples = []
    for name in chosen_splits(split, [name for name, path in lists.items() if path.is_file()], root):
        try:
            entries = [Path(str(entry)).parts[-2:] for entry in json.loads(text_of(lists[name]))]
            samples += [root / folder / f"{model}.txt" for folder, model in entries if folder in wanted]
        except (ValueError, TypeError) as error:
            raise DatasetError(f"{lists[name]} is no list of models ({error})", fix="download it again") from None
    names = [name for name in PARTS if category in (None, name)]
    classes = tuple(f"{name.lower()} {number + 1}" for name in names for number in range(PARTS[name][1]))
    return Listing(samples, [None] * len(samples), (), "shapenet parts", task=Segmentation(classes=classes))


def find_labelled_points(root: Path, split: str, classes: Iterable[str]) -> Listing | None:
    """All clouds of a folder (or of its folders train, val and test), whose files say the class of each point.

    Args:
        classes: Their names, in the order of the numbers; by default those of the LAS specification where the clouds
            are surveys, else the numbers up to the largest, for which every cloud is read.
    """
    suffixes = tuple(FORMATS.split())
    if root.is_file():
        files = {"": [str(root)]}
    else:
        folders = {name: path for path in root.iterdir() if path.is_dir() and (name := split_called(path.name))}
        files = {name: list(files_below(path, suffixes)) for name, path in folders.items()} or {
            "": list(files_below(root, suffixes))
        }
    every = [file for some in files.values() for file in some]
    if not every:
        return None
    names = tuple(classes)
    if not names and all(file.lower().endswith((".las", ".laz")) for file in every):
        names = _LAS_CLASSES
    if not names:
        names = tuple(map(str, range(1 + max(int(labelled(Path(file)).labels.max()) for file in every))))  # type: ignore[union-attr]
    chosen = chosen_splits(split, [name for name in files if name], root) or [""]
    samples = [Path(file) for name in chosen for file in files[name]]
    return Listing(samples, [None] * len(samples), (), "labelled points", task=Segmentation(classes=names))


def labelled(path: Path, first_part: int | None = None) -> PointCloud:
    """A cloud with the class of each point.

    Args:
        first_part: For a file of ShapeNet's parts, the number that becomes 0; None for other files.

    Raises:
        InputError: a file that cannot be read, or that says no class.
    """
    if first_part is not None:
        with reading(path, formats=".txt"):
            rows = numbers(decoded(path), path)
            if rows.shape[1] != 7:
                raise InputError(f"{path} has {rows.shape[1]} columns", fix="lines are x y z nx ny nz part")
            channels = {"normals": rows[:, 3:6], "labels": rows[:, 6].astype(np.int64) - first_part}
            return make_cloud(rows[:, :3], channels, name=str(path))
    cloud = read_cloud(path)
    if cloud.labels is None:
        raise InputError(
            f"{path} does not say which class its points have",
            fix="name the column label or classification (PLY, PCD, CSV), or use LAS",
        )
    return cloud

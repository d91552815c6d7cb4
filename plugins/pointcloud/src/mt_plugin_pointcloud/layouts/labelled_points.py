"""Clouds whose files say the class of each point: surveys, and any others with a column of labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mt_core.contract import Segmentation
from mt_core.errors import InputError
from mt_core.sdk import Listing, files_below, select_splits, split_from_name
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.reading import SUFFIXES, read_cloud

LAS_CLASSES = (
    "never classified", "unclassified", "ground", "low vegetation", "medium vegetation", "high vegetation", "building",
    "low point", "model key-point", "water", "rail", "road surface", "overlap", "wire guard", "wire conductor",
    "transmission tower", "wire connector", "bridge deck", "high noise",
)  # fmt: skip
"""Source: ASPRS, "LAS specification 1.4 R15", table 17."""


def find_labelled_points(root: Path, split: str, classes: Iterable[str]) -> Listing | None:
    """All clouds of a folder (or of its folders train, val and test), whose files say the class of each point.

    Args:
        classes: Their names, in the order of the numbers; by default those of the LAS specification where the clouds
            are surveys, else the numbers up to the largest, for which every cloud is read.
    """
    if root.is_file():
        files = {"": [str(root)]}
    else:
        folders = {name: path for path in root.iterdir() if path.is_dir() and (name := split_from_name(path.name))}
        files = {name: list(files_below(path, SUFFIXES)) for name, path in folders.items()} or {
            "": list(files_below(root, SUFFIXES))
        }
    every = [file for some in files.values() for file in some]
    if not every:
        return None
    names = tuple(classes)
    if not names and all(file.lower().endswith((".las", ".laz")) for file in every):
        names = LAS_CLASSES
    if not names:
        names = tuple(map(str, range(1 + max(int(read_labelled(Path(file)).labels.max()) for file in every))))  # type: ignore[union-attr]
    chosen = select_splits(split, [name for name in files if name], root) or [""]
    samples = [Path(file) for name in chosen for file in files[name]]
    return Listing(samples, [None] * len(samples), (), "labelled points", task=Segmentation(classes=names))


def read_labelled(path: Path) -> PointCloud:
    """A cloud with the class of each point.

    Raises:
        InputError: a file that cannot be read, or that says no class.
    """
    cloud = read_cloud(path)
    if cloud.labels is None:
        raise InputError(
            f"{path} does not say which class its points have",
            fix="name the column label or classification (PLY, PCD, CSV), or use LAS",
        )
    return cloud

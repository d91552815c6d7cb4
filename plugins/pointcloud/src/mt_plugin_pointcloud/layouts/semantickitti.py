"""SemanticKITTI: a folder a sequence, in it scans and, beside them, the class of each of their points.

Source: Behley et al. 2019, "SemanticKITTI: a dataset for semantic scene understanding of LiDAR sequences",
arXiv:1904.01416; semantic-kitti.yaml of its authors' API.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, InputError
from mt_core.sdk import Listing, select_splits
from mt_plugin_pointcloud.cloud import LABELS, PointCloud, make_cloud
from mt_plugin_pointcloud.reading.sweeps import read_bin
from mt_plugin_pointcloud.scenes import Scene, SceneLabels

CLASSES = {
    "car": 10, "bicycle": 11, "motorcycle": 15, "truck": 18, "other-vehicle": 20, "person": 30, "bicyclist": 31,
    "motorcyclist": 32, "road": 40, "parking": 44, "sidewalk": 48, "other-ground": 49, "building": 50, "fence": 51,
    "vegetation": 70, "trunk": 71, "terrain": 72, "pole": 80, "traffic-sign": 81,
}  # fmt: skip
"""The classes that are evaluated, with the number that stands for each in files of labels."""

_JOINED = {
    13: "other-vehicle", 16: "other-vehicle", 60: "road", 252: "car", 253: "bicyclist", 254: "person",
    255: "motorcyclist", 256: "other-vehicle", 257: "other-vehicle", 258: "truck", 259: "other-vehicle",
}  # fmt: skip
"""Further numbers: buses and trains, lane markings, and what moves."""

VOID = (0, 1, 52, 99)
"""Unlabelled, outlier, other structure, other object."""

_NUMBERS = tuple(sorted({**{number: name for name, number in CLASSES.items()}, **_JOINED}.items()))
_SPLIT_OF = {
    **dict.fromkeys((0, 1, 2, 3, 4, 5, 6, 7, 9, 10), "train"),
    8: "val",
    **dict.fromkeys(range(11, 22), "test"),
}


def find_semantickitti(root: Path, split: str) -> Listing | None:
    """Scans of the sequences of a split: 00 to 07, 09 and 10 train, 08 val, 11 to 21 test, which has no labels; None
    where there are no sequences.

    Raises:
        DatasetError: scans without labels where others of their sequence have them.
        MissingSplitError: no sequence of this split.
    """
    folder = next((each for each in (root / "sequences", root / "dataset" / "sequences") if each.is_dir()), None)
    if folder is None:
        return None
    of_split: dict[str, list[Scene]] = {}
    for sequence in sorted(each for each in folder.iterdir() if each.name.isdigit() and (each / "velodyne").is_dir()):
        of_split.setdefault(_SPLIT_OF.get(int(sequence.name), "train"), []).extend(_scans(sequence))
    if not any(of_split.values()):
        return None
    chosen = [scene for name in select_splits(split, of_split, root) for scene in of_split[name]]
    classes = tuple(CLASSES)
    return Listing(
        chosen,
        [None if scene.labels is None else SceneLabels(scene, classes) for scene in chosen],
        (),
        "semantickitti",
        task=Segmentation(classes=classes, of="points", numbers=tuple(CLASSES.values()), void=VOID),
        labels_from="the lower 16 bits of the files in labels",
        groups=[Path(scene.path).parent.parent.name for scene in chosen],
    )


def _scans(sequence: Path) -> list[Scene]:
    scans = sorted((sequence / "velodyne").glob("*.bin"))
    labels = {path.stem: path for path in (sequence / "labels").glob("*.label")}
    if labels and (without := [scan.name for scan in scans if scan.stem not in labels]):
        raise DatasetError(
            f"{sequence} has labels, and none for {len(without)} of {len(scans)} scans: {', '.join(without[:3])}",
            fix="check that the download is complete, or remove these scans",
        )
    return [
        Scene(str(scan), "semantickitti", _NUMBERS, VOID, str(labels[scan.stem]) if labels else None) for scan in scans
    ]


def read_scan(scene: Scene) -> PointCloud:
    """The points of a scan with the numbers of their classes: the lower 16 bits of a label, the upper ones being the
    object.

    Raises:
        InputError: labels for another number of points.
    """
    raw = read_bin(Path(scene.path), 4)
    channels = dict(raw.channels)
    if scene.labels is not None:
        content = Path(scene.labels).read_bytes()
        if len(content) != 4 * len(raw.points):
            raise InputError(
                f"{scene.labels} has {len(content) / 4:g} labels, and {scene.path} {len(raw.points):,} points",
                fix="check that both are of the same scan, and copy them again",
            )
        channels[LABELS] = (np.frombuffer(content, "<u4") & 0xFFFF).astype(np.int64)[:, None]
    return make_cloud(raw.points, channels, name=scene.path)

"""S3DIS: a folder an area, in it one a room, in whose Annotations each object is a file that is called after its class.

Source: Armeni et al. 2016, "3D semantic parsing of large-scale indoor spaces"; Stanford3dDataset_v1.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Segmentation, reading
from mt_core.errors import DatasetError, InputError
from mt_core.sdk import Listing, left_out, read_text, select_splits, sorted_names
from mt_plugin_pointcloud.cloud import LABELS, PointCloud, make_cloud
from mt_plugin_pointcloud.layouts.scene_parts import parted
from mt_plugin_pointcloud.reading.text import numbers, whole_text
from mt_plugin_pointcloud.scenes import Scene, SceneLabels

CLASSES = (
    "ceiling", "floor", "wall", "beam", "column", "window", "door", "table", "chair", "sofa", "bookcase", "board",
    "clutter",
)  # fmt: skip
"""Of the benchmark, in its order; stairs, which two areas have, count as clutter. Source: Qi et al. 2017 (PointNet),
arXiv:1612.00593, their code."""

_ANNOTATIONS = "Annotations"
_NAMES = ("class_names.txt", "classes.txt")
_TESTED_AREA = "Area_5"


def find_s3dis(root: Path, split: str, classes: Sequence[str]) -> Listing | None:
    """Rooms with the class of each point; None where there are none.

    Args:
        root: The folder of areas, an area, or a room.
        classes: Their names in the order wanted; by default those of the benchmark, of `class_names.txt` beside the
            areas, or those that occur, sorted.

    Raises:
        DatasetError: a file whose name does not begin with a class, or a class that `classes` do not have.
        MissingSplitError: no such part.
    """
    rooms = _rooms(root)
    if not rooms:
        return None
    names = {path: name for room in rooms for path in _objects(room) if (name := _class_of(path))}
    ordered, note = _ordered(set(names.values()), root, classes)
    found = tuple((index, name) for index, name in enumerate(ordered))
    scenes = [Scene(str(room), "s3dis", found) for room in rooms]
    areas = [room.parent.name for room in rooms]
    if len(set(areas)) > 1:
        tested = _TESTED_AREA if _TESTED_AREA in areas else max(areas, key=_counted)
        of_split: dict[str, list[Scene]] = {"train": [], "test": []}
        for scene, area in zip(scenes, areas, strict=True):
            of_split["test" if area == tested else "train"].append(scene)
        chosen = [scene for name in select_splits(split, of_split, root) for scene in of_split[name]]
        said = f"{len(set(areas))} areas: {tested} is the test"
    else:
        chosen, said = parted(scenes, split, root, "room")
    task = Segmentation(classes=ordered, of="points")
    return Listing(
        chosen,
        [SceneLabels(scene, ordered) for scene in chosen],
        (),
        "s3dis",
        task=task,
        note="; ".join(filter(None, (said, note))),
        labels_from="the names of the files in Annotations",
        columns={
            "area": [Path(scene.path).parent.name for scene in chosen],
            "room": [f"{Path(scene.path).parent.name}/{Path(scene.path).name}" for scene in chosen],
        },
    )


def read_room(scene: Scene) -> PointCloud:
    """The points of a room, object after object in the order of their files' names, whatever joint file there is.

    Colours are those of 0 to 255 or of 0 to 65535, whichever the largest says.

    Raises:
        InputError: a file of other columns, or no point at all.
    """
    index_of = {name: number for number, name in scene.numbers}
    rows, labels = [], []
    for path in _objects(Path(scene.path)):
        name = _class_of(path)
        if not path.stat().st_size:
            left_out(scene.path, f"{path.name} is empty")
            continue
        with reading(str(path), formats=".txt"):
            found = _numbers(whole_text(path), path)
        rows.append(found)
        labels.append(np.full(len(found), index_of.get(name, index_of.get("clutter", -1)), np.int64))
    if not rows:
        raise InputError(f"{scene.path} holds no points", fix="check that the download is complete")
    every = np.concatenate(rows)
    return make_cloud(every[:, :3], {"colour": every[:, 3:6], LABELS: np.concatenate(labels)[:, None]}, name=scene.path)


def _numbers(text: str, path: Path) -> NDArray[np.float64]:
    from pyarrow import BufferReader, csv, float64, lib

    try:  # ten times as fast as NumPy
        options = csv.ParseOptions(delimiter=" ")
        names = ["x", "y", "z", "r", "g", "b"]
        convert = csv.ConvertOptions(column_types=dict.fromkeys(names, float64()), null_values=["nan", "NaN"])
        table = csv.read_csv(
            BufferReader(text.encode()),
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=options,
            convert_options=convert,
        )
        return np.stack([column.to_numpy() for column in table.columns], axis=1)
    except lib.ArrowInvalid:
        rows = numbers(text.splitlines(), path)
        if rows.shape[1] != 6:
            raise InputError(f"{path} has {rows.shape[1]} columns", fix="lines are x y z r g b") from None
        return rows


def _counted(name: str) -> list[str]:
    """A name to sort by, in which 10 comes after 9."""
    return [part.zfill(9) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _rooms(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    if (root / _ANNOTATIONS).is_dir():
        return [root]
    if rooms := sorted(path.parent for path in root.glob(f"*/{_ANNOTATIONS}") if path.is_dir()):
        return rooms
    return sorted(path.parent for path in root.glob(f"*/*/{_ANNOTATIONS}") if path.is_dir())


def _objects(room: Path) -> list[Path]:
    return sorted(path for path in (room / _ANNOTATIONS).glob("*.txt") if not path.name.startswith("."))


def _class_of(path: Path) -> str:
    match = re.fullmatch(r"(.+?)_(\d+)", path.stem)
    if match is None:
        raise DatasetError(
            f"{path} is not called after a class and a number", fix="call it for instance chair_1.txt, or remove it"
        )
    return match[1]


def _ordered(names: set[str], root: Path, classes: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The classes in their order, and a note."""
    benchmark = {*CLASSES, "stairs"}
    listed = tuple(classes) or _listed(root)
    if not listed and names <= benchmark:
        return CLASSES, "stairs count as clutter" if "stairs" in names else ""
    listed = listed or sorted_names(names)
    if unknown := sorted(names - {*listed}):
        raise DatasetError(
            f"{root} has objects of the classes {', '.join(unknown)}, which are none of {', '.join(listed)}",
            fix="name them as well, -D classes=…, or in class_names.txt",
        )
    return listed, ""


def _listed(root: Path) -> tuple[str, ...]:
    """The names in a list beside the areas."""
    for folder in (root, root.parent, root.parent.parent):
        for name in _NAMES:
            if (folder / name).is_file():
                return tuple(line.strip() for line in read_text(folder / name).splitlines() if line.strip())
    return ()

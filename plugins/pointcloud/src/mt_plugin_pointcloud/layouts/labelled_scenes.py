"""Large clouds whose files say the class of each point: surveys, and any others with a column of labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError
from mt_core.sdk import Listing, files_below, select_splits, split_from_name
from mt_plugin_pointcloud.layouts.labelled_points import LAS_CLASSES
from mt_plugin_pointcloud.layouts.scene_parts import parted
from mt_plugin_pointcloud.reading import SUFFIXES
from mt_plugin_pointcloud.reading.las import classes_of_las
from mt_plugin_pointcloud.scenes import Scene, SceneLabels, read_scene

SURVEYS = (".las", ".laz")
VOID_OF_SURVEYS = (0, 1)
"""Never classified, unclassified."""

_MOST_READ = 50  # files, whose classes are looked at, evenly spaced


def find_surveys(root: Path, split: str, classes: Sequence[str], void: Sequence[int] | None) -> Listing | None:
    """LAS and LAZ files and no other clouds, directly in a folder or in its folders train, val and test; None for
    anything else. Text lies beside them."""
    if root.is_file():
        return find_scenes(root, split, classes, void) if root.suffix.lower() in SURVEYS else None
    below = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    of_splits = [path for path in below if split_from_name(path.name)]
    found = [suffix for folder in (root, *of_splits) for suffix in _suffixes(folder)]
    is_alone = not any(_suffixes(folder) for folder in below if folder not in of_splits)
    if not found or not is_alone or not set(found) <= {*SURVEYS}:
        return None
    return find_scenes(root, split, classes, void, SURVEYS)


def _suffixes(folder: Path) -> list[str]:
    """Of the clouds that lie in a folder."""
    suffixes = [path.suffix.lower() for path in folder.iterdir()]
    return [suffix for suffix in suffixes if suffix in SUFFIXES and suffix != ".txt"]


def find_scenes(
    root: Path, split: str, classes: Sequence[str], void: Sequence[int] | None, suffixes: Sequence[str] = SUFFIXES
) -> Listing | None:
    """All clouds of a folder (or of its folders train, val and test) as scenes; None where there is none.

    Args:
        classes: Their names in the order of the numbers; by default those of the LAS specification where the clouds
            are surveys, else the numbers.
        void: Numbers of no class; None: 0 and 1 of surveys, else none.

    Raises:
        DatasetError: points of fewer than two classes.
    """
    if root.is_file():
        files = {"": [str(root)]}
    else:
        folders = {name: path for path in root.iterdir() if path.is_dir() and (name := split_from_name(path.name))}
        files = {name: list(files_below(path, suffixes)) for name, path in folders.items()} or {
            "": list(files_below(root, suffixes))
        }
    every = [file for some in files.values() for file in some]
    if not every:
        return None
    are_surveys = all(file.lower().endswith(SURVEYS) for file in every)
    is_said = void is not None
    void = tuple(void) if void is not None else VOID_OF_SURVEYS if are_surveys else ()
    found = _numbers_in(every[:: -(-len(every) // _MOST_READ)], void)
    left = tuple(number for number in void if number in found)
    numbers = tuple((number, _name(number, classes, are_surveys)) for number in sorted(found - set(void)))
    if len(numbers) < 2:
        raise DatasetError(
            f"{root} has points of {'the class ' + numbers[0][1] if numbers else 'no class'} alone"
            + (f"; {' and '.join(map(str, left))} count as no class" if left else ""),
            fix="give points of several classes; -D void= makes classes of all numbers",
        )
    scenes = [Scene(file, "cloud", numbers, void) for file in every]
    if names := [name for name in files if name]:
        is_in = {file for name in select_splits(split, names, root) for file in files[name]}
        chosen, note = [scene for scene in scenes if scene.path in is_in], ""
    else:
        chosen, note = parted(scenes, split, root, "cloud")
    said = "" if is_said or not left else f"points of class {' and '.join(map(str, left))} count as of no class"
    task = Segmentation(
        classes=tuple(name for _, name in numbers),
        of="points",
        numbers=tuple(number for number, _ in numbers),
        void=void,
    )
    return Listing(
        chosen,
        [SceneLabels(scene, task.classes) for scene in chosen],
        (),
        "surveys" if are_surveys else "labelled scenes",
        task=task,
        note="; ".join(filter(None, (note, said))),
        labels_from="the classification of the points" if are_surveys else "the column of labels",
    )


def _numbers_in(files: Sequence[str], void: Sequence[int]) -> set[int]:
    numbers: set[int] = set()
    for file in files:
        if file.lower().endswith(SURVEYS):
            numbers |= classes_of_las(Path(file))
        else:
            labels = read_scene(Scene(file, "cloud", (), tuple(void))).labels
            numbers |= set(np.unique(labels).tolist())  # type: ignore[arg-type]
    return {number for number in numbers if number >= 0}


def _name(number: int, classes: Sequence[str], is_survey: bool) -> str:
    if classes:
        if number >= len(classes):
            raise DatasetError(
                f"there are points of class {number}, and -D classes has {len(classes)} names",
                fix="name all classes, in the order of their numbers from 0",
            )
        return classes[number]
    return LAS_CLASSES[number] if is_survey and number < len(LAS_CLASSES) else str(number)

"""Which scenes are trained on and which are tested, where a data set does not say it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mt_core.sdk import select_splits
from mt_plugin_pointcloud.scenes import Part, Scene, longer_axis

_TESTED = 0.2  # of whole scenes
_WATCHED = 0.25  # of a scene that is trained on, where there is no other one that the epoch could be selected by


def parted(scenes: Sequence[Scene], split: str, root: Path, called: str) -> tuple[list[Scene], str]:
    """The scenes of a split, and a note on how they were split.

    A fifth of several scenes, whole ones, is the test part. A single one is cut into halves along the longer of x and
    y, each of half the points: that of the larger coordinates is the test part. Where one scene alone is left to train
    on, a quarter of it, at the end of the axis, is the val part.

    Args:
        called: What the scenes are: "room".

    Raises:
        MissingSplitError: no such part.
    """
    if split == "all":
        return list(scenes), ""
    if len(scenes) == 1:
        (scene,) = scenes
        axis = longer_axis(scene)
        bounds = {"train": (0, (1 - _WATCHED) / 2), "val": ((1 - _WATCHED) / 2, 0.5), "test": (0.5, 1)}
        parts = {name: [replace(scene, part=Part(axis, *ends))] for name, ends in bounds.items()}
        note = f"1 {called}, cut along {'xy'[axis]} at half its points: the smaller coordinates are for training, with "
        return parts[_checked(split, parts, root)], f"{note}their last quarter as val, the larger ones are the test"
    names = sorted(range(len(scenes)), key=lambda at: scenes[at].path)
    order = random.Random(0).sample(names, len(names))
    count = max(1, round(len(scenes) * _TESTED))
    test, train = [scenes[at] for at in sorted(order[:count])], [scenes[at] for at in sorted(order[count:])]
    parts = {"train": train, "test": test}
    note = f"{len(scenes)} {called}s: {count} of them are the test, drawn by their names"
    if len(train) == 1:
        axis = longer_axis(train[0])
        parts["val"] = [replace(train[0], part=Part(axis, 1 - _WATCHED, 1))]
        parts["train"] = [replace(train[0], part=Part(axis, 0, 1 - _WATCHED))]
        note += f"; the last quarter of the other one along {'xy'[axis]} is val"
    return parts[_checked(split, parts, root)], note


def _checked(split: str, parts: dict[str, list[Scene]], root: Path) -> str:
    (chosen,) = select_splits(split, parts, root)
    return chosen

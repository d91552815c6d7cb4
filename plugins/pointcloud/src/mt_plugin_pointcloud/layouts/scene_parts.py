"""Which scenes are trained on and which are tested, where a data set does not say it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import select_splits
from mt_plugin_pointcloud.scenes import Part, Scene, part_of, read_scene

_TESTED = 0.2  # of whole scenes
_QUARTERS = 4  # of a scene that is trained on, one of which selects the epoch where no other scene could


def parted(scenes: Sequence[Scene], split: str, root: Path, called: str) -> tuple[list[Scene], str]:
    """The scenes of a split, and a note on how they were split.

    A fifth of several scenes, whole ones, is the test part. A single one is cut into halves along the longer of x and
    y, each of half the points: that of the larger coordinates is the test part. Where one scene, or half, alone is left
    to train on, the quarter of it along the same axis whose points have classes in the likest shares is the val part.

    Args:
        called: What the scenes are: "room".

    Raises:
        MissingSplitError: no such part.
    """
    if split == "all":
        return list(scenes), ""
    if len(scenes) == 1:
        (scene,) = scenes
        axis = _longer_axis(scene)
        train, val = _with_val(scene, axis, 0, 0.5)
        parts = {"train": [train], "val": [val], "test": [replace(scene, part=Part(axis, ((0.5, 1),)))]}
        note = (
            f"1 {called}, cut along {'xy'[axis]} at half its points: the larger coordinates are the test, a quarter of "
            "the others is val"
        )
        return parts[_checked(split, parts, root)], note
    names = sorted(range(len(scenes)), key=lambda at: scenes[at].path)
    order = random.Random(0).sample(names, len(names))
    count = max(1, round(len(scenes) * _TESTED))
    tested, trained = [scenes[at] for at in sorted(order[:count])], [scenes[at] for at in sorted(order[count:])]
    parts = {"train": trained, "test": tested}
    note = f"{len(scenes)} {called}s: {count} of them are the test, drawn by their names"
    if len(trained) == 1:
        axis = _longer_axis(trained[0])
        train, val = _with_val(trained[0], axis, 0, 1)
        parts |= {"train": [train], "val": [val]}
        note += f"; a quarter of the other one along {'xy'[axis]} is val"
    return parts[_checked(split, parts, root)], note


def _checked(split: str, parts: dict[str, list[Scene]], root: Path) -> str:
    (chosen,) = select_splits(split, parts, root)
    return chosen


def _longer_axis(scene: Scene) -> int:
    """0 or 1: of x and y, along which a scene is longer."""
    extent = np.ptp(read_scene(scene).points[:, :2], axis=0)
    return int(extent[1] > extent[0])


def _with_val(scene: Scene, axis: int, low: float, high: float) -> tuple[Scene, Scene]:
    """Three quarters of what lies between two shares of the points along an axis, and the quarter that is most like
    the whole."""
    edges = np.linspace(low, high, _QUARTERS + 1).tolist()
    cloud = read_scene(scene)
    whole = _shares(scene, part_of(cloud, Part(axis, ((low, high),))).labels)
    of_quarter = [_shares(scene, part_of(cloud, Part(axis, (ends,))).labels) for ends in pairwise(edges)]
    chosen = int(np.argmin([np.abs(shares - whole).sum() for shares in of_quarter]))
    first, end = edges[chosen], edges[chosen + 1]
    kept = tuple(span for span in ((low, first), (end, high)) if span[0] < span[1])
    return replace(scene, part=Part(axis, kept)), replace(scene, part=Part(axis, ((first, end),)))


def _shares(scene: Scene, labels: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Of each class among the points of which one is known."""
    assert labels is not None
    counts = np.array([np.count_nonzero(labels == number) for number, _ in scene.numbers], np.float64)
    shares: NDArray[np.float64] = counts / max(counts.sum(), 1)
    return shares

"""Scenes: the files of large clouds whose points have classes.  N points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, Segmentation
from mt_core.errors import InputError, OptionError
from mt_plugin_pointcloud.cloud import PointCloud, keeping_all_points
from mt_plugin_pointcloud.reading import read_cloud

Kind = Literal["s3dis", "semantickitti", "cloud"]

_READERS = {
    "s3dis": "mt_plugin_pointcloud.layouts.s3dis:read_room",
    "semantickitti": "mt_plugin_pointcloud.layouts.semantickitti:read_scan",
}


class Part(NamedTuple):
    """A part of a scene between planes.

    Attributes:
        axis: 0 for x, 1 for y.
        spans: Of each of its pieces the shares of the points that lie before its beginning and before its end along the
            axis.
    """

    axis: int
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scene:
    """A scene that is not yet read.

    Attributes:
        path: Its file or folder.
        kind: How it is read.
        numbers: The number that stands for each class in its files, with the name of the class; several numbers may
            have one name.
        void: Numbers of no class.
        labels: The file with the classes of its points, where that is another one.
        part: Which part of it; None: all of it.
    """

    path: str
    kind: Kind
    numbers: tuple[tuple[int, str], ...]
    void: tuple[int, ...] = ()
    labels: str | None = None
    part: Part | None = None

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class SceneLabels:
    """The classes of a scene's points, as indices into the classes of a task; read when they are asked for.

    Attributes:
        classes: Of the task.
    """

    scene: Scene
    classes: tuple[str, ...]

    def of(self, cloud: PointCloud) -> NDArray[np.int64]:
        """(N,) class indices of a scene's points, `MISSING_CLASS` for numbers of no class.

        Raises:
            InputError: a number that is neither that of a class nor of none.
        """
        assert cloud.labels is not None
        index_of = {name: index for index, name in enumerate(self.classes)}
        known = {number: index_of[name] for number, name in self.scene.numbers}
        known |= dict.fromkeys((*self.scene.void, -1), MISSING_CLASS)
        present, places = np.unique(cloud.labels, return_inverse=True)
        strange = [str(number) for number in present.tolist() if number not in known]
        if strange:
            raise InputError(
                f"{self.scene.labels or self.scene.path} has points of class {', '.join(strange[:5])}, which is "
                f"none of {', '.join(str(number) for number, _ in self.scene.numbers[:30])}",
                fix="name its classes, -D classes=…, or give numbers of no class as -D void=…",
            )
        indices = np.array([known[number] for number in present.tolist()], np.int64)
        return indices[places.reshape(-1)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.of(read_scene(self.scene)).astype(dtype or np.int64)


def read_scene(scene: Scene) -> PointCloud:
    """All points of a scene, or of its part, with the numbers of their classes as its files have them.

    Raises:
        InputError: files that cannot be read, or that do not say the class of each point.
    """
    whole = _whole(replace(scene, part=None), _stamps(scene))
    return whole if scene.part is None else part_of(whole, scene.part)


@lru_cache(maxsize=1)  # of its parts, and of the scene and its labels, the file is read once
def _whole(scene: Scene, stamps: tuple[tuple[int, int], ...]) -> PointCloud:
    with keeping_all_points():
        if scene.kind in _READERS:
            module, function = _READERS[scene.kind].split(":")
            reader: Callable[[Scene], PointCloud] = getattr(import_module(module), function)
            return reader(scene)
        cloud = read_cloud(scene.path)
    if cloud.labels is None:
        raise InputError(
            f"{scene.path} does not say which class its points have",
            fix="name the column label or classification (PLY, PCD, CSV), or use LAS",
        )
    return cloud


def _stamps(scene: Scene) -> tuple[tuple[int, int], ...]:
    """When the files of a scene were written, and how long they are, so that those that have changed are read again."""
    path = Path(scene.path)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    files += [Path(scene.labels)] if scene.labels else []
    stats = [file.stat() for file in files if file.exists()]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)


def part_of(cloud: PointCloud, part: Part) -> PointCloud:
    """The points of a part, in their order.

    Raises:
        InputError: fewer than two points.
    """
    order = np.argsort(cloud.points[:, part.axis], kind="stable")
    pieces = [order[round(low * len(order)) : round(high * len(order))] for low, high in part.spans]
    index = np.sort(np.concatenate(pieces))
    if len(index) < 2:
        raise InputError(f"{cloud.name} has {len(order)} points, too few to be cut", fix="give larger scenes")
    return taken(cloud, index)


def taken(cloud: PointCloud, index: NDArray[np.int64]) -> PointCloud:
    """Some of the points of a cloud, as a cloud of its own."""
    return replace(
        cloud,
        points=cloud.points[index],
        channels={name: values[index] for name, values in cloud.channels.items()},
        labels=None if cloud.labels is None else cloud.labels[index],
        rows=None,
        num_rows=len(index),
    )


def check_classes(found: Mapping[int, str] | tuple[str, ...], task: Segmentation, source: str) -> None:
    """Refuse data with classes that a run does not have.

    Raises:
        OptionError: names them.
    """
    names = found.values() if isinstance(found, Mapping) else found
    if unknown := sorted(set(names) - set(task.classes)):
        raise OptionError(
            f"{source} has classes that the task does not: {', '.join(unknown[:8])}",
            fix=f"the task has {', '.join(task.classes[:20])}; rename the others, or give them as -D void=…",
        )

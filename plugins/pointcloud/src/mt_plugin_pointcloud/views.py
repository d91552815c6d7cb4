"""What is seen of a segmentation: the cloud, coloured by class; and a survey with its classification set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Segmentation
from mt_core.errors import InputError, RunError
from mt_core.sdk import left_out, mask_from
from mt_plugin_pointcloud.cloud import PointCloud, keeping_all_points
from mt_plugin_pointcloud.layouts.labelled_points import LAS_CLASSES
from mt_plugin_pointcloud.layouts.semantickitti import CLASSES as SWEEP_CLASSES
from mt_plugin_pointcloud.reading import read_cloud
from mt_plugin_pointcloud.reading.las import chunk_points, opened
from mt_plugin_pointcloud.scene_blocks import rows_of

COLOURS = (
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189),
    (140, 86, 75), (227, 119, 194), (127, 127, 127), (188, 189, 34), (23, 190, 207),
)  # fmt: skip
"""Of the classes in their order, over and over. Source: Tableau 10, as matplotlib's default cycle has it."""

_SURVEYS = (".las", ".laz")
_FIRST_OWN, _LAST_OWN = 64, 255
"""Numbers of classes that users may define, of point formats from 6 on."""
_LAST_OF_OLD = 31
"""The last number of a class that point formats below 6 have room for."""


def write(source: Any, records: list[dict[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """`<name>_classes.ply`: every point at its place in the file's own coordinates, with its colour and class.

    The header's comments say which colour is which class. Of a scene that is a survey also `<name>_classified.las`, or
    .laz: the survey with its classification set and all else as it was; of a sweep, by a run of SemanticKITTI's
    classes, `<name>.label`. Nothing for a task that does not label points.

    Args:
        source: The cloud's file.
        records: The one prediction of it, a class a point.

    Raises:
        InputError: predictions for another number of points, as those without labels=points are.
        RunError: a folder that cannot be written to.
    """
    if not isinstance(task, Segmentation):
        return []
    is_scene = task.of == "points"
    cloud = _scene(source) if is_scene else read_cloud(source)
    predicted = records[0]["prediction"]
    if is_scene:
        labels, num_points = mask_from(predicted), cloud.num_rows
    else:
        number_of = {name: number for number, name in enumerate(task.classes)}
        labels, num_points = np.array([number_of[name] for name in predicted]), len(cloud.points)
    if len(labels) != num_points:
        raise InputError(
            f"{source} has {num_points} points and predictions for {len(labels)}",
            fix="predict it again" if is_scene else "train with -D labels=points",
        )
    written = [folder / f"{Path(source).stem}_classes.ply"]
    try:
        _write_ply(written[0], cloud, labels[rows_of(cloud)] if is_scene else labels, task.classes)
        if is_scene and Path(source).suffix.lower() in _SURVEYS:
            written += _write_survey(Path(source), labels, task, folder)
        if _is_of_sweeps(task) and Path(source).suffix.lower() == ".bin":
            written.append(folder / f"{Path(source).stem}.label")
            _numbered(labels, task.numbers).astype("<u4").tofile(written[-1])
    except OSError as error:
        raise RunError(f"{folder} cannot be written to ({error.strerror})", fix="choose another folder") from None
    return written


def _scene(source: Any) -> PointCloud:
    with keeping_all_points():
        return read_cloud(source)


def _write_ply(path: Path, cloud: PointCloud, labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
    axes = [(axis, "<f8") for axis in "xyz"]
    rows = np.empty(len(labels), [*axes, *((name, "u1") for name in ("red", "green", "blue")), ("label", "<i4")])
    for column, axis in enumerate("xyz"):
        rows[axis] = cloud.points[:, column] + cloud.origin[column]
    for column, name in enumerate(("red", "green", "blue")):
        rows[name] = np.array(COLOURS, np.uint8)[labels % len(COLOURS), column]
    rows["label"] = labels
    with path.open("wb") as file:
        file.write(_header(len(rows), classes).encode())
        rows.tofile(file)


def _write_survey(source: Path, labels: NDArray[np.int64], task: Segmentation, folder: Path) -> list[Path]:
    """The survey with the number of each point's class, a chunk in memory at a time; points that were left out when it
    was read get 0, never classified. Nothing where its point format has no room for a class, which is reported."""
    import laspy

    path = folder / f"{source.stem}_classified{source.suffix}"
    with opened(source) as reader:
        header = reader.header
        numbers = survey_numbers(task, header.point_format.id)
        if numbers is None:
            left_out(
                str(source),
                f"no {path.name} is written: point format {header.point_format.id} has no room for classes that are "
                "not those of the LAS specification",
            )
            return []
        every = _numbered(labels, numbers).astype(np.uint8)
        with laspy.open(path, mode="w", header=header, do_compress=header.are_points_compressed) as writer:
            start = 0
            for chunk in reader.chunk_iterator(chunk_points(header)):
                chunk.classification = every[start : start + len(chunk)]
                start += len(chunk)
                writer.write_points(chunk)
    return [path]


def survey_numbers(task: Segmentation, point_format: int) -> list[int] | None:
    """The number in LAS files of each class: that of the files that were trained on, where those had numbers; else that
    of the specification, where it has a class of this name, else one that users may define. None where the point format
    has no room for one.

    Source: ASPRS, "LAS specification 1.4 R15", tables 9 and 17.
    """
    known = {name: number for number, name in enumerate(LAS_CLASSES)}
    of_files = () if _is_of_sweeps(task) else task.numbers
    numbers = of_files or [known.get(name, _FIRST_OWN + index) for index, name in enumerate(task.classes)]
    last = _LAST_OWN if point_format >= 6 else _LAST_OF_OLD
    return None if max(numbers) > last else list(numbers)


def _is_of_sweeps(task: Segmentation) -> bool:
    """Whether its numbers are those of SemanticKITTI, which mean other classes in a survey."""
    return task.classes == tuple(SWEEP_CLASSES)


def _numbered(labels: NDArray[np.int64], numbers: Sequence[int]) -> NDArray[np.int64]:
    """The number of each point's class; 0 for points that were left out when the file was read."""
    return np.where(labels >= 0, np.array(numbers)[labels], 0)


def _header(num_points: int, classes: tuple[str, ...]) -> str:
    legend = "".join(
        f"comment class {number} {name}: {' '.join(map(str, COLOURS[number % len(COLOURS)]))}\n"
        for number, name in enumerate(classes)
    )
    properties = "".join(f"property double {axis}\n" for axis in "xyz")
    properties += "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    return (
        f"ply\nformat binary_little_endian 1.0\n{legend}element vertex {num_points}\n{properties}property int label\n"
        "end_header\n"
    )

"""What is seen of a segmentation: the cloud, coloured by class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import AnyTask, Segmentation
from mt_core.errors import InputError, RunError
from mt_plugin_pointcloud.reading import read_cloud

COLOURS = (
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189),
    (140, 86, 75), (227, 119, 194), (127, 127, 127), (188, 189, 34), (23, 190, 207),
)  # fmt: skip
"""Of the classes in their order, over and over. Source: Tableau 10, as matplotlib's default cycle has it."""


def write(source: Any, records: list[dict[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """`<name>_classes.ply`: every point at its place in the file's own coordinates, with its colour and class.

    The header's comments say which colour is which class. Nothing for a task that does not label points.

    Args:
        source: The cloud's file.
        records: The one prediction of it, a class a point.

    Raises:
        InputError: predictions for another number of points, as those without labels=points are.
        RunError: a folder that cannot be written to.
    """
    if not isinstance(task, Segmentation):
        return []
    cloud = read_cloud(source)
    predicted = records[0]["prediction"]
    if len(predicted) != len(cloud.points):
        raise InputError(
            f"{source} has {len(cloud.points)} points and predictions for {len(predicted)}",
            fix="train with -D labels=points",
        )
    number_of = {name: number for number, name in enumerate(task.classes)}
    labels = np.array([number_of[name] for name in predicted])
    axes = [(axis, "<f8") for axis in "xyz"]
    rows = np.empty(len(labels), [*axes, *((name, "u1") for name in ("red", "green", "blue")), ("label", "<i4")])
    for column, axis in enumerate("xyz"):
        rows[axis] = cloud.points[:, column] + cloud.origin[column]
    for column, name in enumerate(("red", "green", "blue")):
        rows[name] = np.array(COLOURS, np.uint8)[labels % len(COLOURS), column]
    rows["label"] = labels
    path = folder / f"{Path(source).stem}_classes.ply"
    try:
        path.write_bytes(_header(len(rows), task.classes).encode() + rows.tobytes())
    except OSError as error:
        raise RunError(f"{path} cannot be written ({error.strerror})", fix="choose another folder") from None
    return [path]


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

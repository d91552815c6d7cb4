"""Columns by name: what formats call coordinates and channels.  N points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import left_out, reinterpreted
from mt_plugin_pointcloud.cloud import LABELS

Array = NDArray[Any]

# several spellings a column, the first that is there counts
_MOST_CLASSES = 60
_MOST_COLUMNS = 30
"""Rows with more are points side by side."""

POINTS = (
    ("x", "y", "z"),
    ("relative_x", "relative_y", "relative_z"),
    ("origin_x", "origin_y", "origin_z"),
    ("easting", "northing", "elevation"),
    ("easting", "northing", "height"),
    ("point_x", "point_y", "point_z"),
    ("points_m_xyz:0", "points_m_xyz:1", "points_m_xyz:2"),
    ("points:0", "points:1", "points:2"),
)
_CHANNELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "intensity": (
        ("intensity",),
        ("reflectance",),
        ("remission",),
        ("scalar_intensity",),
        ("reflectivity",),
        ("scalar_reflectance",),
        ("i",),
    ),
    "normals": (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z")),
    "colour": (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue")),
    LABELS: (("label",), ("class",), ("classification",), ("scalar_label",), ("scalar_classification",)),
}


class Raw(NamedTuple):
    """What a reader finds in a file: points (N, 3), channels (N, C) by name, and a mesh's triangles (T, 3)."""

    points: Array
    channels: Mapping[str, Array]
    triangles: Array | None = None


def find(names: Sequence[str], source: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The columns of the coordinates, and those of each channel that is there.

    Args:
        names: All columns, in lower case.

    Raises:
        InputError: no coordinates among them.
    """
    there = set(names)
    points = next((spelling for spelling in POINTS if there.issuperset(spelling)), None)
    if points is None:
        raise InputError(
            f"{source} has the columns {', '.join(names)[:200]} and no coordinates",
            fix="name three of them x, y and z",
        )
    channels = {
        channel: spelling
        for channel, spellings in _CHANNELS.items()
        if (spelling := next((each for each in spellings if there.issuperset(each)), None))
    }
    return points, channels


def from_table(table: Mapping[str, Array] | Array, names: Sequence[str], source: str) -> Raw:
    """Coordinates and channels from columns.

    Args:
        table: Anything that gives a column (N,) for a name of `names`: a mapping or a structured array.

    Returns:
        The types of the columns are kept, so that integers can be scaled.
    """
    lower = {name.lower(): name for name in names}
    points, channels = find(list(lower), source)

    def stacked(columns: tuple[str, ...]) -> Array:
        return np.stack([table[lower[column]] for column in columns], axis=1)

    return Raw(stacked(points), {channel: stacked(columns) for channel, columns in channels.items()})


def from_rows(rows: Array, source: str) -> Raw:
    """Coordinates and channels from columns without names: x, y, z, then intensity, normals or colour.

    One further column is intensity. Three are normals where they have length one, colour where they have not; six are
    colour and normals in the order that this tells. Four are intensity and three colours of 0 to 255, in either order;
    or colours or normals, and behind them a class of each point. Others carry no known meaning and are left out.

    Raises:
        InputError: fewer than three columns, or points side by side.
    """
    if rows.dtype.names:
        return from_table(rows, rows.dtype.names, source)
    if rows.ndim == 1 and rows.size == 0:
        raise InputError(f"{source} holds no points", fix="export it again, or leave it out")
    if rows.ndim != 2 or rows.shape[1] < 3 or rows.dtype.kind not in "fiu":
        raise InputError(
            f"{source} holds {rows.dtype} of shape {rows.shape}, not numbers of shape (points, 3 or more)",
            fix="give one row a point: x, y, z and then its channels; transpose an array of shape (3, points)",
        )
    if rows.shape[1] > _MOST_COLUMNS and rows.shape[0] <= _MOST_COLUMNS:
        raise InputError(
            f"{source} has {rows.shape[0]} rows of {rows.shape[1]:,} columns",
            fix="give one row a point: transpose an array of shape (3, points)",
        )
    points, further = rows[:, :3], rows[:, 3:]
    channels: dict[str, Array] = {}
    if further.shape[1] == 1:
        channels["intensity"] = further
    elif further.shape[1] == 4:
        channels = _of_four(further, source)
    elif further.shape[1] in (3, 6):
        for first in range(0, further.shape[1], 3):
            three = further[:, first : first + 3]
            kind = "normals" if _are_unit(three) else "colour"
            if kind == "colour" and (three < 0).any():
                left_out(source, "three columns that are neither colours nor normals of length one")
            else:
                channels.setdefault(kind, three)
    elif further.shape[1]:
        left_out(source, f"{further.shape[1]} columns behind x, y, z, whose meaning is not known")
    return Raw(points, channels)


def _of_four(further: Array, source: str) -> dict[str, Array]:
    """Channels of four columns without names."""
    first, last = further[:, :3], further[:, 3:]
    if _are_classes(last):
        if _are_unit(first):
            return {"normals": first, LABELS: last}
        if _are_fractions(first) or (_are_bytes(first) and first.max() > _MOST_CLASSES):
            reinterpreted(source, "four columns behind x, y, z taken for red, green, blue and a class")
            return {"colour": first, LABELS: last}
    if _are_bytes(further[:, 1:]):  # as Leica's .pts
        if _are_bytes(first):
            reinterpreted(source, "four columns behind x, y, z taken for intensity, red, green, blue")
        return {"intensity": further[:, :1], "colour": further[:, 1:]}
    if _are_bytes(first):
        return {"intensity": last, "colour": first}
    if _are_unit(first):
        return {"normals": first, "intensity": last}
    left_out(source, "4 columns behind x, y, z, whose meaning is not known")
    return {}


def _are_classes(column: Array) -> bool:
    """Whether these are whole numbers from 0 to a few, of which each comes often."""
    if not len(column) or not ((column == np.rint(column)) & (column >= 0) & (column <= _MOST_CLASSES)).all():
        return False
    return 4 * len(np.unique(column)) <= len(column)


def _are_fractions(colours: Array) -> bool:
    return colours.dtype.kind == "f" and bool(((colours >= 0) & (colours <= 1)).all())


def _are_bytes(colours: Array) -> bool:
    """Whether these are whole numbers from 0 to 255, and not all 0 or 1."""
    seen = colours[:1000]
    return bool(len(seen)) and bool(((seen == np.rint(seen)) & (seen >= 0) & (seen <= 255)).all() and seen.max() > 1)


def _are_unit(vectors: Array) -> bool:
    with np.errstate(over="ignore"):
        lengths = (vectors[:1000].astype(np.float64) ** 2).sum(1)
    return bool(len(lengths)) and bool((np.abs(lengths - 1) < 0.05).mean() > 0.9)

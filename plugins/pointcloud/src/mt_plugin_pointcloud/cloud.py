"""The sample: points of one cloud, with what was measured at each.  N points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import left_out, reinterpreted

CHANNELS = {"intensity": 1, "normals": 3, "colour": 3}
"""What a point may carry beside its place, and in how many numbers."""

LABELS = "labels"
"""What readers call the column with the class of each point."""

_ROWS = "rows"

KEPT_POINTS = 200_000
"""Clouds of more points are thinned to every n-th when they are read."""

_LARGEST_SPAN = 1e12  # squares of coordinates must stay far from the end of float32
_SMALLEST_SPAN = 1e-12
_ZEROS = 0.01  # of all points: more of them at the very origin are a scanner's mark and no points

Array = NDArray[Any]


@dataclass(frozen=True)
class PointCloud:
    """Points and what was measured at each.

    Attributes:
        points: (N, 3) float32, in the file's unit, relative to `origin`.
        channels: By name, some of `CHANNELS`: (N, C) float32. Intensity as in the file, integers of 8 and 16 bits as a
            fraction of their type's range; colour in [0, 1].
        origin: (3,) float64, the middle of the bounding box in the file's coordinates. Subtracted in float64, since
            metres of a UTM zone do not fit into float32.
        name: What the cloud is called in messages: its file.
        labels: (N,) int64, the class that the file says each point has, -1 where it says none; never an input.
        rows: (N,) int64, which points of the file these are; None: all of them.
        num_rows: Points that the file has.
    """

    points: NDArray[np.float32]
    channels: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    origin: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    name: str = "<points>"
    labels: NDArray[np.int64] | None = None
    rows: NDArray[np.int64] | None = None
    num_rows: int = 0


_keeps_all: ContextVar[bool] = ContextVar("keeps_all", default=False)


@contextmanager
def keeping_all_points() -> Iterator[None]:
    """Within it no cloud is thinned when it is read."""
    token = _keeps_all.set(True)
    try:
        yield
    finally:
        _keeps_all.reset(token)


def step_for(num_points: int) -> int:
    """Every how many points one is kept, so that no more than `KEPT_POINTS` remain."""
    return 1 if _keeps_all.get() else max(1, -(-num_points // KEPT_POINTS))


def make_cloud(points: Array, channels: Mapping[str, Array] | None = None, *, name: str = "<points>") -> PointCloud:
    """A cloud from raw columns: thinned, without the points that are not finite, about its middle.

    Scanners write NaN for "no return", so such points are left out; a channel that is not finite counts as zero there.

    Args:
        points: (N, 3) coordinates of any type.
        channels: By name (N, C); "labels" among them become those of the cloud.

    Raises:
        InputError: not (N, 3), no finite point, points that all coincide, or that span more than 1e12.
    """
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "fiu":
        raise InputError(
            f"{name} holds {points.dtype} of shape {points.shape}, not numbers of shape (points, 3)",
            fix="give one row a point: x, y, z and then its channels",
        )
    if len(points) == 0:
        raise InputError(f"{name} holds no points", fix="export it again, or leave it out")
    num_rows, step = len(points), step_for(len(points))
    points = points[::step]
    channels = {key: np.asarray(values)[::step] for key, values in (channels or {}).items()}
    channels[_ROWS] = np.arange(0, num_rows, step)
    axes = np.ascontiguousarray(points.T)  # rows as long as the cloud: much faster to reduce than rows of three
    finite = np.isfinite(axes)
    if not finite.all():
        whole = finite.all(0)
        axes = axes[:, whole]
        channels = {key: values[whole] for key, values in channels.items()}
    axes, channels = _without_returns_of_zero(axes, channels, name)
    if axes.shape[1] == 0:
        raise InputError(f"{name} holds no finite point: all are NaN or infinite", fix="check how it was exported")
    low, high = axes.min(1).astype(np.float64), axes.max(1).astype(np.float64)
    span = float((high / 2 - low / 2).max()) * 2
    if span < _SMALLEST_SPAN:
        raise InputError(
            f"{name} holds {axes.shape[1]} point(s), all at the same place",
            fix="a cloud needs at least two different points: leave this one out",
        )
    if span > _LARGEST_SPAN:
        raise InputError(
            f"{name} spans {span:.3g} units, which no scan does",
            fix="check the file's byte order and columns, or remove the stray points",
        )
    origin = low / 2 + high / 2
    labels, rows = channels.pop(LABELS, None), channels.pop(_ROWS)
    return PointCloud(
        np.ascontiguousarray((axes - origin[:, None]).T, dtype=np.float32),
        {key: _channel(key, values, name) for key, values in channels.items()},
        origin,
        name,
        None if labels is None else _labels(labels),
        None if len(rows) == num_rows else rows,
        num_rows,
    )


def _without_returns_of_zero(axes: Array, channels: dict[str, Array], name: str) -> tuple[Array, dict[str, Array]]:
    """Points (3, N) and channels without the points at the very origin, where a scanner marks so what did not return:
    more than `_ZEROS` of all, and far more than lie at any other place."""
    at_zero: NDArray[np.bool_] = ~np.any(axes, axis=0)
    count = int(np.count_nonzero(at_zero))
    rest = axes[:, ~at_zero]
    if count < 2 or count <= _ZEROS * len(at_zero) or not rest.size:
        return axes, channels
    if count <= 3 * rest.shape[1] / np.unique(rest, axis=1).shape[1]:
        return axes, channels
    left_out(name, f"{count:,} of {len(at_zero):,} points lie exactly at 0, 0, 0: no return")
    return rest, {key: values[~at_zero] for key, values in channels.items()}


def checked(cloud: PointCloud) -> PointCloud:
    """The same cloud.

    Raises:
        InputError: a number in it is not finite.
    """
    for key, values in {"points": cloud.points, **cloud.channels}.items():
        if not np.isfinite(values).all():
            raise InputError(
                f"{cloud.name} holds {key} that are NaN or infinite",
                fix="give its points as an array: they are left out",
            )
    return cloud


def _labels(values: Array) -> NDArray[np.int64] | None:
    """(N,) -1 where there is none; None where they are no classes, for they are not whole numbers."""
    labels = np.nan_to_num(values.reshape(len(values)).astype(np.float64), nan=-1, posinf=-1, neginf=-1)
    return np.maximum(labels, -1).astype(np.int64) if np.array_equal(labels, np.rint(labels)) else None


def _channel(name: str, values: Array, source: str) -> NDArray[np.float32]:
    """(N, C) float32. Integers of 8 and 16 bits become fractions of their type's range; wider ones are numbers.

    Told: 16-bit colours that are all below 256, which many programs write, are 8-bit; normals in bytes are -1 to 1.
    """
    values = values[:, None] if values.ndim == 1 else values
    if name == "colour" and values.dtype == np.uint16 and 0 < values.max() < 256:
        reinterpreted(source, "16-bit colours that are all below 256 taken for 8-bit")
        return np.asarray(values / 255, dtype=np.float32)
    if name == "normals" and values.dtype == np.uint8:
        reinterpreted(source, "normals of 0 to 255 taken for -1 to 1")
        return np.asarray(values / 127.5 - 1, dtype=np.float32)
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return np.asarray(values / np.iinfo(values.dtype).max, dtype=np.float32)
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if name == "colour" and (largest := finite.max()) > 1:
        finite /= 255 if largest <= 255 else 65535
    limit = float(np.finfo(np.float32).max)
    return np.asarray(np.clip(finite, -limit, limit), dtype=np.float32)

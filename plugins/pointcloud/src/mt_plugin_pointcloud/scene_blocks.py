"""Blocks of a scene as neighbourhoods and places.  V blocks, G groups, K neighbours, C numbers a point, T places of all
blocks one block after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import MISSING_CLASS
from mt_core.errors import InputError
from mt_plugin_pointcloud.augmentation import augment
from mt_plugin_pointcloud.blocks import covering_blocks, in_block, random_block, weights_in_block
from mt_plugin_pointcloud.cloud import PointCloud
from mt_plugin_pointcloud.grouping import canonical_order, farthest_points, nearest_neighbours

SIDE = ("places", "places_mask", "place_values", "counts", "index", "weights", "size")
"""What a head needs of prepared scenes beside the tokens."""

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Grouping:
    """How a block becomes neighbourhoods: the tokenizer's options of these names."""

    max_points: int
    groups: int
    ratio: float
    neighbours: int

    def of(self, points: Rows, carried: Rows, start: int | None = None) -> tuple[Rows, Rows]:
        """(G, K, 3 + C) neighbourhoods about their centres, and (G, 3) the centres.

        Args:
            start: The first centre; None: the point farthest from the mean.
        """
        count = min(self.groups, max(1, round(len(points) * self.ratio)))
        centres = points[farthest_points(points, count, start)]
        members = nearest_neighbours(points, centres, self.neighbours)
        return np.concatenate([points[members] - centres[:, None], carried[members]], axis=-1), centres


def covered(
    cloud: PointCloud, carried: Rows, side: float, overlap: float, upright: str, grouping: Grouping
) -> dict[str, Tensor]:
    """All points of a scene, in overlapping blocks.

    Args:
        carried: (N, C) the wanted channels.
        side: Of a block's square, in the cloud's unit.

    Returns:
        groups (V, G, K, 3 + C), centres (V, G, 3) and their heights (V, G, 1), with is_group (V, G) where a block has
        them; the places (T, 3) of the points of each block, in its frame, and place_values (T, 1 + C), `heights` and
        channels; counts (V,), how many each block has; index (T,), which point of the file each is; weights (T,), what
        its block counts for; size (1,), the points of the file.
    """
    height = "xyz".index(upright)
    axes = _ground_axes(height)
    found = covering_blocks(cloud.points[:, list(axes)], side, overlap)
    places = np.empty((len(found.points), 3), np.float32)
    grouped, end = [], 0
    for index, middle in zip(found.each(), found.middles, strict=True):
        start, end = end, end + len(index)
        places[start:end] = points = in_block(cloud.points[index], middle, side, axes, height)
        kept = canonical_order(points, grouping.max_points) if np.ptp(points, axis=0).any() else slice(0, 1)
        grouped.append(grouping.of(points[kept], carried[index][kept]))
    return {
        **_stacked(grouped, max(len(centres) for _, centres in grouped), height, side),
        "places": torch.from_numpy(places),
        "place_values": torch.from_numpy(
            np.concatenate([heights(places, height, side), carried[found.points]], axis=1)
        ),
        "counts": torch.from_numpy(found.counts),
        "index": torch.from_numpy(rows_of(cloud)[found.points].astype(np.int32)),
        "weights": torch.from_numpy(weights_in_block(places, axes)),
        "size": torch.tensor([max(cloud.num_rows, len(cloud.points))]),
    }


def drawn(
    cloud: PointCloud,
    carried: Rows,
    labels: NDArray[Any] | None,
    side: float,
    num_blocks: int,
    upright: str,
    channels: Sequence[str],
    grouping: Grouping,
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], NDArray[np.int64] | None]:
    """Random blocks of a scene, each turned about the vertical, its points moved a little and its size changed by up to
    a tenth; its places are the points that are looked at.

    Args:
        labels: (N,) classes of the cloud's points; None: not known.
        channels: What `carried` holds.

    Returns:
        As `covered`, without index, weights and size; and (T,) the classes of the places.
    """
    height = "xyz".index(upright)
    axes = _ground_axes(height)
    ground = np.ascontiguousarray(cloud.points[:, list(axes)])
    grouped, places, values, classes = [], [], [], []
    for _ in range(num_blocks):
        index, middle = random_block(ground, side, generator)
        points = in_block(cloud.points[index], middle, side, axes, height)
        kept = torch.randperm(len(index), generator=generator)[: grouping.max_points].numpy()
        points, own, factor, _ = augment(points[kept], carried[index][kept], channels, upright, generator)
        points = points * np.float32(factor)
        start = int(torch.randint(len(points), (), generator=generator))
        grouped.append(grouping.of(points, own, start))
        places.append(points)
        values.append(np.concatenate([heights(points, height, side), own], axis=1))
        classes.append(np.full(len(kept), MISSING_CLASS) if labels is None else labels[index][kept])
    item = {
        **_stacked(grouped, grouping.groups, height, side),
        "places": torch.from_numpy(np.concatenate(places)),
        "place_values": torch.from_numpy(np.concatenate(values)),
        "counts": torch.tensor([len(each) for each in places]),
    }
    return item, None if labels is None else np.concatenate(classes)


def heights(points: Rows, upright: int, side: float) -> Rows:
    """(N, 1) how high points lie above the floor of their block, on a logarithmic scale of the cloud's own unit, so
    that a step of half a unit is seen in large blocks as well.

    Args:
        points: (N, 3) in the frame of their block.
    """
    above = points[:, upright, None] * np.float32(side / 2)
    return np.asarray(np.sign(above) * np.log1p(np.abs(above)), np.float32)


def rows_of(cloud: PointCloud) -> NDArray[np.int64]:
    """(N,) which points of its file a cloud's points are."""
    return np.arange(len(cloud.points)) if cloud.rows is None else cloud.rows


def in_file(cloud: PointCloud, labels: NDArray[Any]) -> NDArray[np.int64]:
    """The class of each point of the file, `MISSING_CLASS` for those that were left out.

    Raises:
        InputError: labels for another number of points than the cloud's.
    """
    if len(labels) != len(cloud.points):
        raise InputError(
            f"{cloud.name} has {len(cloud.points):,} points and {len(labels):,} labels",
            fix="give one label a point, -1 where it is not known",
        )
    every = np.full(max(cloud.num_rows, len(cloud.points)), MISSING_CLASS)
    every[rows_of(cloud)] = labels
    return every


def _ground_axes(height: int) -> tuple[int, int]:
    first, second = (axis for axis in range(3) if axis != height)
    return first, second


def _stacked(grouped: Sequence[tuple[Rows, Rows]], most: int, upright: int, side: float) -> dict[str, Tensor]:
    """Neighbourhoods and centres of all blocks, zeros where one has fewer than `most`."""
    groups = np.zeros((len(grouped), most, *grouped[0][0].shape[1:]), np.float32)
    middles = np.zeros((len(grouped), most, 3), np.float32)
    above = np.zeros((len(grouped), most, 1), np.float32)
    is_group = np.zeros((len(grouped), most), bool)
    for row, (neighbourhoods, centres) in enumerate(grouped):
        count = len(centres)
        groups[row, :count], middles[row, :count], is_group[row, :count] = neighbourhoods, centres, True
        above[row, :count] = heights(centres, upright, side)
    return {
        "groups": torch.from_numpy(groups),
        "centres": torch.from_numpy(middles),
        "is_group": torch.from_numpy(is_group),
        "heights": torch.from_numpy(above),
    }

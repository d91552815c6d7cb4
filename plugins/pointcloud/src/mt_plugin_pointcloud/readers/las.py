"""Airborne and mobile surveys: LAS, and LAZ, its compressed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mt_core.errors import InputError

from mt_plugin_pointcloud.cloud import step_for
from mt_plugin_pointcloud.readers.reading import Raw

_CHUNK = 500_000  # points, about 20 MB


def read_las(path: Path) -> Raw:
    """Scaled coordinates, intensity, and colour where the point format has it.

    Read in chunks of which every n-th point is kept, so that a survey of any size takes bounded memory.

    Source: ASPRS, "LAS specification 1.4 R15".
    """
    import laspy

    chunks: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
    with laspy.open(path) as reader:
        header = reader.header
        _check(path, header)
        step = step_for(header.point_count)
        first = 0
        for chunk in reader.chunk_iterator(_CHUNK):
            kept = chunk[first::step] if step > 1 else chunk
            first = (first - len(chunk)) % step
            coloured = {"red", "green", "blue"} <= set(kept.point_format.dimension_names)
            colour = np.stack([kept["red"], kept["green"], kept["blue"]], axis=1) if coloured else None
            points = np.stack([np.asarray(kept.x), np.asarray(kept.y), np.asarray(kept.z)], axis=1)
            chunks.append((points, np.asarray(kept["intensity"])[:, None], colour))
    if not chunks:
        raise InputError(f"{path} holds no points", fix="export it again, or leave it out")
    channels = {"intensity": np.concatenate([intensity for _, intensity, _ in chunks])}
    colours = [colour for _, _, colour in chunks if colour is not None]
    if colours:
        channels["colour"] = np.concatenate(colours)
    return Raw(np.concatenate([points for points, _, _ in chunks]), channels)


def _check(path: Path, header: Any) -> None:
    """Compare what the header promises with the bytes there are; of compressed points, unpacking tells."""
    left = path.stat().st_size - header.offset_to_point_data
    promised = header.point_count * header.point_format.size
    if not header.are_points_compressed and promised > left:
        raise InputError(
            f"{path} promises {header.point_count:,} points, {promised:,} bytes, and has {max(left, 0):,}",
            fix="copy the file again: it seems to be cut short",
        )

"""Meshes as text: Geomview's OFF, in which ModelNet comes, and Wavefront's OBJ."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
from mt_core.errors import InputError

from mt_plugin_pointcloud.readers.polygons import fan
from mt_plugin_pointcloud.readers.reading import Raw
from mt_plugin_pointcloud.readers.text import decoded, numbers


def read_off(path: Path) -> Raw:
    """Vertices and faces.

    The counts may stand on the first line, as in files of ModelNet: "OFF490 518 0".

    Raises:
        InputError: no OFF header, or fewer lines than it promises.

    Source: Geomview manual, "OFF files"; Wu et al. 2015 (ModelNet), arXiv:1406.5670.
    """
    lines = [line for raw in decoded(path).splitlines() if (line := raw.split("#")[0].strip())]
    if not lines or not lines[0].startswith("OFF"):
        raise InputError(f"{path} does not start with 'OFF'", fix="give the file the suffix of its format")
    counts, start = (lines[0][3:], 1) if lines[0][3:].strip() else (lines[1] if len(lines) > 1 else "", 2)
    words = counts.split()
    if len(words) < 2 or not all(word.isdigit() for word in words[:2]):
        raise InputError(f"{path} has {counts[:60]!r} where its counts should be", fix="export the file again")
    num_points, num_faces = int(words[0]), int(words[1])
    if len(lines) < start + num_points + num_faces:
        raise InputError(
            f"{path} promises {num_points} points and {num_faces} faces and has {len(lines) - start} lines",
            fix="copy the file again: it seems to be cut short",
        )
    points = numbers("\n".join(lines[start : start + num_points]), path)
    if points.shape[1] < 3:
        raise InputError(f"{path} has {points.shape[1]} coordinates a point", fix="export the file again")
    faces = [line.split() for line in lines[start + num_points : start + num_points + num_faces]]
    sizes = [int(face[0]) for face in faces]
    corners = [face[1 : 1 + size] for face, size in zip(faces, sizes, strict=True)]
    return Raw(points[:, :3], {}, _triangles(corners, path))


def read_obj(path: Path) -> Raw:
    """Vertices, their colour where each line has one, and faces; materials and texture are left out.

    Source: Wavefront, "Object files (.obj)", appendix B1.
    """
    vertices, faces = [], []
    for line in decoded(path).splitlines():
        if line.startswith("v "):
            vertices.append(line[2:])
        elif line.startswith("f "):
            faces.append([corner.split("/")[0] for corner in line.split()[1:]])
    if not vertices:
        raise InputError(f"{path} has no line 'v x y z'", fix="export it again, or give it the suffix of its format")
    rows = numbers("\n".join(vertices), path)
    if rows.shape[1] < 3:
        raise InputError(f"{path} has {rows.shape[1]} coordinates a vertex", fix="export the file again")
    corners = np.array([int(corner) for corner in chain(*faces)], dtype=np.int64)
    corners = np.where(corners > 0, corners - 1, corners + len(rows))  # counted from 1, or from the end
    triangles = fan(corners, np.array([len(face) for face in faces], dtype=np.int64))
    return Raw(rows[:, :3], {"colour": rows[:, 3:6]} if rows.shape[1] >= 6 else {}, triangles)


def _triangles(corners: list[list[str]], path: Path) -> np.ndarray:
    del path
    flat = np.array([int(corner) for corner in chain(*corners)], dtype=np.int64)
    return fan(flat, np.array([len(face) for face in corners], dtype=np.int64))

"""Wavefront's meshes as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mt_core.errors import InputError
from mt_plugin_pointcloud.reading.columns import Raw
from mt_plugin_pointcloud.reading.meshes import triangles
from mt_plugin_pointcloud.reading.text import numbers, whole_text


def read_obj(path: Path) -> Raw:
    """Vertices, their colour where each line has one, and faces; materials and texture are left out.

    Source: Wavefront, "Object files (.obj)", appendix B1.
    """
    vertices, faces, before = [], [], []
    for line in map(str.lstrip, whole_text(path).replace("\\\n", " ").splitlines()):
        if line.startswith(("v ", "v\t")):
            vertices.append(line[2:])
        elif line.startswith(("f ", "f\t")):
            faces.append([corner.split("/")[0] for corner in line.partition("#")[0].split()[1:]])
            before += [len(vertices)] * max(len(faces[-1]) - 2, 0)
    if not vertices:
        raise InputError(f"{path} has no line 'v x y z'", fix="export it again, or give it the suffix of its format")
    rows = numbers(vertices, path)
    if rows.shape[1] < 3:
        raise InputError(f"{path} has {rows.shape[1]} coordinates a vertex", fix="export the file again")
    counted = triangles(faces)  # from 1, or back from the last vertex before the face
    corners = np.where(counted > 0, counted - 1, counted + np.array(before, np.int64).reshape(-1, 1))
    return Raw(rows[:, :3], {"colour": rows[:, 3:6]} if rows.shape[1] >= 6 else {}, corners)

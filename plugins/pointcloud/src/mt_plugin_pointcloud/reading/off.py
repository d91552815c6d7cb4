"""Geomview's meshes as text, in which ModelNet comes."""

from __future__ import annotations

import re
from pathlib import Path

from mt_core.errors import InputError
from mt_plugin_pointcloud.reading.columns import Raw
from mt_plugin_pointcloud.reading.meshes import triangles
from mt_plugin_pointcloud.reading.text import numbers, whole_text

_KEYWORD = re.compile(r"(?:ST)?(?P<colours>C?)(?P<normals>N?)OFF")


def read_off(path: Path) -> Raw:
    """Vertices, with colours or normals where the keyword says so (COFF, NOFF), and faces.

    The counts may stand on the first line, as in files of ModelNet: "OFF490 518 0".

    Raises:
        InputError: no OFF header, or fewer lines than it promises.

    Source: Geomview manual, "OFF files"; Wu et al. 2015 (ModelNet), arXiv:1406.5670.
    """
    lines = [line for raw in whole_text(path).splitlines() if (line := raw.split("#")[0].strip())]
    kind = _KEYWORD.match(lines[0]) if lines else None
    if kind is None or "BINARY" in lines[0].upper():
        raise InputError(
            f"{path} does not start with 'OFF'" if kind is None else f"{path} is a binary OFF file",
            fix="give the file the suffix of its format" if kind is None else "save it as text",
        )
    rest = lines[0][kind.end() :].strip()
    counts, start = (rest, 1) if rest else (lines[1] if len(lines) > 1 else "", 2)
    words = counts.split()
    if len(words) < 2 or not all(word.isdigit() for word in words[:2]):
        raise InputError(f"{path} has {counts[:60]!r} where its counts should be", fix="export the file again")
    num_points, num_faces = int(words[0]), int(words[1])
    if len(lines) < start + num_points + num_faces:
        raise InputError(
            f"{path} promises {num_points} points and {num_faces} faces and has {len(lines) - start} lines",
            fix="copy the file again: it seems to be cut short",
        )
    points = numbers(lines[start : start + num_points], path)
    if points.shape[1] < 3:
        raise InputError(f"{path} has {points.shape[1]} coordinates a point", fix="export the file again")
    faces = [line.split() for line in lines[start + num_points : start + num_points + num_faces]]
    sizes = [int(face[0]) for face in faces]
    corners = [face[1 : 1 + size] for face, size in zip(faces, sizes, strict=True)]
    channels, further = {}, points[:, 3:]
    if kind["normals"] and further.shape[1] >= 3:
        channels["normals"], further = further[:, :3], further[:, 3:]
    if kind["colours"] and further.shape[1] >= 3:
        channels["colour"] = further[:, :3]
    return Raw(points[:, :3], channels, triangles(corners))

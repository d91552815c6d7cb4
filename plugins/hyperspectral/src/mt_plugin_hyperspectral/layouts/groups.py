"""Pixels that belong together: squares of a scene, or numbers that an array has.  H rows, W columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import OptionError
from mt_plugin_hyperspectral.layouts.arrays import labels_in

SCENE = "scene"
"""As a group: each of the scenes of a folder."""

Shapes = dict[Path, dict[str, tuple[int, ...]]]
"""Of the arrays in each file, by name."""

_BLOCK = re.compile(r"block(\d*)")


def block_side(group: str | None) -> int | None:
    """Pixels along a side of the squares that are the groups; None where they are something else.

    Raises:
        OptionError: squares without a side.
    """
    match = _BLOCK.fullmatch(group or "")
    if match is None:
        return None
    if not match[1] or not int(match[1]):
        raise OptionError(
            f"group={group} does not tell how large the squares are", fix="give for instance group=block16"
        )
    return int(match[1])


def block_groups(places: NDArray[np.int64], width: int, side: int) -> list[str]:
    """Of each pixel the row and column that its square begins with: "32-48".

    Args:
        places: row * width + column of each pixel.
    """
    rows, columns = np.divmod(places, width)
    return [f"{row}-{column}" for row, column in zip(rows // side * side, columns // side * side, strict=True)]


def is_array(group: str | None) -> bool:
    """Whether the groups are the numbers of an array."""
    return group is not None and group != SCENE and block_side(group) is None


def apart(shapes: Shapes, group: str) -> tuple[Shapes, Shapes]:
    """The arrays that are called so, but for cubes, and all others: by their own name, else by that of a file with one
    array."""
    named: Shapes = {}
    others: Shapes = {}
    for path, arrays in shapes.items():
        for key, shape in arrays.items():
            is_named = len(shape) < 3 and (key == group or (len(arrays) == 1 and group in (path.name, path.stem)))
            (named if is_named else others).setdefault(path, {})[key] = shape
    return named, others


def groups_in(
    shapes: Shapes, size: tuple[int, int], group: str, others: Iterable[tuple[Path, str]]
) -> NDArray[np.int64]:
    """(H, W) the groups' numbers, 0 for none.

    Args:
        shapes: Of the arrays that are called so.
        size: Of the scene.
        others: Arrays that might have been meant, for the message.

    Raises:
        OptionError: no such array, or several.
        DatasetError: other than whole numbers from 0.
    """
    fitting = [(path, key) for path, arrays in shapes.items() for key, shape in arrays.items() if shape == size]
    if len(fitting) != 1:
        found = ", ".join(f"{path.name} {shape}" for path, arrays in shapes.items() for shape in arrays.values())
        there = ", ".join(dict.fromkeys(key or path.stem for path, key in others))
        raise OptionError(
            f"group={group} is no array of {size[0]} x {size[1]} numbers"
            + (f"; it is {found}" if found else "; there is none called so"),
            fix=f"put {group}.npy, .mat or .tif beside the scene, or take block16 (squares of 16 pixels)"
            + (f"; of this size there are {there}" if there else ""),
        )
    return labels_in(*fitting[0])

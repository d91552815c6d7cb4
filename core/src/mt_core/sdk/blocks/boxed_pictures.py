"""Pictures whose objects have boxes: cut into squares on the lattice of patches, and the boxes moved with them.

H, W size of the picture, h, w of it resized, S side of a square, C channels, M objects, V squares.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import Boxes
from mt_core.errors import InputError
from mt_core.sdk.blocks.crops import Box
from mt_core.sdk.blocks.squares import covering_squares, resized_size

_SMALLEST_SIDE = 0.5  # of the part of a picture that training sees, at strength 1
_LEAST_SEEN = 0.4  # share of an object that a part of the picture shows; with less it is ignored
_TOLERANCE = 1.0  # pixels


def lattice_size(height: int, width: int, size: int, patch: int, across: int) -> tuple[int, int]:
    """`resized_size`, in whole patches."""
    high, wide = (patch * round(side / patch) for side in resized_size(height, width, size, across))
    return max(size, high), max(size, wide)


def lattice_squares(height: int, width: int, size: int, patch: int, overlap: float) -> NDArray[np.int64]:
    """`covering_squares` whose tops and lefts are whole patches."""
    squares_V2 = covering_squares(height, width, size, overlap)
    return patch * np.floor(squares_V2 / patch + 0.5).astype(np.int64)


def random_part(height: int, width: int, strength: float, generator: torch.Generator) -> Box:
    """A part of a picture with the same proportions, at strength 1 at least half as wide and high."""
    smaller, x, y = torch.rand(3, generator=generator).tolist()
    share = 1 - smaller * strength * (1 - _SMALLEST_SIDE)
    left, top = x * (1 - share) * width, y * (1 - share) * height
    return left, top, left + share * width, top + share * height


def boxes_in(target: Boxes, part: Box, *, mirrored: bool, upside_down: bool) -> Boxes:
    """The objects as a part of the picture shows them, in pixels from its left upper corner, turned as it is.

    What is cut to less than 40 % of its area is ignored, and what the part does not show at all is left out.
    """
    left, top, right, bottom = part
    whole_M4 = np.asarray(target.xyxy, np.float64).reshape(-1, 4)
    seen_M4 = np.clip(whole_M4 - (left, top, left, top), 0, np.tile((right - left, bottom - top), 2))
    is_seen = (seen_M4[:, 2:] > seen_M4[:, :2]).all(1)
    seen_M4, share_M = seen_M4[is_seen], _area(seen_M4[is_seen]) / _area(whole_M4[is_seen])
    ignored_M = _ignored(target)[is_seen] | (share_M < _LEAST_SEEN)
    if mirrored:
        seen_M4[:, [0, 2]] = (right - left) - seen_M4[:, [2, 0]]
    if upside_down:
        seen_M4[:, [1, 3]] = (bottom - top) - seen_M4[:, [3, 1]]
    return Boxes(seen_M4, np.asarray(target.classes, np.int64).reshape(-1)[is_seen], ignored_M)


def check_boxes(target: Any, height: int, width: int) -> None:
    """
    Raises:
        InputError: no `Boxes`, boxes of a picture of another size, or one that reaches out of the picture.
    """
    if not isinstance(target, Boxes):
        raise InputError(
            f"a picture's target is a {type(target).__name__}, where its objects are looked for", fix="give Boxes"
        )
    if target.size is not None and tuple(target.size) != (height, width):
        raise InputError(
            f"the picture is {width} x {height} pixels, and its boxes are of one of {target.size[1]} x "
            f"{target.size[0]}",
            fix="give boxes in pixels of this picture, and write its size with them",
        )
    xyxy_M4 = np.asarray(target.xyxy, np.float64).reshape(-1, 4)
    beyond = np.maximum(-xyxy_M4[:, :2], xyxy_M4[:, 2:] - (width, height)).max(initial=0.0)
    if beyond > _TOLERANCE:
        raise InputError(
            f"a box reaches {beyond:.6g} pixels out of the picture, which is {width} x {height} pixels",
            fix="give left, top, right and bottom in pixels of this picture",
        )


def _ignored(target: Boxes) -> NDArray[np.bool_]:
    if target.ignored is None:
        return np.zeros(len(target.classes), bool)
    return np.asarray(target.ignored, bool).reshape(-1)


def _area(xyxy_M4: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((xyxy_M4[:, 2] - xyxy_M4[:, 0]) * (xyxy_M4[:, 3] - xyxy_M4[:, 1]))

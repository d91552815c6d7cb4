"""Squares of a picture and of its mask: overlapping ones that cover all of it, or random ones for training.

H, W pixels of the picture, h, w of it resized, S side of a square, V squares, C channels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.sdk.blocks.crops import Box

_LARGEST_ZOOM = 2.0  # of a square's side in training, at strength 1, one way or the other


def resized_size(height: int, width: int, size: int, across: int) -> tuple[int, int]:
    """Height and width that a picture is resized to before it is cut.

    Args:
        size: S; neither side becomes smaller.
        across: Squares that the shorter side is long; 0: the picture keeps its size, unless it is smaller than S.
    """
    shorter = min(height, width)
    scale = (across * size if across else max(size, shorter)) / shorter
    return max(size, round(height * scale)), max(size, round(width * scale))


def covering_squares(height: int, width: int, size: int, overlap: float) -> NDArray[np.int64]:
    """(V, 2) top and left of squares that cover a resized picture, evenly spaced, row by row.

    Args:
        overlap: Share of a square that its neighbour covers again, at the least.
    """
    rows, columns = (_starts(length, size, overlap) for length in (height, width))
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def _starts(length: int, size: int, overlap: float) -> NDArray[np.int64]:
    steps = math.ceil((length - size) / (size * (1 - overlap)) - 1e-9)
    return np.rint(np.linspace(0, length - size, steps + 1)).astype(np.int64)


def random_square(height: int, width: int, side: float, strength: float, generator: torch.Generator) -> Box:
    """A square part of a picture, anywhere in it.

    Args:
        side: Of the square in pixels, which is made up to twice as long or as short at strength 1.
    """
    zoom, x, y = torch.rand(3, generator=generator).tolist()
    side = min(side * _LARGEST_ZOOM ** ((2 * zoom - 1) * strength), height, width)
    left, top = x * (width - side), y * (height - side)
    return left, top, left + side, top + side


def mask_in(mask_HW: NDArray[Any], size: int, box: Box) -> NDArray[Any]:
    """(S, S) a part of a mask: of each pixel of the square the class that stands at its centre."""
    left, top, right, bottom = box
    rows = _centres(top, bottom, size, mask_HW.shape[0])
    columns = _centres(left, right, size, mask_HW.shape[1])
    return mask_HW[np.ix_(rows, columns)]


def _centres(start: float, end: float, size: int, length: int) -> NDArray[np.int64]:
    places = start + (np.arange(size) + 0.5) * ((end - start) / size)
    inside: NDArray[np.int64] = np.clip(np.floor(places).astype(np.int64), 0, length - 1)
    return inside

"""What training sees of a picture: another part of it each time, mirrored or not.

Everything is drawn from the generator it is given, so that an interrupted training goes on as it would have.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""

_SMALLEST_PART = 0.35  # of the area, at strength 1; the usual 0.08 asks for schedules of hundreds of epochs
_LARGEST_STRETCH = 4 / 3
_LARGEST_SHIFT = 0.25  # of the shorter side, at strength 1


def central_box(width: int, height: int) -> Box:
    """The largest square in the middle."""
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def whole_box(width: int, height: int) -> Box:
    """All there is."""
    return 0.0, 0.0, float(width), float(height)


def random_box(box: Box, strength: float, generator: torch.Generator) -> Box:
    """A random part of a box: at strength 1 at least 35 % of its area, stretched by up to 4/3 one way or the other.

    Source: Szegedy et al. 2015, arXiv:1409.4842, section 6.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    area, stretch, x, y = torch.rand(4, generator=generator).tolist()
    part = math.sqrt(1 - area * strength * (1 - _SMALLEST_PART))
    ratio = math.exp((2 * stretch - 1) * strength * math.log(_LARGEST_STRETCH) / 2)
    part_width, part_height = min(width, width * part * ratio), min(height, height * part / ratio)
    left, top = left + x * (width - part_width), top + y * (height - part_height)
    return left, top, left + part_width, top + part_height


def shifted(pixels: NDArray[Any], strength: float, generator: torch.Generator) -> NDArray[Any]:
    """(H, W, ...) moved by whole pixels, at strength 1 by up to a quarter of the shorter side; its border repeated."""
    height, width = pixels.shape[:2]
    most = round(min(height, width) * _LARGEST_SHIFT * strength)
    across, down = torch.randint(-most, most + 1, (2,), generator=generator).tolist()
    rows, columns = np.arange(height) - down, np.arange(width) - across
    return pixels[np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))]


def is_drawn(probability: float, generator: torch.Generator) -> bool:
    """True with this probability."""
    return bool(torch.rand((), generator=generator) < probability)

"""Points in space as pictures.  P points."""

from __future__ import annotations

import base64
import html
import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TURN, _RISE = math.radians(30), math.radians(35)
"""Of the eye: about the upright axis, and above the ground."""

_COVER = 0.6  # of a lattice of as many points as there are, how much of its cell a dot covers along a side
_MOST_DOT = 4


def projected(points_P3: NDArray[Any], upright: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(P, 2) places on the picture, to the right and down, as shares of its longer side; and (P,) how near each is.

    The cloud is seen obliquely from above, in parallel projection.
    """
    points = np.asarray(points_P3, np.float64)
    vertical = "xyz".index(upright)
    first, second = (axis for axis in range(3) if axis != vertical)
    a, b, up = points[:, first], points[:, second], points[:, vertical]
    right = math.cos(_TURN) * a - math.sin(_TURN) * b
    away = math.sin(_TURN) * a + math.cos(_TURN) * b
    down = -(math.cos(_RISE) * up + math.sin(_RISE) * away)
    places = np.stack([right, down], axis=1)
    places -= places.min(0)
    return places / (places.max() or 1.0), math.sin(_RISE) * up - math.cos(_RISE) * away


def cloud_png(
    points_P3: NDArray[Any], numbers_P: NDArray[np.int64], colours_K3: NDArray[np.uint8], upright: str, side: int
) -> bytes:
    """A PNG file with a transparent ground, as light and dark pages need it.

    Args:
        numbers_P: Of each point the row of its colour, at most 254 of them.
    """
    from PIL import Image

    places, nearness = projected(points_P3, upright)
    dot = max(1, min(_MOST_DOT, round(_COVER * side / math.sqrt(max(1, len(places))))))
    size = side - dot
    across, down = np.floor(places * size).astype(np.int64).T if len(places) else np.zeros((2, 0), np.int64)
    high, wide = int(down.max(initial=0)) + dot, int(across.max(initial=0)) + dot
    empty = 255
    drawn = np.full((high, wide), empty, np.uint8)
    order = np.argsort(nearness, kind="stable")  # what is nearer is drawn later, over the others
    across, down, numbers = across[order], down[order], numbers_P[order]
    by_y, by_x = (each.ravel() for each in np.mgrid[:dot, :dot])
    drawn[down[:, None] + by_y, across[:, None] + by_x] = numbers[:, None]
    image = Image.fromarray(drawn)
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(colours_K3)] = colours_K3
    image.putpalette(palette.tobytes())
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True, transparency=empty)
    return content.getvalue()


def cloud_image(content: bytes, alt: str) -> str:
    """A PNG file in HTML."""
    data = base64.b64encode(content).decode()
    return f'<img class="cloud" alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}">'

"""What GDAL says that the numbers of a TIFF page are to be multiplied by, and what is to be added.  C channels."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk.notices import left_out

_GDAL_METADATA = 42112


def scale_in(page: Any, channels: int, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(C,) scales and (C,) offsets; None where there are none, or those that change nothing.

    Args:
        page: tifffile's.
        channels: C.

    Warns:
        DataWarning: GDAL_METADATA that is no XML, or whose scale or offset is no number.

    Source: GDAL, "GTiff -- GeoTIFF File Format", section on metadata; of items its driver takes those that name
    a sample.
    """
    text = page.tags.valueof(_GDAL_METADATA)
    if text is None:
        return None
    scale, offset = np.ones(channels), np.zeros(channels)
    try:
        for role, sample, number in _items(str(text).strip(" \0")):
            (scale if role == "scale" else offset)[sample : sample + 1] = number
    except (ElementTree.ParseError, ValueError):
        left_out(name, "its GDAL_METADATA, which is no XML, or has a scale or offset that is no number")
        return None
    return None if (scale == 1).all() and (offset == 0).all() else (scale, offset)


def _items(text: str) -> list[tuple[str, int, float]]:
    """Role, sample and number of each scale and offset of a sample.

    Raises:
        ValueError: no number, a scale of 0, or declarations of entities, which GDAL does not write.
    """
    if "<!" in text:
        raise ValueError("declarations")
    items = []
    for item in ElementTree.fromstring(text).iter("Item"):
        role, sample = item.get("role", ""), int(item.get("sample", -1))
        if role not in ("scale", "offset") or sample < 0:
            continue
        number = float(item.text or "")
        if not math.isfinite(number) or (role == "scale" and number == 0):
            raise ValueError(number)
        items.append((role, sample, number))
    return items

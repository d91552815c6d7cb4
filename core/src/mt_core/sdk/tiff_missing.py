"""Which pixels of a TIFF page were not measured.  H, W pixels, C channels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk.notices import reinterpreted

_GDAL_NODATA = 42113

_FILLS = (-9999.0, -10000.0, -32768.0, -99999.0, 1e20, -1e20, 9.969209968386869e36, -3.4028234663852886e38)
"""Numbers by which programs mean "not measured", without always saying so."""

_FAR = 4
"""So many times the range of all other numbers."""


def missing_in(page: Any, values: NDArray[Any], name: str) -> NDArray[np.bool_] | None:
    """(H, W), where GDAL's mark says so or, without one, a number that programs use for it, with a warning; None where
    nothing is missing.

    Args:
        page: tifffile's.
        values: (H, W, C), upright.
    """
    return _unmarked(values, name) if page.tags.valueof(_GDAL_NODATA) is None else _marked(page, values)


def _marked(page: Any, values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """(H, W), where all channels are what GDAL_NODATA says."""
    text = page.tags.valueof(_GDAL_NODATA)
    if text is None:
        return None
    try:
        mark = float(str(text).strip(" \0"))
    except ValueError:
        return None
    if math.isnan(mark):
        is_missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
    elif values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            is_missing = values == values.dtype.type(mark)
    else:
        limits = np.iinfo(values.dtype)
        fits = mark.is_integer() and limits.min <= mark <= limits.max
        is_missing = values == int(mark) if fits else np.zeros(values.shape, np.bool_)
    mask = np.asarray(is_missing.all(axis=2))
    return mask if mask.any() else None


def _unmarked(values: NDArray[Any], name: str) -> NDArray[np.bool_] | None:
    """(H, W), where signed numbers are one of `_FILLS` and all others lie far from it."""
    if values.dtype.kind not in "if" or values.shape[2] > 1:
        return None
    grey = values[..., 0]
    for end in (float(grey.min()), float(grey.max())):
        if not any(math.isclose(end, fill, rel_tol=1e-6) for fill in _FILLS):
            continue
        mask = grey == grey.dtype.type(end)
        others = grey[~mask].astype(np.float64)
        if others.size and np.abs(others - end).min() > _FAR * max(np.ptp(others), 1.0):
            reinterpreted(name, f"its number {end:g} is taken for pixels without data")
            return np.asarray(mask)
    return None

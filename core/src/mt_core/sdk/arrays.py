"""Arrays in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_array(value: Any) -> NDArray[Any]:
    """A NumPy array of what is one, of nested lists, or of a torch tensor on any device.

    Types stay as they are, but for floats that NumPy does not know (bfloat16), which become float32. What a masked
    array hides is NaN, and integers beside it become floats.

    Raises:
        ValueError: lists of different lengths.
    """
    if isinstance(value, np.ma.MaskedArray):
        return _without_masked(value)
    if not hasattr(value, "detach"):
        return np.asarray(value)
    tensor = value.detach().cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:
        return np.asarray(tensor.float().numpy())


def _without_masked(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """Its values, with NaN (NaT, None) where they are masked."""
    is_hidden, kind = np.ma.getmaskarray(array), array.dtype.kind
    values = np.array(array.data)
    if not is_hidden.any():
        return values
    if kind in "biu":
        values = values.astype(np.float64)
    elif kind not in "fcmM":
        values = values.astype(object)
    values[is_hidden] = np.nan if kind in "biufc" else None
    return values

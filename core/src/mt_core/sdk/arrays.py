"""Arrays in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_array(value: Any) -> NDArray[Any]:
    """A NumPy array of what is one, of nested lists, or of a torch tensor on any device.

    Types stay as they are, but for floats that NumPy does not know (bfloat16), which become float32.

    Raises:
        ValueError: lists of different lengths.
    """
    if not hasattr(value, "detach"):
        return np.asarray(value)
    tensor = value.detach().cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:
        return np.asarray(tensor.float().numpy())

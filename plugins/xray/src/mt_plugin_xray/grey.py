"""Numbers of any range to the greys that are shown.  H and W pixels.

Source: DICOM PS3.3, C.11.1.1 and C.11.2.1 (tables), C.11.2.1.2 and C.11.2.1.3 (windows).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.sdk import robust_range

Grey = NDArray[np.float32]
"""(H, W, 1) within 0..1."""


def stretched(values_HW1: NDArray[Any], measured: NDArray[Any] | None = None) -> Grey:
    """From the 1st percentile (0) to the 99th (1), clipped; 0 where they are the same.

    Args:
        measured: (..., 1), those of the values whose percentiles these are; None: all.
    """
    low, high = (float(bound[0]) for bound in robust_range(values_HW1 if measured is None else measured))
    return clipped((values_HW1.astype(np.float32) - low) / (high - low if high > low else math.inf))


def by_window(values_HW1: NDArray[Any], centre: float | None, width: float | None, function: str) -> Grey | None:
    """Through a window; None where it is none.

    Args:
        function: LINEAR, LINEAR_EXACT or SIGMOID; anything else is taken for LINEAR, as for a file that says nothing.
    """
    if centre is None or width is None or not (math.isfinite(centre) and math.isfinite(width)) or width <= 0:
        return None
    values = values_HW1.astype(np.float32)
    if function == "SIGMOID":
        return clipped(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -80, 80))))
    if function == "LINEAR_EXACT":
        return clipped((values - centre) / width + 0.5)
    # one step where the width is 1, as the standard says: everything above centre - 0.5 is full
    return clipped((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5)


def by_table(values: NDArray[Any], item: Any) -> tuple[NDArray[Any], int]:
    """Through a table of a modality or VOI LUT sequence; values beyond its ends get its first or last entry.

    Returns:
        As many entries as values, and the bits that each has.
    """
    _, first, bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    table = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.atleast_1d(np.asarray(data, np.int64))
    return table[np.clip(np.rint(values).astype(np.int64) - first, 0, len(table) - 1)], bits


def clipped(parts: NDArray[Any]) -> Grey:
    """Within 0..1, as float32."""
    shown: Grey = np.clip(parts, 0, 1).astype(np.float32)
    return shown

"""Stored values of DICOM: which of their bits are the picture's, and which values are padding.  H and W pixels.

Source: DICOM PS3.5, section 8.1.1 (bits); PS3.3, C.7.5.1.1.2 (padding).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def shifted(values: NDArray[Any], shift: int, bits: int) -> NDArray[Any]:
    """Values whose bits do not end at the lowest one, moved there; what lies above or below them is dropped.

    Args:
        bits: How many there are.
    """
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    kind, width = native.dtype, native.dtype.itemsize * 8
    unsigned = native.view(f"u{kind.itemsize}") << np.array(width - bits - shift, f"u{kind.itemsize}")
    moved: NDArray[Any] = unsigned.view(kind) >> np.array(width - bits, kind)  # with their sign, where they have one
    return moved


def padding_of(header: Any) -> tuple[int, int] | None:
    """The smallest and the largest stored value that stand for no pixel; None where none does."""
    first, last = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if first is None or first == "":
        return None
    ends = sorted(_signed(each, header) for each in (first, first if last is None or last == "" else last))
    return ends[0], ends[1]


def _signed(number: Any, header: Any) -> int:
    """Some files write a negative number as if it had no sign, or the other way about."""
    several = number if hasattr(number, "__len__") and not isinstance(number, str | bytes) else [number]
    value, allocated = int(several[0]), int(header.get("BitsAllocated") or 16)
    if int(header.get("PixelRepresentation") or 0):
        return value - 2**allocated if value >= 2 ** (allocated - 1) else value
    return value + 2**allocated if value < 0 else value


def padding_in(values_HW1: NDArray[Any], padding: tuple[int, int] | None) -> NDArray[np.bool_] | None:
    """(H, W, 1), where padding is; None where there is none."""
    if padding is None:
        return None
    is_padding = (values_HW1 >= padding[0]) & (values_HW1 <= padding[1])
    return is_padding if is_padding.any() else None

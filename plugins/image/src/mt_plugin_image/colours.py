"""Any kind of pixels to 8-bit RGB.

Transparent pixels are laid on white. 16-bit values are scaled by 65535, so that nothing is clipped. Other
numbers follow one rule, `_to_8_bit`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from mt_core.errors import InputError
from mt_core.sdk import reinterpreted

Pixels = npt.NDArray[np.uint8]
"""(H, W, 3), red, green, blue."""

_BAND = 256


def rgb(values: npt.NDArray[Any], name: str) -> Pixels:
    """Pixels as 8-bit RGB.

    Args:
        values: (H, W, C) of any numbers, C = 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity.
        name: How the source is called in messages.

    Raises:
        InputError: NaN or infinite values, or an opacity outside of its range.
    """
    has_opacity = values.shape[-1] in (2, 4)
    opacity = _opacity_to_8_bit(values[..., -1], name) if has_opacity else None
    colours = _to_8_bit(values[..., :-1] if has_opacity else values, name)
    colours = np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))
    if opacity is None:
        return colours
    picture = Image.new("RGB", colours.shape[1::-1], "white")
    picture.paste(Image.fromarray(colours), mask=Image.fromarray(opacity))
    return np.asarray(picture)


def _to_8_bit(values: npt.NDArray[Any], name: str) -> Pixels:
    """Numbers as 0..255.

    8-bit values stay, 16-bit values are scaled by 65535. Floats within 0..1 are scaled by 255 and other integers within
    0..255 stay. Whatever lies outside goes from its own smallest value (0) to its own largest (255), with a warning; a
    picture of one such value is black.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return _in_bands(values, lambda band: (band.astype(np.uint32) * 255 + 32767) // 65535)
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite([lowest, highest]).all():
        raise InputError(f"{name} has NaN or infinite values", fix="replace them, for instance by numpy.nan_to_num")
    is_float = values.dtype.kind == "f"
    if lowest >= 0 and highest <= (1 if is_float else 255):
        return _in_bands(values, lambda band: np.rint(band * 255.0) if is_float else band)
    span = highest - lowest
    if not np.isfinite(span):
        raise InputError(f"{name} spans {lowest:g} to {highest:g}", fix="scale the values to 0..1")
    reinterpreted(name, f"its numbers, {lowest:g} to {highest:g}: the smallest is shown as black, the largest as white")
    scale = 255.0 / span if span else 0.0
    return _in_bands(values, lambda band: np.rint((band.astype(np.float64) - lowest) * scale))


def _in_bands(values: npt.NDArray[Any], scaled: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Pixels:
    """Some rows at a time, so that no wider copy of a large picture is made."""
    pixels = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _BAND):
        pixels[top : top + _BAND] = scaled(values[top : top + _BAND])
    return pixels


def _opacity_to_8_bit(opacity: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """As `_to_8_bit`, but never stretched, since the ends of opacity have a meaning."""
    top = 1 if opacity.dtype.kind == "f" else 65535 if opacity.dtype == np.uint16 else 255
    if opacity.min() < 0 or opacity.max() > top:
        raise InputError(
            f"{name} has an alpha channel from {opacity.min():g} to {opacity.max():g}",
            fix=f"scale it to 0..{top}, or leave the channel out",
        )
    return _to_8_bit(opacity, name)

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

Pixels = npt.NDArray[np.uint8]
"""(H, W, 3), red, green, blue."""

_BAND = 256


def rgb_of_picture(picture: Image.Image, name: str) -> Image.Image:
    """A Pillow picture of any mode as mode RGB.

    Raises:
        InputError: a floating-point picture with NaN or infinite values.
        ValueError: a mode that Pillow cannot convert.
    """
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bit(np.asarray(picture).astype(np.uint16), name)).convert("RGB")
    if picture.mode in ("I", "F"):
        values = np.asarray(picture)
        # Pillow keeps some 16-bit files as 32-bit integers
        if picture.mode == "I" and values.min() >= 0 and 255 < values.max() <= 65535:
            values = values.astype(np.uint16)
        return Image.fromarray(_to_8_bit(values, name)).convert("RGB")
    if picture.has_transparency_data:
        return _on_white(picture.convert("RGBA"))
    return picture.convert("RGB")


def rgb_of_array(array: npt.NDArray[Any], name: str) -> Pixels:
    """An array of pixels as 8-bit RGB.

    Args:
        array: (H, W) grey, or (H, W, C) with C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        name: How the source is called in messages.

    Raises:
        InputError: another shape, no pixel, values that are no numbers, NaN or infinite.
    """
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise InputError(
            f"{name} is no picture: its shape is {array.shape}",
            fix="pass (H, W) or (H, W, C) with 1 to 4 channels; a torch tensor is read as (C, H, W)",
        )
    if array.size == 0:
        raise InputError(f"{name} has no pixel: its shape is {array.shape}", fix="pass a picture of at least 1 x 1")
    if array.ndim == 2:
        array = array[..., None]
    if channels in (1, 3):
        colours = _to_8_bit(array, name)
        return np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))
    colours, alpha = _to_8_bit(array[..., :-1], name), _alpha_to_8_bit(array[..., -1:], name)
    colours = np.broadcast_to(colours, (*colours.shape[:2], 3))
    return np.asarray(_on_white(Image.fromarray(np.concatenate([colours, alpha], axis=-1))))


def _on_white(picture: Image.Image) -> Image.Image:
    """Mode RGBA to RGB."""
    background = Image.new("RGB", picture.size, "white")
    background.paste(picture, mask=picture.getchannel("A"))
    return background


def _to_8_bit(values: npt.NDArray[Any], name: str) -> Pixels:
    """Numbers as 0..255.

    8-bit values stay, bools become 0 and 255, 16-bit values are scaled by 65535. Floats within 0..1 are scaled by 255
    and other integers within 0..255 stay. Whatever lies outside goes from its own smallest value (0) to its own largest
    (255); a picture of one such value is black.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        return _in_bands(values, lambda band: (band.astype(np.uint32) * 255 + 32767) // 65535)
    if not (np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)):
        raise InputError(f"{name} holds {values.dtype} values, no pixels", fix="pass integers or floats")
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite([lowest, highest]).all():
        raise InputError(f"{name} has NaN or infinite values", fix="replace them, for instance by numpy.nan_to_num")
    is_float = np.issubdtype(values.dtype, np.floating)
    if lowest >= 0 and highest <= (1 if is_float else 255):
        return _in_bands(values, lambda band: np.rint(band * 255.0) if is_float else band)
    span = highest - lowest
    if not np.isfinite(span):
        raise InputError(f"{name} spans {lowest:g} to {highest:g}", fix="scale the values to 0..1")
    scale = 255.0 / span if span else 0.0
    return _in_bands(values, lambda band: np.rint((band.astype(np.float64) - lowest) * scale))


def _in_bands(values: npt.NDArray[Any], scaled: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Pixels:
    """Some rows at a time, so that no wider copy of a large picture is made."""
    pixels = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _BAND):
        pixels[top : top + _BAND] = scaled(values[top : top + _BAND])
    return pixels


def _alpha_to_8_bit(alpha: npt.NDArray[Any], name: str) -> Pixels:
    """Opacity as 0..255: as `_to_8_bit`, but never stretched, since its ends have a meaning."""
    top = 1 if np.issubdtype(alpha.dtype, np.floating) else 65535 if alpha.dtype == np.uint16 else 255
    if alpha.min() < 0 or alpha.max() > top:
        raise InputError(
            f"{name} has an alpha channel from {alpha.min():g} to {alpha.max():g}",
            fix=f"scale it to 0..{top}, or leave the channel out",
        )
    return _to_8_bit(alpha, name)

"""Picture files and pictures in memory to arrays: what the modalities that are pictures share.

H, W pixels, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray

from mt_core.contract import name_of
from mt_core.errors import InputError
from mt_core.sdk.content import first_bytes
from mt_core.sdk.notices import reinterpreted
from mt_core.sdk.quiet import silent_stderr
from mt_core.sdk.strangers import LOOKED_AT, stranger

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 178_956_970
"""Pictures with more pixels are refused by their header, before anything is decoded. It is what Pillow refuses by
default (twice its `MAX_IMAGE_PIXELS`)."""


def open_picture(
    source: str | Path | bytes, formats: Sequence[str], suffixes: Sequence[str], *, largest: int | None = None
) -> Image.Image:
    """A picture file whose header is read and checked, and nothing else yet. Close it, or use it in a `with`.

    Call it within `mt_core.contract.reading` and `quiet`: sizes are checked here, at one limit, wherever Pillow would
    begin to warn.

    Args:
        formats: What Pillow may take it for, by Pillow's names.
        suffixes: How files of these formats end, for the message.
        largest: Pixels that the picture may have; by default `MAX_PIXELS`.

    Raises:
        InputError: none of these formats, no pixel, or more than `largest`.
    """
    from PIL import Image, UnidentifiedImageError

    name = name_of(source)
    try:
        picture = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=list(formats))
    except UnidentifiedImageError:
        if known := stranger(first_bytes(source, LOOKED_AT)):
            raise InputError(f"{name} is {known[0]}, and not a picture that can be read", fix=known[1]) from None
        raise InputError(
            f"{name} is not a picture that can be read",
            fix=f"check that the file is whole and holds one of {' '.join(suffixes)}, whatever its name says",
        ) from None
    except Image.DecompressionBombError:
        raise too_large_error(name, largest) from None
    try:
        _check_size(*picture.size, name, largest)
    except InputError:
        picture.close()
        raise
    return picture


def _check_size(width: int, height: int, name: str, largest: int | None = None) -> None:
    if width * height > (largest or MAX_PIXELS):
        raise too_large_error(name, largest)
    if not width * height:
        raise InputError(f"{name} has no pixel: {width} x {height}", fix="pass a picture of at least 1 x 1")


def too_large_error(name: str, largest: int | None = None) -> InputError:
    """What is said of a picture of more pixels than `largest`, by default `MAX_PIXELS`."""
    megapixels = (largest or MAX_PIXELS) / 1e6
    return InputError(
        f"{name} is too large to be decoded: its header says more than {megapixels:.0f} megapixels",
        fix="cut it into tiles, or save it smaller",
    )


def picture_to_array(picture: Image.Image, needed: int = 0) -> NDArray[Any]:
    """The pixels of a Pillow picture as they are stored, upright as EXIF says.

    Args:
        needed: Where it is not 0, 8-bit pictures without opacity are averaged as `shrink` does, at less cost.

    Returns:
        (H, W, C), C = 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity. uint8; uint16 for up to 16 bits; else
        int32 or float32. Palettes are looked up, other colours converted to RGB.
    """
    _tell_of_colours(picture)
    if picture.format == "PNG" and isinstance(picture.info.get("transparency"), int):
        step = {"L;2": 85, "L;4": 17}.get(_stored_mode(picture), 1)  # the grey is spread over 8 bits, the mark is not
        picture.info["transparency"] *= step
    is_inverted = picture.mode == "CMYK" and picture.format in ("JPEG", "MPO") and "adobe" not in picture.info
    with silent_stderr() if picture.format == "TIFF" else nullcontext():  # where libtiff reports every flaw
        picture.load()
    values = as_upright(_pixels(_inverted(picture) if is_inverted else picture), orientation_of(picture))
    return shrink(values, needed) if needed and values.dtype == np.uint8 and values.shape[2] in (1, 3) else values


def _stored_mode(picture: Image.Image) -> str:
    """How a file that is not decoded yet holds its pixels, in Pillow's words."""
    tiles = getattr(picture, "tile", None) or [("", None, 0, "")]
    arguments = tiles[0][3]
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


_USUAL_GAMMA = 0.45455


def _tell_of_colours(picture: Image.Image) -> None:
    name = str(getattr(picture, "filename", "") or "a picture")
    gamma = picture.info.get("gamma")
    has_other = "icc_profile" in picture.info or "srgb" in picture.info
    if picture.format == "PNG" and gamma and not has_other and abs(gamma - _USUAL_GAMMA) > 0.05:
        reinterpreted(name, "its gamma is not the usual one and is not applied")
    if picture.mode == "CMYK" and picture.format in ("JPEG", "MPO") and "adobe" not in picture.info:
        reinterpreted(name, "CMYK without Adobe's mark is taken as it stands, not as its negative")


def _inverted(picture: Image.Image) -> Image.Image:
    from PIL import ImageChops

    return ImageChops.invert(picture)


def _pixels(picture: Image.Image) -> NDArray[Any]:
    """(H, W, C) as they lie in the file."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return _with_opacity(np.asarray(picture).astype(np.uint16), picture.info.get("transparency"))
    if mode in ("I", "F"):
        values = np.asarray(picture)
        # Pillow keeps some 16-bit files as 32-bit integers
        fits = mode == "I" and values.min() >= 0 and values.max() <= 65535
        return (values.astype(np.uint16) if fits else values)[..., None]
    if picture.has_transparency_data:
        picture = picture.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA")
    elif mode not in ("L", "RGB"):
        picture = picture.convert("L" if mode == "1" else "RGB")
    values = np.asarray(picture)
    return values if values.ndim == 3 else values[..., None]


def _with_opacity(grey_HW: NDArray[np.uint16], transparent: Any) -> NDArray[np.uint16]:
    """(H, W, 1), or (H, W, 2) where one number stands for transparent pixels."""
    if not isinstance(transparent, int):
        return grey_HW[..., None]
    opacity = np.where(grey_HW == transparent, np.uint16(0), np.uint16(65535))
    return np.stack([grey_HW, opacity], axis=-1)


def orientation_of(picture: Image.Image) -> int:
    """As EXIF says; 1 where it says nothing, or the EXIF block itself is damaged."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a camera's broken metadata makes no picture unreadable
        return 1


_ORIENTATION = 0x0112  # the EXIF tag


def as_upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """(H, W, ...) pixels turned and mirrored as EXIF or TIFF say; as they are for any other number than 2 to 8.

    Source: CIPA DC-008 (Exif 2.32), section 4.6.4, tag Orientation.
    """
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def as_standard_pixels(source: Any, name: str) -> NDArray[Any]:
    """Pixels in memory as (H, W, C) numbers of one of three types.

    Args:
        source: As for `as_pixels`.
        name: How it is called in messages.

    Returns:
        uint8 and uint16 as they are, any other integers and floats as float32.

    Raises:
        InputError: no such array, no pixel, values that are not numbers, NaN or infinite.
    """
    values = as_pixels(source, name)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return np.ascontiguousarray(values)
    with np.errstate(over="ignore"):
        floats = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(floats).all():
        raise InputError(f"{name} has NaN or infinite values", fix="replace them, for instance by numpy.nan_to_num")
    return floats


def as_pixels(source: Any, name: str) -> NDArray[Any]:
    """Pixels in memory as (H, W, C) numbers, 1 to 4 channels.

    Args:
        source: A PIL picture, a numpy array (H, W) or (H, W, C), or a torch tensor (H, W) or (C, H, W).
        name: How it is called in messages.

    Returns:
        Integers and floats as they are, in this machine's byte order; bools as uint8 0 and 255; of a PIL picture its
        `picture_to_array`.

    Raises:
        InputError: no such array, no pixel, more than `MAX_PIXELS` of a PIL picture, values that are not numbers.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        _check_size(*source.size, name)
        return picture_to_array(source)
    if isinstance(source, torch.Tensor):
        tensor = source.detach().cpu()
        tensor = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        source = (rearrange(tensor, "c h w -> h w c") if tensor.ndim == 3 else tensor).numpy()
    if not isinstance(source, np.ndarray):
        raise InputError(
            f"{name} is not a picture", fix="pass a path, the bytes of a file, a PIL image, a numpy array or a tensor"
        )
    values = source[..., None] if source.ndim == 2 else source
    if values.ndim != 3 or not 1 <= values.shape[-1] <= 4:
        raise InputError(
            f"{name} is not a picture: its shape is {source.shape}",
            fix="pass (H, W) or (H, W, C) with 1 to 4 channels; a torch tensor is read as (C, H, W)",
        )
    if values.size == 0:
        raise InputError(f"{name} has no pixel: its shape is {source.shape}", fix="pass a picture of at least 1 x 1")
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind not in "uif":
        raise InputError(f"{name} holds {values.dtype} values, no pixels", fix="pass integers or floats")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def luminance(values: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 3) or more channels of which the first three are red, green and blue, to (H, W, 1) of the same type.

    Source: ITU-R BT.601, section 2.5.1.
    """
    grey = values[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return (grey if values.dtype == np.float32 else np.rint(grey)).astype(values.dtype)[..., None]


def shrink(values: NDArray[Any], needed: int) -> NDArray[Any]:
    """(H, W, C) averaged down by a whole number, so that the shorter side is less than twice what is needed."""
    from PIL import Image

    factor = min(values.shape[:2]) // needed
    if factor <= 1:
        return values
    if values.dtype == np.uint8 and values.shape[2] == 3:
        return np.asarray(Image.fromarray(values).reduce(factor))
    kind = np.uint8 if values.dtype == np.uint8 else np.float32
    planes = [Image.fromarray(np.ascontiguousarray(values[..., at], kind)) for at in range(values.shape[2])]
    means = np.stack([np.asarray(plane.reduce(factor)) for plane in planes], axis=-1)
    return (np.rint(means) if values.dtype == np.uint16 else means).astype(values.dtype, copy=False)


def robust_range(values: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What most of the pixels of each channel lie between: the 1st and the 99th percentile.

    Args:
        values: (..., C); of many pixels, evenly spaced ones are looked at.

    Returns:
        Two times (C,).
    """
    pixels_PC = values.reshape(-1, values.shape[-1])
    low_C, high_C = np.percentile(pixels_PC[:: max(1, len(pixels_PC) // _PIXELS_FOR_RANGE)], (1, 99), axis=0)
    return low_C.astype(np.float32), high_C.astype(np.float32)


_PIXELS_FOR_RANGE = 1 << 16

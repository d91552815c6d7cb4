"""Picture files and pictures in memory to 8-bit RGB arrays.

What costs time is decoding, so a JPEG is decoded at a half, a quarter or an eighth of its size where that still is more
than what is needed, and every picture is averaged down to less than twice of what is needed.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mt_core.contract import name_of, reading
from mt_core.errors import MissingDependencyError
from mt_core.sdk import (
    as_pixels,
    declared_suffixes,
    first_bytes,
    is_tiff,
    left_out,
    open_picture,
    picture_to_array,
    quiet,
    read_tiff,
    reinterpreted,
    shrink,
    without_missing,
)
from mt_plugin_image.colours import Pixels, rgb

SUFFIXES = declared_suffixes("mt_plugin_image")

# Pillow also opens formats that start other programs (EPS) or that nobody means by "a picture"; only these are tried
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "AVIF", "JPEG2000", "PPM")

# ISO/IEC 23008-12, section 10: the brand in the `ftyp` box at the start; an AVIF file has a brand of its own
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def read_picture(source: Any, needed: int) -> Pixels:
    """One picture.

    Args:
        source: A path, the bytes of a file, a PIL image, a numpy array (H, W) or (H, W, C), or a torch tensor (H, W) or
            (C, H, W). Of an animation or a file of several pages, the first is read.
        needed: Pixels that the shorter side should keep at least, where it has them.

    Returns:
        (H, W, 3) 8-bit RGB, upright as EXIF says; the shorter side is less than twice `needed`. What it returns it
        takes as it is.

    Raises:
        InputError: no picture, damaged, empty, or more than `MAX_PIXELS`.
        MissingDependencyError: a HEIC file without pillow-heif, or a TIFF file whose compression needs imagecodecs.
    """
    name = name_of(source)
    with reading(source, formats=" ".join(SUFFIXES)), quiet():
        if isinstance(source, str | Path | bytes):
            start = first_bytes(source, 12)
            values = _of_tiff(source, name) if is_tiff(start) else _of_file(source, start, name, needed)
        else:
            values = as_pixels(source, name)
            if getattr(source, "mode", "") == "I" and values.max() <= 255:  # of a byte, and no dark picture of 16 bits
                values = values.astype(np.int32)
        return shrink(rgb(values, name), needed)


def _of_file(source: str | Path | bytes, start: bytes, name: str, needed: int) -> NDArray[Any]:
    with open_picture(source, _formats(start, name), SUFFIXES) as picture:
        frames = int(getattr(picture, "n_frames", 1))
        if frames > 1 and picture.format != "MPO":  # what an MPO has beside its first is of the same view
            left_out(name, f"what follows the first frame of an animation of {frames}")
        picture.draft(None, (needed, needed))
        return picture_to_array(picture, needed)


def _of_tiff(source: str | Path | bytes, name: str) -> NDArray[Any]:
    picture = read_tiff(source, codecs="mt-plugin-image[codecs]", rounded=True)
    values = picture.values
    if values.dtype != np.uint8:  # of 8 bits what is missing has a colour, and is shown in it
        values = without_missing(picture, name, lambda measured_PC: measured_PC.min(axis=0))
    if picture.bands:
        values = _three_bands(values, name)
    if values.dtype == np.uint16 and picture.bits < 16:
        top = 2**picture.bits - 1
        values = ((values.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)
    return values


def _three_bands(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Of bands that the file does not call colours, the first three as if it did; of two, the first as grey."""
    if values.shape[2] == 2:
        left_out(name, "a second channel of no named meaning beside the grey")
        return values[..., :1]
    reinterpreted(name, "its first three bands, which have no colour, are taken for red, green and blue")
    return values[..., :3]


def _formats(start: bytes, name: str) -> tuple[str, ...]:
    """What Pillow may take a file for that begins so."""
    if start[4:8] != b"ftyp" or start[8:] not in _HEIF_BRANDS:
        return _available_formats()
    try:
        import pillow_heif  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:
        raise MissingDependencyError(
            f"{name} is a HEIC picture, which needs the package 'pillow_heif'",
            fix="pip install 'mt-plugin-image[heif]', or save the picture as JPEG",
        ) from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)


@cache
def _available_formats() -> tuple[str, ...]:
    """The formats above that this build of Pillow reads; of its forty others nothing is imported."""
    Image.preinit()
    for plugin in ("WebP", "Avif", "Jpeg2K"):
        import_module(f"PIL.{plugin}ImagePlugin")
    return tuple(name for name in _FORMATS if name in Image.OPEN)

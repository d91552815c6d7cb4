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
from PIL import Image

from mt_core.contract import name_of, reading
from mt_core.errors import MissingDependencyError
from mt_core.sdk import as_pixels, declared_suffixes, first_bytes, open_picture, picture_to_array, quiet, shrink
from mt_plugin_image.colours import Pixels, rgb

SUFFIXES = declared_suffixes("mt_plugin_image")

# Pillow also opens formats that start other programs (EPS) or that nobody means by "a picture"; only these are tried
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")

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
        MissingDependencyError: a HEIC file without pillow-heif.
    """
    name = name_of(source)
    with reading(source, formats=" ".join(SUFFIXES)), quiet():
        if isinstance(source, str | Path | bytes):
            with open_picture(source, _formats(source, name), SUFFIXES) as picture:
                picture.draft(None, (needed, needed))
                values, mode = picture_to_array(picture, needed), picture.mode
        else:
            values, mode = as_pixels(source, name), getattr(source, "mode", "")
        if mode == "I" and values.max() <= 255:  # numbers of a byte, and no dark picture of 16 bits
            values = values.astype(np.int32)
        return shrink(rgb(values, name), needed)


def _formats(source: str | Path | bytes, name: str) -> tuple[str, ...]:
    """What Pillow may take a file for."""
    start = first_bytes(source, 12)
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
    for plugin in ("WebP", "Tiff", "Avif", "Jpeg2K"):
        import_module(f"PIL.{plugin}ImagePlugin")
    return tuple(name for name in _FORMATS if name in Image.OPEN)

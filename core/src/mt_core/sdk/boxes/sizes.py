"""The size of a picture file, from its header."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mt_core.contract import reading
from mt_core.sdk.pictures import open_picture, orientation_of
from mt_core.sdk.quiet import quiet

_FORMATS = {
    "JPEG": "Jpeg", "MPO": "Mpo", "PNG": "Png", "TIFF": "Tiff", "BMP": "Bmp", "GIF": "Gif", "WEBP": "WebP",
    "PPM": "Ppm", "AVIF": "Avif", "JPEG2000": "Jpeg2K",
}  # fmt: skip
"""By Pillow's names, and the beginnings of the modules that read them."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".avif", ".jp2")
_TURNED = (5, 6, 7, 8)  # of EXIF's orientations, those that exchange height and width


def size_of(path: str) -> tuple[int, int]:
    """Height and width of the picture as it is looked at, turned upright as EXIF says.

    Raises:
        InputError: a file whose header cannot be read.
    """
    with reading(path, formats=" ".join(_SUFFIXES)), quiet(), open_picture(path, _formats(), _SUFFIXES) as picture:
        width, height = picture.size
        return (width, height) if orientation_of(picture) in _TURNED else (height, width)


def header_of(path: str | Path) -> dict[str, Any]:
    """Format, width, height and kind of pixels of a picture file, for `Tokenizer.file_facts`.

    Raises:
        InputError: a file whose header cannot be read.
    """
    with reading(path, formats=" ".join(_SUFFIXES)), quiet(), open_picture(path, _formats(), _SUFFIXES) as picture:
        width, height = picture.size
        if orientation_of(picture) in _TURNED:
            width, height = height, width
        return {"format": picture.format or "", "width_px": width, "height_px": height, "pixels": picture.mode}


@cache
def _formats() -> tuple[str, ...]:
    """Those that this build of Pillow reads; of its forty others nothing is imported."""
    from PIL import Image

    for name in _FORMATS.values():
        import_module(f"PIL.{name}ImagePlugin")
    return tuple(name for name in _FORMATS if name in Image.OPEN)

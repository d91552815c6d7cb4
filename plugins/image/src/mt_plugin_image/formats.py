"""Which files are taken for pictures.

Pillow also opens formats that start other programs (EPS) or that nobody means by "a picture"; only these are tried.
"""

from __future__ import annotations

from functools import cache

SUFFIXES: tuple[str, ...] = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2",
    ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif",
)  # fmt: skip
"""Lower-case endings of picture files, the same as in plugin.toml. Folders are listed by them; a file is read by its
content, whatever it is called."""

_IDS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


@cache
def pillow_ids() -> tuple[str, ...]:
    """The formats above that this build of Pillow reads."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _IDS if name in Image.OPEN)


def is_heif(first_bytes: bytes) -> bool:
    """Whether a file that begins so is HEIC or HEIF, for which Pillow needs another package.

    Source: ISO/IEC 23008-12, section 10: the brand of the leading `ftyp` box. An AVIF file has a brand of its own.
    """
    return first_bytes[4:8] == b"ftyp" and first_bytes[8:12] in _HEIF_BRANDS

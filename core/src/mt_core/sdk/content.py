"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # classic and big, either byte order


def first_bytes(source: str | Path | bytes, count: int) -> bytes:
    """The first bytes of a file, given by its path or its content; fewer where it is shorter."""
    if isinstance(source, bytes):
        return source[:count]
    with Path(source).open("rb") as file:
        return file.read(count)


def open_binary(source: str | Path | bytes) -> BinaryIO:
    """A file to read, given by its path or its content; to be closed."""
    return BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def is_tiff(first: bytes) -> bool:
    """Whether a file that begins so is TIFF or BigTIFF."""
    return first.startswith(_TIFF)

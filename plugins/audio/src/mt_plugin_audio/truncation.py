"""Whether a file holds all that its header promises, where the decoder would pass over it in silence.

FLAC and MP3 count their samples and are held to it while they are read (see `decoding`).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_NO_LENGTH = 0x7FFF0000
"""A WAV whose data are said to be as long as that or longer was written to a pipe: the recorder could not know."""

_MISCOUNT = 64
"""Some writers count their own header among the data; a file that lacks so few bytes is taken as whole."""

_LARGEST_PAGE = 27 + 255 + 255 * 255
_MOST_CHUNKS = 1000


def bytes_missing(file: BinaryIO) -> int:
    """How many bytes a WAV, RF64, AIFF or Ogg file lacks at its end; 0 for what is whole, and for any other file.

    Source: IBM & Microsoft 1991, Multimedia Programming Interface (RIFF); EBU Tech 3306 (RF64); Apple 1989, AIFF 1.3;
    RFC 3533, section 6 (Ogg).
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    magic = file.read(12)
    if magic[:4] in (b"RIFF", b"RF64", b"RIFX", b"FORM"):
        return _missing_of_chunks(file, magic[:4], size)
    if magic[:4] == b"OggS":
        return _missing_of_pages(file, size)
    return 0


def _missing_of_chunks(file: BinaryIO, magic: bytes, size: int) -> int:
    order, sound = ("<", b"data") if magic in (b"RIFF", b"RF64") else (">", b"SSND" if magic == b"FORM" else b"data")
    promised_by_ds64 = 0
    for _ in range(_MOST_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            return 0
        name, length = header[:4], struct.unpack(f"{order}I", header[4:])[0]
        if name == b"ds64" and len(content := file.read(16)) == 16:
            promised_by_ds64 = struct.unpack("<8xQ", content)[0]
            file.seek(-16, os.SEEK_CUR)
        if name == sound:
            if magic == b"RF64":
                length = promised_by_ds64
            elif length >= _NO_LENGTH:
                return 0
            missing = file.tell() + int(length) - size
            return missing if missing > _MISCOUNT else 0
        file.seek(length + length % 2, os.SEEK_CUR)
    return 0


def _missing_of_pages(file: BinaryIO, size: int) -> int:
    """Of the last page, whose segments are counted in its header."""
    file.seek(max(0, size - 2 * _LARGEST_PAGE))
    start = file.tell()
    tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at:]
    if at < 0 or len(page) < 27 or len(page) < 27 + page[26]:
        return 1
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return max(0, start + at + length - size)

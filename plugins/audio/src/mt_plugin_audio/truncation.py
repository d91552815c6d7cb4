"""Whether a file holds all that its header promises, where the decoder would pass over it in silence.

FLAC and MP3 count their samples and are held to it while they are read (see `decoding`).
"""

from __future__ import annotations

import os
import re
import struct
from typing import Protocol


class SeekableFile(Protocol):
    def read(self, count: int = -1, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...


_NO_LENGTH = 0x7FFF0000
"""A WAV whose data are said to be as long as that or longer was written to a pipe: the recorder could not know."""

_MISCOUNT = 64
"""Some writers count their own header among the data; a file that lacks so few bytes is taken as whole."""

_LARGEST_PAGE = 27 + 255 + 255 * 255
_MOST_CHUNKS = 1000


def bytes_missing(file: SeekableFile) -> int:
    """How many bytes a WAV, RF64, W64, AIFF, AU, CAF, SPHERE or Ogg file lacks at its end; 0 for what is whole, and for
    any other file.

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
    end = {b"riff": _end_of_w64, b".snd": _end_of_au, b"caff": _end_of_caf, b"NIST": _end_of_sphere}.get(magic[:4])
    missing = end(file) - size if end is not None else 0
    return missing if missing > _MISCOUNT else 0


def _end_of_w64(file: SeekableFile) -> int:
    file.seek(40)
    for _ in range(_MOST_CHUNKS):
        header = file.read(24)
        if len(header) < 24:
            break
        length = int(struct.unpack("<Q", header[16:])[0])
        if header[:4] == b"data":
            return file.tell() - 24 + length
        file.seek(max(length - 24, 0) + -length % 8, os.SEEK_CUR)
    return 0


def _end_of_au(file: SeekableFile) -> int:
    file.seek(4)
    offset, length = struct.unpack(">II", file.read(8).ljust(8, b"\xff"))
    return 0 if length >= _NO_LENGTH else int(offset + length)


def _end_of_caf(file: SeekableFile) -> int:
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        header = file.read(12)
        if len(header) < 12:
            break
        length = int(struct.unpack(">q", header[4:])[0])
        if header[:4] == b"data" or length < 0:
            return file.tell() + max(length, 0)
        file.seek(length, os.SEEK_CUR)
    return 0


def _end_of_sphere(file: SeekableFile) -> int:
    """Source: NIST, SPHERE: a header of lines such as `sample_count -i 16000`, its own length in the second."""
    file.seek(0)
    head = file.read(1024).decode("latin-1")
    numbers = {key: int(value) for key, value in re.findall(r"^(\w+) -i (\d+)$", head, re.MULTILINE)}
    length = re.match(r"NIST_1A\s+(\d+)", head)
    counted = [numbers.get(key, 0) for key in ("sample_count", "sample_n_bytes", "channel_count")]
    is_plain = "shorten" not in head
    return int(length[1]) + counted[0] * counted[1] * max(counted[2], 1) if length and is_plain else 0


def _missing_of_chunks(file: SeekableFile, magic: bytes, size: int) -> int:
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
            if magic == b"RF64" and promised_by_ds64 == 2**64 - 1:
                return 0
            if magic == b"RF64":
                length = promised_by_ds64
            elif length >= _NO_LENGTH:  # or 0, of which nothing can lack
                return 0
            missing = file.tell() + int(length) - size
            return missing if missing > _MISCOUNT else 0
        file.seek(length + length % 2, os.SEEK_CUR)
    return 0


def _missing_of_pages(file: SeekableFile, size: int) -> int:
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

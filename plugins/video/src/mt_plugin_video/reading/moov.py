"""Why an MP4 file cannot be opened.

A recorder writes the index of an MP4 or MOV file, the `moov` box, when it stops. Cut off before that, the file holds
pictures that nothing can find.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

_BEFORE_INDEX = (b"ftyp", b"mdat", b"free", b"wide", b"skip", b"uuid")

_MOST_BOXES = 1000


def is_cut_before_index(source: str | Path | bytes) -> bool:
    """Whether a file begins as an MP4 or MOV file does, and ends before its index.

    Source: ISO/IEC 14496-12, section 4.2: a box is its size in 4 bytes (1: in 8 bytes after the type; 0: to the end)
    and its type in 4.
    """
    with BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
        for number in range(_MOST_BOXES):
            header = file.read(8)
            size, kind = int.from_bytes(header[:4]), header[4:]
            if len(header) < 8:
                return number > 0
            if kind not in _BEFORE_INDEX or (number == 0 and kind != b"ftyp"):
                return False
            if size == 1:
                size = int.from_bytes(file.read(8)) - 8
            if size < 8:
                return size == 0
            file.seek(size - 8, 1)
    return False

"""A file as it should have been written: parts of it, and bytes between them, read as one."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO

Part = bytes | tuple[int, int]
"""Bytes, or the place in a file where a part begins and where it ends."""


class Stitched:
    """Parts of a file, one behind the other, read as if they were a file.

    `seek` never raises: libsndfile goes where a damaged header says, also before the beginning.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        self._file = file
        self._parts = [part for part in parts if len(part) and (isinstance(part, bytes) or part[1] > part[0])]
        lengths = [len(part) if isinstance(part, bytes) else part[1] - part[0] for part in self._parts]
        self._ends = list(accumulate(lengths))
        self.length, self._at = (self._ends[-1] if self._ends else 0), 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        wanted = offset + {os.SEEK_CUR: self._at, os.SEEK_END: self.length}.get(whence, 0)
        if wanted >= 0:
            self._at = wanted
        return self._at

    def read(self, count: int = -1) -> bytes:
        left = max(0, self.length - self._at) if count < 0 else count
        pieces = []
        while left > 0 and self._at < self.length:
            number = bisect_right(self._ends, self._at)
            part, within = self._parts[number], self._at - (self._ends[number - 1] if number else 0)
            size = min(left, self._ends[number] - self._at)
            if isinstance(part, bytes):
                piece = part[within : within + size]
            else:
                self._file.seek(part[0] + within)
                piece = self._file.read(size)
            if not piece:
                break
            pieces.append(piece)
            self._at += len(piece)
            left -= len(piece)
        return b"".join(pieces)

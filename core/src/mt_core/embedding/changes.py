"""Whether a file is still the one that it was when it was embedded."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class FileState(NamedTuple):
    """What tells one content of a file from another; of a folder the same over all files in it.

    Attributes:
        size: In bytes; None: there is no such file, because the source is a text for instance.
        modified: Nanoseconds since 1970.
        sha256: Of the content, where it was asked for; of a file alone.
    """

    size: int | None = None
    modified: int | None = None
    sha256: str | None = None

    def differs(self, now: FileState) -> bool:
        """Whether the file has changed since; one that is gone has not. Content decides, where it is known of both."""
        if now.size is None:
            return False
        if self.sha256 is not None and now.sha256 is not None:
            return self.sha256 != now.sha256
        return (self.size, self.modified) != (now.size, now.modified)


def state_of(path: str | Path, *, with_hash: bool = False) -> FileState:
    """The state of a file now."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            inside = [(each.st_size, each.st_mtime_ns) for each in _below(path)]
            return FileState(sum(size for size, _ in inside), max((at for _, at in inside), default=status.st_mtime_ns))
        if not stat.S_ISREG(status.st_mode):
            return FileState()
        digest = None
        if with_hash:
            with open(path, "rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError):  # the latter for a text that no file can be called by
        return FileState()
    return FileState(status.st_size, status.st_mtime_ns, digest)


def is_gone(path: str | Path, before: FileState) -> bool:
    """Whether a source was a file, or a folder, when it was embedded, and is none any more."""
    return before.size is not None and not os.path.lexists(path)


def _below(folder: str | Path) -> Iterator[os.stat_result]:
    for here, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(here, name)
            if os.path.isfile(path):
                yield os.stat(path)

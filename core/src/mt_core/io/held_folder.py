"""Temporary folders that go with the process that made them, also where that is killed: the next one removes them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_PREFIX = "mt-held-"
_SECONDS_TO_LOCK = 60
"""A folder that is younger may not be locked yet."""


@contextmanager
def held_folder() -> Iterator[Path]:
    """A new folder, which is gone at the end."""
    _remove_orphans(tempfile.gettempdir(), os.getpid())
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        lock = lock_of(folder)
        try:
            yield Path(folder)
        finally:
            if lock is not None:
                os.close(lock)


def lock_of(path: str | os.PathLike[str]) -> int | None:
    """The open file or folder, which this process alone has locked until it closes it or ends; None where another one
    has, or where nothing can be locked."""
    try:
        import fcntl

        opened = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        return None
    return opened


@cache
def _remove_orphans(temporary: str, process: int) -> None:
    """Once a process: what processes that were killed have left."""
    for folder in Path(temporary).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime < _SECONDS_TO_LOCK:
                continue
            lock = lock_of(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)

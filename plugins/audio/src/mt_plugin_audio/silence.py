"""C libraries that talk to the terminal."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_lock = threading.Lock()


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Within it nothing that is written to the process's standard error is seen.

    For mpg123, which tells of every flaw in an MP3 file there and cannot be asked not to through libsndfile. One thread
    at a time; what other threads write meanwhile is lost, so keep it short.
    """
    with _lock:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # there is no standard error
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STDERR)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            os.close(nowhere)

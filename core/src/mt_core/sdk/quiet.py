"""Libraries that talk while they read: warnings, logs, and C code that writes to the terminal."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mt_core.errors import DataWarning

_STDERR = 2
_lock = threading.Lock()


@contextmanager
def quiet(*loggers: str) -> Iterator[None]:
    """Within it no warning is shown, and nothing is logged by these libraries: of files that are read all the same, or
    refused with an error of ours. `left_out` and `reinterpreted` report as they do outside.

    Args:
        loggers: Names of the libraries' loggers, as "tifffile".
    """

    def reject(record: logging.LogRecord) -> bool:
        return False

    found = [logging.getLogger(name) for name in loggers]
    for logger in found:
        logger.addFilter(reject)
    try:
        with warnings.catch_warnings():
            warnings.filters[:] = [  # type: ignore[index]
                (action, message, DataWarning, module, line)
                for action, message, category, module, line in warnings.filters
                if issubclass(DataWarning, category)
            ]
            warnings.simplefilter("always", DataWarning, append=True)
            warnings.simplefilter("ignore", append=True)
            yield
    finally:
        for logger in found:
            logger.removeFilter(reject)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Within it nothing that is written to the process's standard error is seen.

    For C libraries that report every flaw of a file there and cannot be asked not to: mpg123 in libsndfile, libtiff in
    Pillow. One thread at a time; what other threads write meanwhile is lost, so keep it short.
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

"""Files at URLs, on this machine for as long as they are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mt_core.errors import InputError
from mt_core.io.held_folder import held_folder
from mt_core.io.urls import file_name, is_absent, is_forbidden, open_url, reaching, with_tries

_LONGEST_NAME = 200  # characters of a name, which most systems let have 255 bytes


@contextmanager
def fetched(url: str, on_bytes: Callable[[], object] = lambda: None, beside: Sequence[str] = ()) -> Iterator[str]:
    """The path of a copy, under its own name, in a temporary folder that is gone at the end.

    Args:
        on_bytes: Called whenever something has arrived.
        beside: Further URLs, whose copies are in the same folder; those that do not exist are passed over.

    Raises:
        InputError: it does not exist, may not be read, or broke off again at each try.
    """
    with held_folder() as folder:

        def copy(of: str) -> str:
            path = os.path.join(folder, file_name(of)[-_LONGEST_NAME:] or "file")
            with_tries(lambda: fetch(of, path, on_bytes), on_bytes)
            return path

        with reaching(url, InputError):
            path = copy(url)
        for other in beside:
            with reaching(other, InputError):
                try:
                    copy(other)
                except Exception as failure:
                    if not is_absent(failure) and not is_forbidden(failure):
                        raise
        yield path


def fetch(url: str, path: str | os.PathLike[str], on_bytes: Callable[[], object] = lambda: None) -> None:
    """Copy a file from a URL, once.

    Raises:
        Exception: whatever the file system raises; OSError where it broke off.
    """
    files, name = open_url(url)
    from fsspec.callbacks import Callback

    class Arriving(Callback):  # type: ignore[misc]
        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            on_bytes()

    arriving: Any = Arriving()
    files.get_file(name, os.fspath(path), callback=arriving)
    size = os.path.getsize(path)
    if arriving.size is not None and size != arriving.size:
        raise OSError(f"it broke off after {size:,} of {arriving.size:,} bytes")

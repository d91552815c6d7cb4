"""The folder that all uploads of a server are in."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"mt-serve-(\d+)-\w+")


@contextmanager
def folder_of_uploads() -> Iterator[Path]:
    """A new folder, which is gone afterwards. Those of servers that were killed are removed as well."""
    for left in Path(tempfile.gettempdir()).glob("mt-serve-*"):
        found = _NAME.fullmatch(left.name)
        if found and not _is_alive(int(found[1])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"mt-serve-{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        try:
            os.kill(process, 0)
        except PermissionError:
            pass  # another user's
        return True
    return False

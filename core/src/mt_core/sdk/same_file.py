"""When two ways to write a path are one file."""

from __future__ import annotations

import os
from functools import lru_cache


def file_identity(path: str) -> str:
    """The same for all ways to write the path of a file: `./1.png`, `1.png`, an absolute one, one by a linked folder.

    A link to a file is a file of its own: stores that keep files by their content (git-annex, a hub's cache) let many
    names lead to one.
    """
    folder, name = os.path.split(path)
    return os.path.join(_real_folder(folder), name)


def content_identity(path: str) -> str:
    """As `file_identity`, but a link is the file that it leads to."""
    return os.path.realpath(path) if os.path.islink(path) else file_identity(path)


@lru_cache(maxsize=4096)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)

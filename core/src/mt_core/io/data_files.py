"""The data files below a folder, and what lies beside them that is no data: one rule for training and embedding."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from mt_core.errors import DataWarning
from mt_core.io.notices import tell

_NO_DATA_FOLDERS = frozenset(
    ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__")
)
"""Kept by macOS, Synology, Windows, Linux and Python, in lower case; so are all whose name begins with a dot."""


def files_below(folder: str | os.PathLike[str], suffixes: Sequence[str]) -> Iterator[str]:
    """All files below a folder with one of these endings, in the order of their paths.

    Links to folders are followed, into each folder once. Hidden files and folders, those that a system keeps for
    itself, links to nothing, pipes, sockets and devices are no data.

    Args:
        suffixes: Lower-case; a file's ending is compared without regard to case.

    Warns:
        DataWarning: such a file with one of the endings, or a folder that may not be opened.
    """
    endings = tuple(suffixes)
    seen: set[str] = set()

    def cannot(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            why = f"a folder that cannot be opened ({error.strerror})"
            tell(DataWarning("left out", str(error.filename), why))

    for parent, folders, files in os.walk(folder, onerror=cannot, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in [name for name in folders if is_no_data_folder(name)]:
            folders.remove(name)
            if any(_names_below(os.path.join(parent, name), endings)):
                tell(DataWarning("left out", os.path.join(parent, name), "a folder that a system or a program keeps"))
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(endings):
                path = os.path.join(parent, name)
                if is_data_file(path):
                    yield path


def is_data_file(path: str) -> bool:
    """Whether a file of a folder can be data.

    Warns:
        DataWarning: it cannot; says why.
    """
    why = _why_no_data(path)
    if why:
        tell(DataWarning("left out", path, why))
    return not why


def is_no_data_folder(name: str) -> bool:
    """Whether a folder of this name is hidden, or one that a system keeps for itself."""
    return name.startswith(".") or name.lower() in _NO_DATA_FOLDERS


def _why_no_data(path: str) -> str:
    name = os.path.basename(path)
    if name.startswith("._"):
        return "what macOS keeps beside a file (._name)"
    if name.startswith((".", "~$")):
        return "a hidden file"
    try:
        status = os.stat(path)
    except OSError as error:
        return "a link to nothing" if os.path.islink(path) else f"a file that cannot be opened ({error.strerror})"
    if stat.S_ISDIR(status.st_mode):
        return ""
    if not stat.S_ISREG(status.st_mode):
        return "no ordinary file: a pipe, a socket or a device"
    return ""


def _names_below(folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    return (name for _, _, files in os.walk(folder) for name in files if name.lower().endswith(endings))

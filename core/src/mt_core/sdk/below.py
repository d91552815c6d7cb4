"""The data files below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from mt_core.io import data_files


def files_below(folder: str | os.PathLike[str], suffixes: Sequence[str]) -> Iterator[str]:
    """All files below a folder with one of these endings, in the order of their paths.

    Links to folders are followed, into each folder once. Hidden files and folders, those that a system keeps for
    itself, links to nothing, pipes, sockets and devices are no data.

    Args:
        suffixes: Lower-case; a file's ending is compared without regard to case.

    Warns:
        DataWarning: such a file with one of the endings, or a folder that may not be opened.
    """
    return data_files.files_below(folder, suffixes)

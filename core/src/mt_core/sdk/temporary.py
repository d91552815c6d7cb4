"""Where demonstrations write their files."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def temporary_folder(name: str) -> Path:
    """A new folder that goes when the process that made it ends, not when one forked from it does.

    It outlives the dataset that asked for it, since examples hold paths into it.

    Args:
        name: Part of the folder's name, for those who find it: the modality.
    """
    folder, owner = tempfile.mkdtemp(prefix=f"mt-{name}-"), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return Path(folder)

"""Files that are written whole or not at all, and removed likewise."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from mt_core.errors import MtError
from mt_core.io import mirror


@contextmanager
def atomic_write(
    path: Path, error: type[MtError], fix: str = "check the disk's room and your rights"
) -> Iterator[Path]:
    """Another name to write to; when the block ends well the file gets its own, else nothing of it is left.

    Args:
        path: What the file is to be called.
        error: What a failure of the system becomes.
        fix: And what to try then.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")  # the same each time: what a kill leaves is written over
    try:
        yield unfinished
        os.replace(unfinished, path)
    except (OSError, SafetensorError) as failure:
        raise error(f"{path} cannot be written ({failure})", fix=fix) from failure
    finally:
        with contextlib.suppress(OSError):  # which would hide why
            unfinished.unlink(missing_ok=True)
    mirror.put(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, which is gone as a whole or not at all; where there is none,
    nothing happens."""
    leaving = path.with_name(f"{path.name}.leaving")  # what a kill leaves of an earlier one goes with it
    shutil.rmtree(leaving, ignore_errors=True)
    if path.is_dir():
        with contextlib.suppress(OSError):
            os.replace(path, leaving)
        shutil.rmtree(leaving, ignore_errors=True)
    elif os.path.lexists(path):
        path.unlink(missing_ok=True)
    mirror.removed(path)

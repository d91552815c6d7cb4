"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from mt_core.errors import MtError


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
        unfinished.unlink(missing_ok=True)

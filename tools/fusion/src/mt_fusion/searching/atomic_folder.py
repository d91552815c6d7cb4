"""A folder that is written whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mt_fusion.searching.errors import SearchError

_LOCK = ".lock"


def check_replaceable(folder: Path, holds: str, *, overwrite: bool) -> None:
    """Refuse a folder that is in the way.

    Args:
        holds: The file that a folder of this kind has; another folder is not replaced.

    Raises:
        SearchError: it is there already, and not to be replaced or of another kind.
    """
    if folder.is_dir() and (folder / holds).is_file():
        if not overwrite:
            raise SearchError(f"{folder} is there already", fix="name another --out, or --overwrite it")
    elif os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        what = "is a folder of something else" if folder.is_dir() else "is a file"
        raise SearchError(f"{folder} {what}", fix="name another --out, for instance things.index")


@contextmanager
def atomic_folder(folder: Path, holds: str, *, overwrite: bool) -> Iterator[Path]:
    """Another folder to write to; when the block ends well it gets its name, else nothing of it is left.

    Raises:
        SearchError: another process writes it, or it cannot be written.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        with open(unfinished / _LOCK, "ab") as lock:
            _lock(lock, folder)
            try:
                for left in unfinished.iterdir():  # by a call that was killed
                    if left.name != _LOCK:
                        left.unlink()
                yield unfinished
                check_replaceable(folder, holds, overwrite=overwrite)
                _replace(unfinished, folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
    except OSError as error:
        raise SearchError(
            f"{folder} cannot be written ({error.strerror or error})", fix="check the disk's room and your rights"
        ) from error


def _replace(unfinished: Path, folder: Path) -> None:
    (unfinished / _LOCK).unlink()
    before = folder.with_name(f"{folder.name}.replaced")
    if folder.is_dir():
        shutil.rmtree(before, ignore_errors=True)
        os.replace(folder, before)
    os.replace(unfinished, folder)
    shutil.rmtree(before, ignore_errors=True)


def _lock(file: IO[bytes], folder: Path) -> None:
    """Held until the file is closed, also by a kill."""
    with contextlib.suppress(ImportError):  # not on Windows
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SearchError(
                f"another mt index is writing {folder}", fix="wait for it, or name another --out"
            ) from None

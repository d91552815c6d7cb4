"""A file that one command at a time may write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mt_core.errors import MtError
from mt_core.io.held_folder import lock_of


@contextmanager
def locked(path: Path, error: type[MtError]) -> Iterator[None]:
    """Within it no other process gets past this for the same file. The lock goes with the process that has it, also
    where that is killed; where files cannot be locked, or nothing may be written, there is none.

    Raises:
        MtError: of that class: another process is at it.
    """
    beside = path.with_name(f"{path.name}.lock")
    lock = None
    while lock is None:
        try:
            made = os.open(beside, os.O_CREAT | os.O_RDWR, 0o666)
        except OSError:  # the folder is not there yet, or may not be written to, which is reported where it is
            yield
            return
        lock = lock_of(beside)
        is_same = lock is not None and beside.exists() and os.path.samestat(os.fstat(lock), os.stat(beside))
        os.close(made)
        if lock is None:
            raise error(
                f"{path} is being written by another command",
                fix="let that one end, or name another --out; what is missing is added afterwards",
            )
        if not is_same:  # the one who had it has just removed it
            os.close(lock)
            lock = None
    try:
        yield
    finally:
        with suppress(OSError):
            beside.unlink()
        os.close(lock)

"""A page's file, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from mt_core.io.atomic import atomic_write
from mt_report.errors import ReportError


def write_file(file: Path, content: bytes) -> None:
    """Write a file, and the folder that it is to be in.

    Raises:
        ReportError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the folder of {file} cannot be made ({error.strerror})"
        raise ReportError(problem, fix="choose another --out") from None
    with atomic_write(file, ReportError) as unfinished:
        unfinished.write_bytes(content)

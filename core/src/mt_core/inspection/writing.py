"""Files of what is shown."""

from __future__ import annotations

from pathlib import Path

from mt_core.errors import EmbeddingError
from mt_core.io.atomic import atomic_write


def write_shown(out: str | Path, content: bytes) -> None:
    """Write a page or a picture, and the folder that it is to lie in.

    Raises:
        EmbeddingError: it cannot be written.
    """
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddingError(
            f"the folder of {out} cannot be made ({error})", fix="name an --out in a folder that you may write to"
        ) from error
    with atomic_write(Path(out), EmbeddingError) as unfinished:
        unfinished.write_bytes(content)

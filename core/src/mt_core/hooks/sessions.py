"""One piece of work, as the hooks see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mt_core.hooks import calls


@contextmanager
def session(modality: str, command: str) -> Iterator[None]:
    """Call `mt_session_start` before the work and `mt_session_finish` after it, also when it fails.

    Args:
        command: "train", "evaluate", "embed" or "predict".
    """
    calls.gather("mt_session_start", modality=modality, command=command)
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        calls.gather("mt_session_finish", modality=modality, command=command, error=error)

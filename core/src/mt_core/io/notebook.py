"""Progress within a notebook: one output of a cell that changes, in place of lines on standard error."""

from __future__ import annotations

import html
import sys
import time
import warnings
from importlib import import_module
from typing import Any

_SECONDS_BETWEEN = 0.5
_MOST_LINES = 12
"""Lines above a bar; of more the latest."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook. IPython is not imported for it: a kernel has done so."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def ignore_hints() -> None:
    """In a notebook, from now on, no warning of tqdm that there are no widgets.

    torchmetrics and Lightning import it, and none of its bars is shown.
    """
    if in_notebook():
        warnings.filterwarnings("ignore", message="IProgress not found")


class NotebookBar:
    """Lines, and below them a bar with what is said of it.

    Args:
        line, done, total: As for `show`.
    """

    def __init__(self, line: str, done: int, total: int | None) -> None:
        display: Any = import_module("IPython.display").display
        self._lines: list[str] = []
        self._now, self._done = line, (done, total)
        self._last = time.monotonic()
        self._handle: Any = display(self._content(), raw=True, display_id=True)

    def show(self, line: str, done: int, total: int | None) -> None:
        """What is to be seen now; of several in half a second the first."""
        self._now, self._done = line, (done, total)
        if time.monotonic() - self._last >= _SECONDS_BETWEEN:
            self._update()

    def say(self, line: str) -> None:
        """A line that stays."""
        self._lines.append(line)
        self._update()

    def close(self, line: str) -> None:
        """The bar is gone, and this said in its place."""
        self._now, self._done = line, (0, None)
        self._update()

    def _update(self) -> None:
        self._last = time.monotonic()
        self._handle.update(self._content(), raw=True)

    def _content(self) -> dict[str, str]:
        more = len(self._lines) - _MOST_LINES
        lines = ([f"… {more} lines"] if more > 0 else []) + self._lines[-_MOST_LINES:]
        said = [*lines, self._now] if self._now else lines
        done, total = self._done
        bar = f'<progress value="{done}" max="{total}" aria-label="progress"></progress> ' if total else ""
        shown = "".join(f"<div>{html.escape(line)}</div>" for line in lines)
        body = f"{shown}<div>{bar}{html.escape(self._now)}</div>"
        style = "font-family: monospace; white-space: pre-wrap"
        return {"text/plain": "\n".join(said), "text/html": f'<div style="{style}">{body}</div>'}

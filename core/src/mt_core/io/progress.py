"""Progress of long work: a bar with rate and remaining time on a terminal or in a notebook, a line now and then
elsewhere, or events for machines (`mt_core.io.json_log`)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from mt_core.io.json_log import JsonLog, log_event
from mt_core.io.notebook import NotebookBar, in_notebook

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0


def progress(
    items: Iterable[T], what: str, *, total: int | None = None, unit: str = "", enabled: bool = True
) -> Iterator[T]:
    """The items, with their progress on standard error, or below the cell of a notebook."""
    with Progress(what, total, unit=unit, enabled=enabled) as shown:
        for item in items:
            yield item
            shown.advance(1)


def announce(*lines: str) -> None:
    """Lines about what is done, on standard error; in a notebook on standard output, which it shows without alarm."""
    print(*lines, sep="\n", file=sys.stdout if in_notebook() else sys.stderr, flush=True)


class Progress:
    """A count that goes up to a total (None: not known), shown while it does: on standard error, or below the cell of a
    notebook.

    Args:
        what: What is being done, in a word or two.
        total: What the count goes up to.
        unit: What is counted.
        done: Where the count starts, for work that goes on.
        enabled: False: count, and show nothing.
    """

    def __init__(self, what: str, total: int | None, *, unit: str = "", done: int = 0, enabled: bool = True) -> None:
        self.what = what
        self.total = total
        self.unit = unit
        self.done = done
        self.started_with = done
        self.enabled = enabled
        self._bar: object | None = None
        self._cell: NotebookBar | None = None

    def __enter__(self) -> Progress:
        self._start = self._last_line = time.monotonic()
        if self.enabled and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as RichProgress

            console = Console(stderr=True)
            self._bar = RichProgress(*_columns(console.width, self.unit), console=console)
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total, completed=self.done, rate="")
        elif self.enabled and not isinstance(sys.stderr, JsonLog) and in_notebook():
            self._cell = NotebookBar(self._line(), self.done, self.total)
        return self

    def advance(self, count: int, total: int | None = None) -> None:
        """So many more are done; the total may become known, or change, on the way."""
        self.done += count
        self.total = total if total is not None else self.total
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, total=self.total, rate=f"{self._rate():.1f}/s")  # type: ignore[attr-defined]
        elif self._cell is not None:
            self._cell.show(self._line(), self.done, self.total)
        elif self.enabled and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._show_line()

    def say(self, line: str) -> None:
        """A line that stays, above the bar."""
        if self._bar is not None:
            self._bar.console.print(line, highlight=False)  # type: ignore[attr-defined]
        elif self._cell is not None:
            self._cell.say(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()  # type: ignore[attr-defined]
        elif self._cell is not None:
            of = f" of {self.total}" if self.total not in (None, self.done) else ""
            seconds = time.monotonic() - self._start
            self._cell.close(f"{self.what}: {self.done}{of} {self.unit}".rstrip() + f", {seconds:.1f} s")
        elif self.enabled and isinstance(sys.stderr, JsonLog):
            self._show_line()  # machines want the last count too

    def _show_line(self) -> None:
        left = (self.total - self.done) / self._rate() if self.total is not None and self._rate() > 0 else None
        fields = {"what": self.what, "done": self.done, "total": self.total, "unit": self.unit}
        if not log_event("progress", **fields, per_second=round(self._rate(), 3), seconds_left=left):
            print(self._line(), file=sys.stderr, flush=True)

    def _rate(self) -> float:
        return (self.done - self.started_with) / max(time.monotonic() - self._start, 1e-9)

    def _line(self) -> str:
        rate = self._rate()
        line = f"{self.what}: {self.done}"
        if self.total is not None:
            line += f"/{self.total}"
        line += f" {self.unit}, {rate:.1f}/s".replace(" ,", ",")
        if self.total is not None and rate > 0:
            line += f", {(self.total - self.done) / rate:.0f} s left"
        return line


_WIDE, _NARROW = 80, 50
"""Columns of a terminal from which on there is room for everything, and for a bar."""


def _columns(width: int, unit: str) -> list[Any]:
    """What is shown in a line of a terminal, so that no number is cut."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    what, count = TextColumn("{task.description}"), MofNCompleteColumn()
    if width < _NARROW:
        return [what, count, TimeRemainingColumn(compact=True)]
    left = [TextColumn("left"), TimeRemainingColumn()]
    if width < _WIDE:
        return [what, BarColumn(), count, *left]
    return [what, BarColumn(), count, TextColumn(unit + " {task.fields[rate]}"), TimeElapsedColumn(), *left]

"""Standard error for machines: one JSON object a line, in place of bars and sentences.

Every object has `time` (ISO 8601, UTC) and `event`: "progress", "epoch", "warning", "error", or "line" for any other
text. What a library or another process writes to the file descriptor itself is not changed.
"""

from __future__ import annotations

import io
import json
import math
import sys
from datetime import UTC, datetime
from typing import Any, TextIO


class JsonLog(io.TextIOBase):
    """A text stream that writes each line as an object, and takes events with fields of their own.

    Args:
        out: Where the objects go.
    """

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._begun = ""

    def event(self, name: str, /, **fields: Any) -> None:
        """One line. Numbers that JSON has no word for, NaN and the infinite ones, become null."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"time": now, "event": name, **{key: _plain(value) for key, value in fields.items()}}
        self.out.write(json.dumps(row, ensure_ascii=True, default=str) + "\n")
        self.out.flush()

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            if line.strip():
                self.event("line", text=line.rstrip("\r"))
        return len(text)

    def flush(self) -> None:
        self.out.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.out.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def finish(self) -> None:
        """Write a line that has no end."""
        if self._begun:
            self.write("\n")


def log_event(name: str, /, **fields: Any) -> bool:
    """Write an event where standard error is a `JsonLog`; whether it is."""
    if not isinstance(sys.stderr, JsonLog):
        return False
    sys.stderr.event(name, **fields)
    return True


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Samples of files as lines for a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mt_core.inspection.bars import cut, wrapped_rows
from mt_core.inspection.looking import Looked
from mt_core.inspection.panel_lines import picture_lines
from mt_core.inspection.ranges import ranges_of
from mt_core.io.notices import notice_lines

_NAME = 28
_MOST_FACTS = 40
_MOST_CHARACTERS = 600


def sample_lines(looked: Looked, width: int) -> list[str]:
    """One sample: its name, what was read, what it looks like."""
    lines = [title_of(looked)]
    if looked.error is not None:
        lines += [
            f"  cannot be read: {looked.error.problem}",
            *([f"  fix: {looked.error.fix}"] if looked.error.fix else []),
        ]
    rows = fact_rows(looked)
    lines += [f"  {line}" for line in wrapped_rows(rows[:_MOST_FACTS], width - 2)]
    if len(rows) > _MOST_FACTS:
        lines.append(f"  and {len(rows) - _MOST_FACTS:,} more")
    lines += [f"  {line}" for line in notice_lines(looked.notices)]
    lines += [f"  {line}".rstrip() for line in picture_lines(looked, min(width - 4, 76))]
    return lines


def title_of(looked: Looked) -> str:
    """The name of its file with the file's size, and its number in it."""
    size = ""
    if os.path.isfile(looked.source):
        size = f" ({size_text(os.path.getsize(looked.source))})"
    row = f", sample {looked.row}" if looked.row else ""
    return f"{looked.source}{size}{row}"


def fact_rows(looked: Looked) -> list[list[str]]:
    """Name and what was read, for each fact, and what the encoder gets."""
    rows = [[cut(name, _NAME) or "sample", str(each)] for name, each in ranges_of([looked.facts]).items()]
    if looked.drawn is not None:
        rows.append(["encoder gets", looked.drawn.what])
    if looked.uncalibrated is not None:
        rows.append(["encoder gets", f"nothing: {looked.uncalibrated.problem}"])
    return rows


def size_text(size: int) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000 or unit == "MB":
            return f"{size:,} {unit}" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1000  # type: ignore[assignment]
    raise AssertionError


def looked_record(looked: Looked) -> dict[str, Any]:
    """As JSON can hold it."""
    return {
        "source": looked.source,
        "row": looked.row,
        "facts": {name: said for name, said in fact_rows(looked)},
        "notices": [{"kind": notice.kind, "what": notice.what} for notice in looked.notices],
        "error": None if looked.error is None else {"problem": looked.error.problem, "fix": looked.error.fix},
    }


def all_failed(looked: Sequence[Looked]) -> bool:
    """Whether not one of them can be read."""
    return bool(looked) and all(each.error is not None for each in looked)

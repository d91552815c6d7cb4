"""Lines above the header of a table that are no rows: titles, comments, the separator for Excel."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mt_core.sdk.numbers import is_header

_SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
_DRAWN = re.compile(r"\s*(?:(?=.*[|+])(?=.*-{3})[|+:\- ]+|\(\d+ rows?\))\s*")
_COMMENTS = ("#", "%", "//", "--")
_MOST = 20
_ALIKE = 0.9


def excel_separator(line: str) -> str | None:
    """The separator that a first line `sep=;` names, as Excel writes and reads it."""
    match = _SEPARATOR.fullmatch(line)
    return match[1] if match else None


def is_frame_line(line: str) -> bool:
    """Whether a line belongs to the frame of a table and not to its rows, as in Markdown and in the output of mysql and
    psql: |---|:--:|, +----+----+, or (12 rows)."""
    return line[:1] in "|+-:( " and _DRAWN.fullmatch(line) is not None


def num_titles(rows: Sequence[Sequence[str]]) -> int:
    """How many of the first rows are none: nearly all others have more cells, always as many.

    One that lacks a single cell is a title only where a row of names follows and then one of values: R leaves out the
    name of the column of row names.

    Args:
        rows: The cells of the first rows.
    """
    counts = [len(row) for row in rows]
    num_comments = next((place for place, row in enumerate(rows) if not are_comments([row])), 0)
    if len(rows) > num_comments + 1 and is_header(rows[num_comments]) and not is_header(rows[num_comments + 1]):
        if num_comments:
            return num_comments
    for place in range(1, min(_MOST, len(rows) - 1)):
        below = counts[place:]
        width, times = Counter(below).most_common(1)[0]
        if counts[place] != width or times < _ALIKE * len(below) or width < 2:
            continue
        is_named = is_header(rows[place]) and not is_header(rows[place + 1])
        if all(_is_title(row, width, is_named) for row in rows[:place]):
            return place
    return 0


def _is_title(row: Sequence[str], width: int, is_named: bool) -> bool:
    """Whether it has fewer cells than the rows below, or nothing beside its first cell; those below may be named."""
    is_alone = bool(row[0].strip()) and not any(map(str.strip, row[1:]))
    if len(row) == width:
        return is_alone and width > 2 and is_named
    return is_named or (is_alone and width - len(row) > 1)


def are_comments(rows: Sequence[Sequence[str]]) -> bool:
    """Whether all begin as comments do, in whatever program."""
    return all(row[0].lstrip().startswith(_COMMENTS) for row in rows)

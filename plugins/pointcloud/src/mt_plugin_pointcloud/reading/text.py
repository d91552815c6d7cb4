"""Points as lines of text: .xyz, .txt and .csv, with or without a line of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import Delimited, is_number, text_chunks
from mt_plugin_pointcloud.cloud import LABELS
from mt_plugin_pointcloud.reading.columns import Raw, find, from_rows, from_table

_LARGEST_BYTES = 2**29
_LOOKED_AT = 20  # lines, for what stands above the points
_CELL = re.compile(r"[^\s,;]+")
_COMMENTS = ("#", "//")
_SEPARATORS = ",;\t "
_UNIT = re.compile(r"[\[(].*?[\])]$")  # X [m]


def read_text(path: Path) -> Raw:
    """One line a point; columns apart by comma, semicolon, tab or blanks; what follows # or // is a comment.

    A first line that holds one number, as in .pts, is how many points there are. With a line of names, which may be a
    comment (CloudCompare's "//X Y Z"), coordinates are x y z or, as in LiDARNet, relative_x…, and all columns without
    a known meaning are left out, and so are labels that are words. Without one, see `from_rows`.
    """
    written = whole_text(path).splitlines(keepends=True)
    lines, count = _without_count([_without_comment(line) for line in written])
    table = Delimited(lines, str(path), separators=_SEPARATORS)
    commented = () if table.names else _commented_names(written, table.width)
    if not table.names and not commented:
        rows = table.numbers()[0]
        _check_count(len(rows), count, path)
        return from_rows(rows, str(path))
    names = [_UNIT.sub("", name.lower()).strip() for name in table.names or commented]
    points, channels = find(names, str(path))
    label = channels.get(LABELS, ("",))[0]
    first = next(iter(Delimited(lines, str(path), separators=_SEPARATORS)))
    wanted = [
        name
        for name in (*points, *chain(*channels.values()))
        if name != label or is_number(first[names.index(label)])  # words are the class of the whole cloud
    ]
    rows, _ = table.numbers([names.index(name) for name in wanted])
    _check_count(len(rows), count, path)
    return from_table(dict(zip(wanted, rows.T, strict=True)), wanted, str(path))


def whole_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: no text, in whatever encoding; more than 512 MiB.
    """
    with path.open("rb") as file:
        return "".join(text_chunks(file, str(path), largest=_LARGEST_BYTES))


def numbers(lines: Iterable[str], path: Path) -> np.ndarray:
    """Lines of numbers with blanks between them as (rows, columns) float64.

    Raises:
        InputError: no line, a line that is no numbers, or lines of different length.
    """
    lines = list(lines)
    if not any(map(str.strip, lines)):
        raise InputError(f"{path} holds no points", fix="export it again, or leave it out")
    try:
        return np.loadtxt(lines, ndmin=2, comments=_COMMENTS)
    except ValueError as error:
        raise InputError(
            f"{path}: {str(error).splitlines()[0][:160]}",
            fix="every line needs the same columns, and numbers in those for x, y and z",
        ) from None


def _without_count(lines: list[str]) -> tuple[list[str], int | None]:
    """The lines without a first one that says how many points there are; empty ones stay, to keep the numbers."""
    filled = [at for at, line in zip(range(_LOOKED_AT), lines, strict=False) if line.strip()]
    if len(filled) < 2 or not lines[filled[0]].strip().isdecimal() or len(_CELL.findall(lines[filled[1]])) < 3:
        return lines, None
    return ["\n" if at == filled[0] else line for at, line in enumerate(lines)], int(lines[filled[0]])


def _check_count(found: int, promised: int | None, path: Path) -> None:
    if promised is not None and found < promised:
        raise InputError(
            f"{path} promises {promised:,} points and has {found:,}",
            fix="copy the file again: it seems to be cut short",
        )


def _commented_names(lines: Sequence[str], width: int) -> tuple[str, ...]:
    """The names of columns that stand in a comment above them; () where there are none."""
    for line in lines[:_LOOKED_AT]:
        words = tuple(_CELL.findall(line.strip().lstrip("#/ ").lower()))
        if line.lstrip().startswith(_COMMENTS) and len(words) == width and {"x", "y", "z"} <= set(words):
            return words
    return ()


def _without_comment(line: str) -> str:
    """Empty lines stay, so that the others keep their numbers."""
    for mark in _COMMENTS:
        if mark in line:
            line = line.partition(mark)[0] + "\n"
    return line

"""Points as lines of text: .xyz, .txt and .csv, with or without a line of names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from mt_core.errors import InputError
from mt_core.sdk import Delimited, is_number, text_chunks
from mt_plugin_pointcloud.cloud import LABELS
from mt_plugin_pointcloud.reading.columns import Raw, find, from_rows, from_table

_LARGEST_BYTES = 2**29
_COMMENTS = ("#", "//")


def read_text(path: Path) -> Raw:
    """One line a point; columns apart by comma, semicolon, tab or blanks; what follows # or // is a comment.

    With a line of names, coordinates are x y z or, as in LiDARNet, relative_x…, and all columns without a known meaning
    are left out, and so are labels that are words. Without one, see `from_rows`.
    """
    lines = [_without_comment(line) for line in whole_text(path).splitlines(keepends=True)]
    table = Delimited(lines, str(path), separators=",;\t ")
    if not table.names:
        return from_rows(table.numbers()[0], str(path))
    names = [name.lower() for name in table.names]
    points, channels = find(names, str(path))
    label = channels.get(LABELS, ("",))[0]
    first = next(iter(Delimited(lines, str(path), separators=",;\t ")))
    wanted = [
        name
        for name in (*points, *chain(*channels.values()))
        if name != label or is_number(first[names.index(label)])  # words are the class of the whole cloud
    ]
    rows, _ = table.numbers([names.index(name) for name in wanted])
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


def _without_comment(line: str) -> str:
    """Empty lines stay, so that the others keep their numbers."""
    for mark in _COMMENTS:
        if mark in line:
            line = line.partition(mark)[0] + "\n"
    return line

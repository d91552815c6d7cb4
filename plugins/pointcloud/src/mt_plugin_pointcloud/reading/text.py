"""Points as lines of text: .xyz, .txt and .csv, with or without a line of names."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np

from mt_core.errors import InputError
from mt_plugin_pointcloud.cloud import LABELS
from mt_plugin_pointcloud.reading.columns import find, from_rows, unit_colour
from mt_plugin_pointcloud.reading.opening import Raw

_LARGEST_BYTES = 2**29


def read_text(path: Path) -> Raw:
    """One line a point; columns apart by comma, semicolon, tab or blanks; lines that start with # or // are comments.

    With a line of names, coordinates are x y z or, as in LiDARNet, relative_x…, and all columns without a known
    meaning (labels among them) are left out. Without one, see `from_rows`.
    """
    if path.stat().st_size > _LARGEST_BYTES:
        raise InputError(
            f"{path} has more than 512 MiB of text", fix="convert it to .las or .npy, or cut it into tiles"
        )
    text = decoded(path)
    first = next((line for line in text.splitlines() if _is_data(line)), "")
    if not first:
        raise InputError(f"{path} holds no points", fix="export it again, or leave it out")
    delimiter = next((mark for mark in ",;\t" if mark in first), None)
    names = [name.strip().strip('"').lower() for name in first.split(delimiter)]
    if all(_is_number(name) for name in names if name):
        return Raw(*from_rows(_table(text, delimiter, path), str(path)))
    body = text[text.index(first) + len(first) :]
    points, channels = find(names, str(path))
    if LABELS in channels and not _is_number(_cell(body, delimiter, names.index(channels[LABELS][0]))):
        del channels[LABELS]  # words: the class of the whole cloud, as in LiDARNet
    wanted = list(points) + [column for columns in channels.values() for column in columns]
    rows = _table(body, delimiter, path, tuple(names.index(column) for column in wanted))
    taken, start = {}, 3
    for channel, columns in channels.items():
        taken[channel] = rows[:, start : start + len(columns)]
        start += len(columns)
    if "colour" in taken:
        taken["colour"] = unit_colour(taken["colour"])
    return Raw(rows[:, :3], taken)


def decoded(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: bytes that are no UTF-8 text.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start} is 0x{content[error.start]:02x})",
            fix="save it as UTF-8; if it is binary, give it the suffix of its format",
        ) from None


def numbers(text: str, path: Path, columns: tuple[int, ...] | None = None, delimiter: str | None = None) -> np.ndarray:
    """Lines of numbers as (rows, columns) float64.

    Raises:
        InputError: no line, a line that is no numbers, or lines of different length.
    """
    if not text.strip():
        raise InputError(f"{path} holds no points", fix="export it again, or leave it out")
    try:
        return np.loadtxt(StringIO(text), delimiter=delimiter, usecols=columns, ndmin=2, comments=["#", "//"])
    except ValueError as error:
        raise InputError(
            f"{path}: {str(error).splitlines()[0][:160]}",
            fix="every line needs the same columns, and numbers in those for x, y and z",
        ) from None


def _table(text: str, delimiter: str | None, path: Path, columns: tuple[int, ...] | None = None) -> np.ndarray:
    if not any(_is_data(line) for line in text.splitlines()):
        raise InputError(f"{path} holds no points, only names", fix="export it again, or leave it out")
    return numbers(text, path, columns, delimiter)


def _cell(body: str, delimiter: str | None, column: int) -> str:
    """One column of the first line of data, "" where there is none."""
    cells = next((line for line in body.splitlines() if _is_data(line)), "").split(delimiter)
    return cells[column].strip() if column < len(cells) else ""


def _is_data(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", "//"))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True

"""From the cells of a row to the sources of an item."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.errors import InputError
from mt_fusion.items.inputs import Inputs
from mt_fusion.items.item import Item, Several
from mt_fusion.items.naming import named

SEPARATOR = ";"
"""Between the files of one cell, as in a.jpg;b.jpg."""


def item_of(row: Mapping[str, Any], inputs: Inputs, folder: Path, place: str) -> Item:
    """The item of a row.

    Args:
        row: Cells by column.
        folder: What relative paths are relative to.
        place: Where the row stands, for messages.

    Raises:
        InputError: a column of an input that the row does not have.
    """
    item = Item(filename=place)
    for name, each in inputs.items():
        columns = each.columns_of(name)
        lacking = [column for column in columns if column not in row]
        if lacking:
            raise InputError(
                f"{place}: there is no column {', '.join(map(repr, lacking))}, of the input {name!r}",
                fix="add the column; cells may be empty where an item has nothing there",
            )
        cells = {column: row[column] for column in columns if row[column] is not None}
        if not cells:
            continue
        if each.holds == "files":
            with named(name, place):
                item[name] = files_in(cells[columns[0]], folder)
        elif len(columns) == 1 and is_array(cells[columns[0]]):
            item[name] = np.asarray(cells[columns[0]])
        else:
            item[name] = {column: row[column] for column in columns}
    return item


def files_in(cell: Any, folder: Path) -> Any:
    """The file of a cell, or `Several`; relative ones within a folder. Bytes of a file stay as they are."""
    parts = parts_of(cell)
    found = [part if isinstance(part, bytes) else _located(part, folder) for part in parts]
    return found[0] if len(found) == 1 else Several(found)


def parts_of(cell: Any) -> list[str | bytes]:
    """What a cell names: one file, or several in a list or with ; between; or the bytes of a file (as a mapping of
    `bytes` and `path`, which other libraries write)."""
    if isinstance(cell, list | tuple):
        return [part for each in cell if each is not None for part in parts_of(each)]
    if isinstance(cell, Mapping):
        found = cell.get("bytes") if cell.get("bytes") is not None else cell.get("path")
        if not isinstance(found, bytes | str):
            raise InputError("an object is no file", fix="give a name of a file, or an object of bytes and path")
        return [found]
    if isinstance(cell, bytes):
        return [cell]
    text = str(cell)
    return [part.strip() for part in text.split(SEPARATOR) if part.strip()] if SEPARATOR in text else [text]


def names_files(cell: Any, suffixes: Sequence[str], folder: Path) -> bool:
    """Whether all parts of a cell are files: they end in one of the suffixes, or exist."""
    if isinstance(cell, bytes):
        return True
    if isinstance(cell, Mapping):
        return cell.keys() >= {"bytes", "path"}
    if isinstance(cell, list | tuple):
        there = [each for each in cell if each is not None]
        return bool(there) and all(names_files(each, suffixes, folder) for each in there)
    return isinstance(cell, str) and all(_names_file(str(part), suffixes, folder) for part in parts_of(cell))


def _names_file(text: str, suffixes: Sequence[str], folder: Path) -> bool:
    if "\n" in text or len(text) > 4096:
        return False
    if text.lower().endswith(tuple(suffixes)):
        return True
    return ("." in text or os.sep in text) and _exists(_located(text, folder))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _located(text: str, folder: Path) -> Path:
    return folder / text.replace("\\", "/") if os.sep == "/" else folder / text


def is_array(cell: Any) -> bool:
    """Whether a cell is a sample in numbers, and no list of files."""
    return isinstance(cell, list) and bool(cell) and not any(isinstance(each, str | bytes | Mapping) for each in cell)


def is_nothing(value: Any) -> bool:
    """Whether a value in memory says that there is none: None, NaN, NA, an empty text or an empty list."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, str | list | tuple | Mapping) and not (value.strip() if isinstance(value, str) else value)

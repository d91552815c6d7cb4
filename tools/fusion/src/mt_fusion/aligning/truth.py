"""The true classes of files: their folders, or the column of a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mt_core.errors import DatasetError, OptionError, did_you_mean
from mt_fusion.items.table import Row, Table, read_table

TARGET_NAMES = ("label", "class", "target", "category", "y")
"""Names by which the column of classes is known, in any case."""

_LOOKED_AT = 200  # rows


def truth_of(said: str, key: str | None = None, target: str | None = None) -> Callable[[str], str | None]:
    """A function from a file to its true class; None where it is not known.

    Args:
        said: "folder", or a table.
        key: The column that names the files, relative to the table or to the current folder; None: the one whose cells
            do.
        target: The column of the classes; None: one of `TARGET_NAMES`.

    Raises:
        InputError: the table cannot be read.
        OptionError: a column that there is not, or options for folders.
        DatasetError: two classes of one file.
    """
    if said == "folder":
        if key is not None or target is not None:
            raise OptionError("--key and --target name columns", fix="give --truth a table, or leave them out")
        return lambda source: Path(source).absolute().parent.name
    table = read_table(Path(said))
    label = _column(table, target) if target is not None else _known(table)
    name = _column(table, key) if key is not None else _of_files(table, label)
    classes: dict[str, str] = {}
    for row, place in zip(table.rows, table.places, strict=True):
        if row[name] is None or row[label] is None:
            continue
        for path in _paths(row[name], table):
            if classes.setdefault(path, str(row[label])) != str(row[label]):
                raise DatasetError(
                    f"{place}: {row[name]} is {row[label]!r} here and {classes[path]!r} before",
                    fix="give each file one class",
                )
    return lambda source: classes.get(os.path.realpath(source))


def _column(table: Table, name: str) -> str:
    if name not in table.names:
        raise OptionError(
            f"{table.path} has no column {name!r}{did_you_mean(name, table.names)}",
            fix=f"its columns are {', '.join(table.names)}",
        )
    return name


def _known(table: Table) -> str:
    by_name = {name.lower(): name for name in reversed(table.names)}
    found = next((by_name[name] for name in TARGET_NAMES if name in by_name), None)
    if found is None:
        raise OptionError(
            f"{table.path} has no column called {' or '.join(TARGET_NAMES)}",
            fix=f"name the column of the classes: --target {table.names[-1]}; its columns are {', '.join(table.names)}",
        )
    return found


def _of_files(table: Table, label: str) -> str:
    """The first column whose cells all name files."""
    for name in table.names:
        if name != label and _are_files([row for row in table.rows[:_LOOKED_AT] if row[name] is not None], name, table):
            return name
    raise OptionError(
        f"{table.path}: no column names files that are there, relative to its folder or to this one",
        fix="name the column by --key; or correct its paths",
    )


def _are_files(rows: Sequence[Row], name: str, table: Table) -> bool:
    return bool(rows) and all(any(map(os.path.isfile, _paths(row[name], table))) for row in rows)


def _paths(cell: object, table: Table) -> set[str]:
    """Where a cell's file may lie."""
    return {os.path.realpath(table.path.parent / str(cell)), os.path.realpath(str(cell))}

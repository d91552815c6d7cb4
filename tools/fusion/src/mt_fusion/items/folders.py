"""Items as folders, `item/<files>`, as the rows of a table."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from mt_core.cli.sorting import modality_of_name
from mt_core.errors import DatasetError
from mt_core.sdk import canonical_label, files_below, left_out
from mt_fusion.items.finding import what_is_read
from mt_fusion.items.table import SUFFIXES, Row, Table, read_table

CLASS, NAME = "class", "item"
"""The columns of the folder that an item lies in, where there are several, and of its own."""

_KEYS = ("item", "id", "name", "folder", "file", "path")


def item_folders(root: Path) -> Table | None:
    """The items of a folder: each folder with files and no folders in it is one. None where there are none.

    Files are a column by their name (photo.jpg of each item: `photo`) where items share names, else by their suffix.
    The folder that items lie in is the column `class`; a table beside the folders gives further columns, by the items'
    names in its first column.

    Raises:
        DatasetError: a table beside them that names no item.
    """
    suffixes = tuple({suffix for each in what_is_read().values() for suffix in each.suffixes})
    files = {Path(file).relative_to(root) for file in files_below(str(root), suffixes)}
    of_item: dict[Path, list[Path]] = {}
    for file in sorted(files):
        if file.parent != Path():
            of_item.setdefault(file.parent, []).append(file)
    depths = {len(item.parts) for item in of_item}
    if len(of_item) < 2 or len(depths) > 1 or depths > {1, 2}:
        return None
    if max(map(len, of_item.values())) < 2:
        return None  # a folder a class, a file a sample
    by_stem = _share_names(of_item)
    rows: list[Row] = []
    for item, own in of_item.items():
        row: Row = {NAME: item.name}
        if depths == {2}:
            row[CLASS] = canonical_label(item.parts[0])
        columns: dict[str, list[str]] = {}
        for file in own:
            columns.setdefault(file.stem if by_stem else _kind_of(file), []).append(str(file))
        rows.append({**row, **columns})
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    table = Table(
        root / "-", names, [{name: row.get(name) for name in names} for row in rows], [str(root / i) for i in of_item]
    )
    return _with_columns(table, root)


def _share_names(of_item: dict[Path, list[Path]]) -> bool:
    """Whether the same names come again in most items, each once."""
    counts = Counter(file.stem for files in of_item.values() for file in files)
    common = [stem for stem, count in counts.items() if count >= len(of_item) / 2]
    return (
        bool(common)
        and len(counts) <= 2 * len(common)
        and all(len({file.stem for file in files}) == len(files) for files in of_item.values())
    )


def _kind_of(file: Path) -> str:
    suffixes_of = {name: each.suffixes for name, each in what_is_read().items()}
    modality, candidates = modality_of_name(file.name, suffixes_of)
    return modality or candidates[0]


def _with_columns(table: Table, root: Path) -> Table:
    """With the columns of the table that lies beside the folders, where one does."""
    beside = sorted(root / entry.name for entry in os.scandir(root) if entry.name.lower().endswith(SUFFIXES))
    if len(beside) != 1:
        for path in beside:
            left_out(str(path), "a table beside the items, of several")
        return table
    known = read_table(beside[0])
    key = next((name for name in known.names if name.lower() in _KEYS), known.names[0])
    row_of = {str(row[key]): row for row in known.rows}
    found = [row_of.get(row[NAME]) for row in table.rows]
    if not any(found):
        raise DatasetError(
            f"{beside[0]}: the column {key!r} names none of the folders, such as {table.rows[0][NAME]!r}",
            fix=f"give it a column called {NAME} with the names of the folders",
        )
    if missing := sum(row is None for row in found):
        left_out(str(beside[0]), f"{missing} of {len(found)} items, which it does not name; they have no columns of it")
    added = [name for name in known.names if name != key and name not in table.names]
    rows = [
        {**row, **{name: (more or {}).get(name) for name in added}} for row, more in zip(table.rows, found, strict=True)
    ]
    return Table(table.path, (*table.names, *added), rows, table.places)

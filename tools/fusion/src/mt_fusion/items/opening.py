"""A table or a folder of items, by its parts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import as_dataset_error, find_tables, split_from_name
from mt_fusion.items.folders import item_folders
from mt_fusion.items.table import SUFFIXES, Table, read_table

LAYOUTS = {
    "table": "a .csv, .tsv, .jsonl or .parquet of an item a row, whose cells are paths, texts, numbers or nothing",
    "tables": "train.csv, val.csv and test.csv in a folder",
    "folders": "item/<files> or class/item/<files>, with a table of further columns beside them or not",
}

_SPLIT_NAMES = ("split", "subset", "partition")


def open_items(root: Path) -> tuple[str, dict[str, Table]]:
    """The layout of items and their tables by split, "" for one of all.

    Raises:
        DatasetError: no known layout, or a table that cannot be read.
    """
    with as_dataset_error():
        if root.is_file():
            return "table", _by_column(read_table(root))
        tables = find_tables(root)
        if not tables:
            own = sorted(root / entry.name for entry in os.scandir(root) if entry.name.lower().endswith(SUFFIXES))
            folders = item_folders(root)
            if folders is not None:
                return "folders", {"": folders}
            tables = {"": own[0]} if len(own) == 1 else {}
        if not tables:
            raise DatasetError(
                f"{root} holds no items in a known layout",
                fix="the layouts are" + "".join(f"\n    {name}: {what}" for name, what in LAYOUTS.items()),
            )
        read = {split: read_table(path) for split, path in tables.items()}
        return ("tables", read) if "" not in read else ("table", _by_column(read[""]))


def _by_column(table: Table) -> dict[str, Table]:
    """By the cells of a column called split, where there is one."""
    column = next((name for name in table.names if name.lower() in _SPLIT_NAMES), None)
    splits = [None if column is None else split_from_name(str(row[column] or "")) for row in table.rows]
    if column is None or not any(splits):
        return {"": table}
    if not all(splits):
        at = splits.index(None)
        raise DatasetError(
            f"{table.places[at]}: the column {column!r} says {table.rows[at][column]!r}, which is no part of the data",
            fix="call the parts train, val and test, in every row; or give the column another name",
        )
    names = tuple(name for name in table.names if name != column)
    found: dict[str, Table] = {}
    for split in dict.fromkeys(splits):
        own = [at for at, name in enumerate(splits) if name == split]
        found[str(split)] = replace(
            table, names=names, rows=[table.rows[at] for at in own], places=[table.places[at] for at in own]
        )
    return found

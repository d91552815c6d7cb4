"""Lists and tables about a data set that are not read, and are reported."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk.notices import left_out
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.table_files import PATH_NAMES, read_rows, split_of, tables_in

_OTHER_FORMATS = (".txt", ".lst", ".list", ".json", ".xlsx", ".xls", ".parquet", ".mat", ".xml", "")
_TABLES_ONLY = (".xlsx", ".xls", ".parquet", ".mat")
_LOOKED_AT = 20


def tell_lists_beside(folder: Path, suffixes: Sequence[str]) -> None:
    """Tell of train.txt, splits.json, labels.xlsx and the like in a folder: what they say of its files is not used."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        stem, suffix = os.path.splitext(entry.name.lower())
        if suffix in suffixes or suffix not in _OTHER_FORMATS or not entry.is_file():
            continue
        is_of_splits = split_from_name(stem) or split_of(stem) or stem in ("split", "splits")
        if is_of_splits or (suffix in _TABLES_ONLY and stem in ("label", "labels", "metadata", "annotations")):
            left_out(entry.path, "a list in a format that is not read: save it as .csv of path,label or path,split")


def tell_table_above(folder: Path, suffixes: Sequence[str]) -> None:
    """Tell of a splits.csv or labels.csv in the folder above that lists files of this one."""
    folder = Path(os.path.abspath(folder))
    above = folder.parent
    try:
        tables = tables_in(above)
    except (DatasetError, OSError):
        return
    for path in tables.values():
        if _lists_files_in(path, folder.name, tuple(suffixes)):
            left_out(str(path), f"it lists files of {folder.name}/, and is read where the folder above is given")


def _lists_files_in(table: Path, folder: str, suffixes: tuple[str, ...]) -> bool:
    try:
        rows = read_rows(table, lambda cell: cell.strip().lower().endswith(suffixes))
    except DatasetError:
        return False
    at = rows.column(PATH_NAMES) or 0
    cells = [row[at].replace("\\", "/").removeprefix("./") for row in islice(rows.cells, _LOOKED_AT)]
    return any(cell.startswith(f"{folder}/") and (table.parent / cell).exists() for cell in cells)

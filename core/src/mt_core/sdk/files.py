"""Data sets of which each sample is a file: a table of paths, or a folder per class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk.folders import list_folders
from mt_core.sdk.listing import Listing
from mt_core.sdk.tables import find_tables, list_tables

FILE_LAYOUTS = {
    "table": "a CSV of path,label[,split], or a folder with labels.csv, splits.csv, or train.csv, val.csv, test.csv",
    "split folders": "train/, val/ and test/ (or valid, validation, dev) with a folder per class, or class/train/ …",
    "folders": "a folder per class; everything is 'train'",
}
"""The layouts of `list_files`, for a dataset's `layouts`."""


def list_files(root: Path, split: str, suffixes: Sequence[str]) -> Listing | None:
    """The files that a table names (`list_tables`), or those in a folder per class (`list_folders`); None for a folder
    with neither.

    Args:
        root: A folder, or a table.
        suffixes: Lower-case endings of the files that count in folders.

    Raises:
        DatasetError: a file that is not a table, or a damaged table.
        MissingSplitError: no such split.
    """
    if root.is_file():
        if root.suffix.lower() not in (".csv", ".tsv"):
            raise DatasetError(
                f"{root} is a file, and not a table", fix="give the folder of the data, or a .csv of path,label"
            )
        return list_tables({"": root}, split, root)
    if tables := find_tables(root):
        return list_tables(tables, split, root)
    return list_folders(root, split, suffixes)

"""A table of path and label, in one CSV file or in one a split."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk.delimited import Delimited
from mt_core.sdk.encoding import text_lines
from mt_core.sdk.listing import Listing, require_files, sorted_names
from mt_core.sdk.splits import select_splits, split_from_name
from mt_core.sdk.text import as_dataset_error

_PATH_NAMES = (
    "path", "file", "filename", "file_name", "filepath", "fname", "image", "image_path", "img", "video", "clip",
)  # fmt: skip
_LABEL_NAMES = ("label", "labels", "class", "class_name", "target", "category")
_SPLIT_NAMES = ("split", "subset", "partition", "set")

_WHOLE_TABLES = ("labels.csv", "splits.csv")


@dataclass(frozen=True)
class _Row:
    path: str
    label: str | None
    split: str | None


def find_tables(folder: Path) -> dict[str, Path]:
    """The tables of a folder: "" for one of all (labels.csv, splits.csv), else by split (train.csv); {} for none, or
    for a file."""
    if not folder.is_dir():
        return {}
    for whole in _WHOLE_TABLES:
        if (folder / whole).is_file():
            return {"": folder / whole}
    tables = [path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".csv" and path.is_file()]
    return {name: path for path in tables if (name := split_from_name(path.stem))}


def list_tables(tables: dict[str, Path], split: str, root: Path) -> Listing:
    """The rows of one split, in the order of the table.

    Args:
        tables: By split; "" for one table of all, which may have a split column of its own.

    Raises:
        DatasetError: no table of paths, a damaged one, or files that do not exist.
        MissingSplitError: the tables name splits, and not this one.
    """
    rows = {name: _rows(path) for name, path in tables.items()}
    if "" in rows:
        whole = rows.pop("")
        for name in {row.split for row in whole if row.split}:
            rows[name] = [row for row in whole if row.split == name]
        if not rows:
            rows[""] = whole
    splits = select_splits(split, [name for name in rows if name], root) or [""]
    listed = [row for name in splits for row in rows[name]]
    fix = f"paths are relative to the table; its header names them {' or '.join(_PATH_NAMES)}"
    require_files([row.path for row in listed], root, fix=fix)
    classes = sorted_names(row.label for some in rows.values() for row in some if row.label is not None)
    return Listing([row.path for row in listed], [row.label for row in listed], classes, "table")


def _rows(path: Path) -> list[_Row]:
    with as_dataset_error(), path.open("rb") as file:
        table = Delimited(text_lines(file, str(path)), str(path), separators=",;\t", header=_is_header)
        header = [name.lower() for name in table.names]
        path_column = _column(header, _PATH_NAMES)
        label_column, split_column = _column(header, _LABEL_NAMES), _column(header, _SPLIT_NAMES)
        if path_column is None:
            if table.width != 2:
                first = next(iter(table))
                raise DatasetError(
                    f"{path} has {table.width} columns and none called {' or '.join(_PATH_NAMES)}: {', '.join(first)}",
                    fix="name the column of paths in a header, or write two columns: path,label",
                )
            path_column, label_column = 0, 1
        rows = []
        for cells in filter(any, table):
            label = cells[label_column].strip() if label_column is not None else ""
            split = _split(cells[split_column], path, table.line) if split_column is not None else None
            rows.append(_Row(_path(path.parent, cells[path_column].strip()), label or None, split))
    return rows


def _is_header(cells: Sequence[str]) -> bool:
    return _column([cell.strip().lower() for cell in cells], _PATH_NAMES) is not None


def _path(folder: Path, name: str) -> str:
    """Where a file of the table is; Windows writes its paths with backslashes."""
    path = os.path.join(folder, name)
    return path if "\\" not in name or os.path.exists(path) else os.path.join(folder, name.replace("\\", "/"))


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _split(cell: str, path: Path, line: int) -> str:
    split = split_from_name(cell)
    if split is None:
        raise DatasetError(f"{path}, line {line}: {cell!r} is not a split", fix="call the splits train, val and test")
    return split

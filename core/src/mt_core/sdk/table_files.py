"""The tables of a data set: which files of a folder they are, and their rows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mt_core.errors import DatasetError, InputError
from mt_core.sdk.delimited import Delimited
from mt_core.sdk.encoding import text_lines
from mt_core.sdk.notices import left_out
from mt_core.sdk.numbers import is_header
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.text import as_dataset_error, column_names

PATH_NAMES = (
    "path", "file", "filename", "file_name", "filepath", "file_path", "fname", "image", "image_path", "image_name",
    "img", "img_path", "video", "video_path", "clip", "audio", "audio_path", "wav", "recording", "sample", "image_id",
    "img_id", "id", "name", "uri",
)  # fmt: skip
"""What a column of paths is called, the surest first."""

LABEL_NAMES = ("label", "labels", "class", "class_name", "classname", "target", "category", "y", "class_id", "label_id")
SPLIT_NAMES = ("split", "subset", "partition", "set")

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl")

_SURE_TABLES = ("labels", "splits", "label", "split")
_TABLES = ("metadata", "annotations", "annotation", "manifest", "index", "dataset", "files", "filelist", "file_list")
_BESIDE_SPLITS = frozenset(
    "label labels annotation annotations metadata meta data dataset list files file index set df images image img gt "
    "ground truth groundtruth csv split info".split()
)


@dataclass(frozen=True)
class Rows:
    """A table in memory.

    Attributes:
        names: Of the columns; () where it has no header.
        cells: Of each row, as many as there are columns, without blanks around.
        lines: Where each row stands in the file, from 1.
    """

    path: Path
    names: tuple[str, ...]
    cells: list[list[str]]
    lines: list[int]

    def column(self, names: Iterable[str]) -> int | None:
        """Where the first of these names is, in any case."""
        lowered = [name.lower() for name in self.names]
        return next((lowered.index(name.lower()) for name in names if name.lower() in lowered), None)


def find_tables(folder: Path, suffixes: Sequence[str] = ()) -> dict[str, Path]:
    """The tables of a folder: "" for one of all (labels.csv, splits.csv), else by split (train.csv); {} for none, or
    for a file.

    Known are also metadata.csv and its like, .tsv and .jsonl, train_labels.csv, train/metadata.csv, and any of it in
    the one folder below that has some; another table counts where its header names files and labels.

    Args:
        suffixes: Endings of the files that tables list.

    Raises:
        DatasetError: two tables for one split.
    """
    if not folder.is_dir():
        return {}
    if found := tables_in(folder):
        return found
    below = {path: tables for path in _folders(folder) if (tables := tables_in(path))}
    if by_split := {name: next(iter(tables.values())) for path, tables in below.items()
                    if (name := split_from_name(path.name)) and list(tables) == [""]}:  # fmt: skip
        return by_split
    if len(below) == 1:
        return next(iter(below.values()))
    listing = [path for path in _files(folder) if _lists_labels(path)]
    return {"": listing[0]} if len(listing) == 1 else {}


def tables_in(folder: Path) -> dict[str, Path]:
    """As `find_tables`, of what lies in the folder itself."""
    files = _files(folder)
    by_stem = {path.stem.lower(): path for path in reversed(files)}
    for stem in _SURE_TABLES:
        if stem in by_stem:
            return {"": by_stem[stem]}
    by_split: dict[str, Path] = {}
    for path in sorted(files, key=lambda path: split_from_name(path.stem) is None):  # train.csv before train_labels.csv
        name = split_of(path.stem)
        if name is None or (split_from_name(path.stem) is None and not _lists_files(path)):
            continue
        other = by_split.setdefault(name, path)
        if other != path and split_from_name(other.stem) is None:
            raise DatasetError(
                f"{folder} has two tables for {name}: {other.name} and {path.name}",
                fix=f"leave one of them, or call it {name}.csv",
            )
    if by_split:
        return by_split
    general = [by_stem[stem] for stem in _TABLES if stem in by_stem]
    if listing := [path for path in general if _lists_files(path)]:
        return {"": listing[0]}
    for path in general:
        left_out(str(path), f"a table without a column of files ({', '.join(PATH_NAMES[:3])}, …)")
    return {}


def read_rows(path: Path, is_path: Callable[[str], bool]) -> Rows:
    """The rows of a table; JSONL has an object a line.

    Args:
        is_path: Whether a cell is a path, in which case its row is no header.

    Raises:
        DatasetError: it cannot be read, or is no table.
    """
    if path.suffix.lower() == ".jsonl":
        return _json_rows(path)

    def names_columns(cells: Sequence[str]) -> bool:
        lowered = {cell.strip().lower() for cell in cells}
        return bool(lowered.intersection(PATH_NAMES + LABEL_NAMES)) or (
            is_header(cells) and not any(map(is_path, cells))
        )

    with as_dataset_error(), path.open("rb") as file:
        table = Delimited(text_lines(file, str(path)), str(path), separators=",;\t", header=names_columns)
        rows = Rows(path, table.names, [], [])
        for cells in filter(any, table):
            rows.cells.append([cell.strip() for cell in cells])
            rows.lines.append(table.line)
    if not rows.names:
        return Rows(path, tuple(f"column {at}" for at in range(1, table.width + 1)), rows.cells, rows.lines)
    return rows


def _json_rows(path: Path) -> Rows:
    records: list[dict[str, object]] = []
    lines: list[int] = []
    with as_dataset_error(), path.open("rb") as file:
        for number, line in enumerate(text_lines(file, str(path)), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                raise DatasetError(f"{path}, line {number}: no JSON object", fix="write one object a line")
            records.append(record)
            lines.append(number)
    names = tuple(dict.fromkeys(name for record in records for name in record))
    return Rows(path, names, [[_text(record.get(name)) for name in names] for record in records], lines)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def split_of(stem: str) -> str | None:
    """The split that a table's name says, among words that say nothing else."""
    words = [word for word in re.split(r"[^a-z]+", stem.lower()) if word]
    splits = {split_from_name(word) for word in words} - {None}
    others = {word for word in words if split_from_name(word) is None}
    return splits.pop() if len(splits) == 1 and others <= _BESIDE_SPLITS else None


def _header(path: Path) -> set[str]:
    try:
        names = _first_keys(path) if path.suffix.lower() == ".jsonl" else column_names(path)
    except (DatasetError, InputError, OSError):
        return set()
    return {name.lower() for name in names}


def _first_keys(path: Path) -> list[str]:
    """The keys of the first object; an error further below is reported when the table is read."""
    with as_dataset_error(), path.open("rb") as file:
        first = next((line for line in text_lines(file, str(path)) if line.strip()), "")
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        return []
    return list(record) if isinstance(record, dict) else []


def _lists_files(path: Path) -> bool:
    return bool(_header(path).intersection(PATH_NAMES))


def _lists_labels(path: Path) -> bool:
    return bool(_header(path).intersection(PATH_NAMES[:-4])) and bool(_header(path).intersection(LABEL_NAMES))


def _files(folder: Path) -> list[Path]:
    """The tables, .csv first."""
    names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith((".", "~$")) and entry.is_file()]
    tables = [name for name in names if name.lower().endswith(TABLE_SUFFIXES)]
    of_suffix = {suffix: sorted(name for name in tables if name.lower().endswith(suffix)) for suffix in TABLE_SUFFIXES}
    return [folder / name for suffix in TABLE_SUFFIXES for name in of_suffix[suffix]]


def _folders(folder: Path) -> list[Path]:
    return sorted(folder / entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[:1] not in "._")

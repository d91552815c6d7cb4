"""Folders that hold tables: which files make up a split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import split_from_name

LAYOUTS = {
    "UCI Adult": "a folder with adult.data (train) and adult.test (test), as the repository ships them",
    "split tables": "a folder with train.*, and val.* or test.* if any: .csv .tsv .jsonl .parquet .csv.gz .tsv.gz",
    "one table": "a file, or a folder with one: all its rows are both train and all",
}

ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
"""Columns of `adult.data` and `adult.test`, which have no header. Source: `adult.names` of the UCI repository, which
leaves the label without a name."""

_SUFFIXES = (".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl")


Files = dict[str, Path]
"""By split; "" where there are none."""


def find_layout(root: Path) -> tuple[str, Files]:
    """The first of `LAYOUTS` that fits, and its tables; ("", {}) where none does."""
    finders: dict[str, Callable[[Path], Files]] = {
        "UCI Adult": find_adult,
        "split tables": find_split_tables,
        "one table": find_one_table,
    }
    return next(((name, files) for name, find in finders.items() if (files := find(root))), ("", {}))


def find_adult(root: Path) -> Files:
    """`adult.data` and `adult.test`."""
    files = {"train": root / "adult.data", "test": root / "adult.test"}
    return {split: path for split, path in files.items() if path.is_file()}


def find_split_tables(root: Path) -> Files:
    """Tables that are called after splits.

    Raises:
        DatasetError: two for one split.
    """
    found: Files = {}
    for path in _tables(root):
        if split := split_from_name(path.name.partition(".")[0]):
            if split in found:
                raise DatasetError(f"{root} has {found[split].name} and {path.name}", fix=f"leave one file for {split}")
            found[split] = path
    return found


def find_one_table(root: Path) -> Files:
    """A file, or the only table of a folder.

    Raises:
        DatasetError: several tables.
    """
    tables = [root] if root.is_file() else _tables(root)
    if len(tables) > 1:
        raise DatasetError(
            f"{root} has {len(tables)} tables, and none is called train: {', '.join(path.name for path in tables[:5])}",
            fix=f"name one file, or use one of these layouts: {'; '.join(': '.join(each) for each in LAYOUTS.items())}",
        )
    return {"": tables[0]} if tables else {}


def _tables(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_file() and path.name.endswith(_SUFFIXES))

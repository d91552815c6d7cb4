"""Folders that hold tables: which files make up a split."""

from __future__ import annotations

from pathlib import Path

from mt_core.contract import SPLITS
from mt_core.errors import DatasetError, MissingSplitError, OptionError

LAYOUTS = {
    "UCI Adult": "a folder with adult.data (train) and adult.test (test), as the repository ships them",
    "split tables": "a folder with train.*, and val.* or test.* if there are any: .csv .tsv .parquet .csv.gz .tsv.gz",
    "one table": "a file, or a folder with one: all its rows are both train and all",
}

ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
"""Columns of `adult.data` and `adult.test`, which have no header. Source: `adult.names` of the UCI repository, which
leaves the label without a name."""

_SUFFIXES = (".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz")


def split_files(root: Path, split: str) -> list[Path]:
    """The files whose rows, one after the other, are a split.

    Raises:
        DatasetError: none of `LAYOUTS`.
        MissingSplitError: one of them, without this split.
        OptionError: a split that no layout has.
    """
    if split not in SPLITS:
        raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
    if root.is_file():
        return _chosen(root, split, {"train": root}, "one table")
    if not root.is_dir():
        raise DatasetError(f"{root} does not exist", fix="check the path and the folder it is relative to")
    adult = {"train": root / "adult.data", "test": root / "adult.test"}
    found = {name: path for name, path in adult.items() if path.is_file()}
    if found:
        return _chosen(root, split, found, "UCI Adult")
    tables = sorted(path for path in root.iterdir() if path.is_file() and path.name.endswith(_SUFFIXES))
    for name in ("train", "val", "test"):
        named = [path for path in tables if path.name.removeprefix(name) in _SUFFIXES]
        if len(named) > 1:
            raise DatasetError(
                f"{root} has {' and '.join(path.name for path in named)}", fix=f"leave one file for {name}"
            )
        if named:
            found[name] = named[0]
    if found:
        return _chosen(root, split, found, "split tables")
    if len(tables) == 1:
        return _chosen(root, split, {"train": tables[0]}, "one table")
    looked_for = "; ".join(f"{name}: {what}" for name, what in LAYOUTS.items())
    raise DatasetError(
        f"{root} is in no known layout: it has {len(tables)} tables, none called train.*",
        fix=f"name one file, or use one of these layouts: {looked_for}",
    )


def _chosen(root: Path, split: str, found: dict[str, Path], layout: str) -> list[Path]:
    if split == "all":
        return list(found.values())
    if split not in found:
        raise MissingSplitError(f"{root} ({layout}) has no {split} split", fix=f"it has: {', '.join([*found, 'all'])}")
    return [found[split]]

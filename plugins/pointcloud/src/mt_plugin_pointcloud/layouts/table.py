"""A table of files: splits.csv with the columns file, label and split, as beside LiDARNet's folders."""

from __future__ import annotations

import csv
from pathlib import Path

from mt_core.errors import DatasetError
from mt_plugin_pointcloud.layouts.listing import Listing, listing, of_split


def find_table(root: Path, split: str) -> Listing | None:
    """The clouds that `root/splits.csv` (or a .csv file given as root) names; None where there is no such table.

    Without a column `split` the table has "train" and "all", and both are everything.

    Raises:
        DatasetError: a table without the columns file and label, or one that names files which are not there.
    """
    table = root if root.suffix.lower() == ".csv" else root / "splits.csv"
    if not table.is_file():
        return None
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} is not a table ({error})", fix="save it as comma-separated UTF-8 text") from None
    if not rows or not {"file", "label"} <= rows[0].keys():
        columns = ", ".join(map(str, rows[0])) if rows else "no rows"
        raise DatasetError(f"{table} has {columns}", fix="give it the columns file, label and split")
    if any(not row["file"] or not row["label"] for row in rows):
        raise DatasetError(f"{table} has rows without a file or a label", fix="complete these rows, or remove them")
    by_split: dict[str, list[tuple[Path, str]]] = {}
    for row in rows:
        by_split.setdefault(row.get("split") or "train", []).append((table.parent / row["file"], row["label"]))
    chosen = of_split(by_split, split, root)
    lost = [file for file, _ in chosen if not file.is_file()]
    if lost:
        raise DatasetError(
            f"{table} names {lost[0]}, which does not exist ({len(lost)} such)", fix="check the download"
        )
    return listing(chosen, sorted({row["label"] for row in rows}), root)

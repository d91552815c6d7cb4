"""The tables that Kinetics is published as, beside the clips that were cut by them.

Source: Kay et al. 2017, The Kinetics human action video dataset, arXiv:1705.06950: a table has the columns label,
youtube_id, time_start, time_end and split. Clips are called `<youtube_id>_<start>_<end>.mp4` with six digits each by
the tools that fetch them, or by the id alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, column_names, dict_rows, files_below, split_from_name
from mt_plugin_video.layouts.present import Entry, listing_of_present
from mt_plugin_video.reading import SUFFIXES

_NEEDED = frozenset({"youtube_id", "time_start", "time_end"})

_OTHER_SPLIT_NAMES = {"validate": "val"}


def find_kinetics(root: Path, split: str) -> Listing | None:
    """The clips below a folder that its tables name, wherever they lie; None where it has no such table.

    Args:
        root: The folder, with the tables in it or in `annotations`, or one of the tables, with the clips beside it.

    Raises:
        DatasetError: a damaged table.
        MissingSplitError: no rows of this split.
    """
    tables = [root] if root.is_file() else sorted([*root.glob("*.csv"), *root.glob("annotations/*.csv")])
    tables = [path for path in tables if path.suffix.lower() == ".csv" and _NEEDED <= set(column_names(path))]
    if not tables:
        return None
    below = root if root.is_dir() else root.parent
    clips = {os.path.splitext(os.path.basename(path))[0]: path for path in files_below(below, SUFFIXES)}
    entries: dict[str, dict[str, Entry]] = {}
    for table in tables:
        for number, row in enumerate(dict_rows(table), 2):
            part, name, entry = _entry(row, clips, table, number)
            entries.setdefault(part, {})[name] = entry
    return listing_of_present({name: list(some.values()) for name, some in entries.items()}, split, root, "kinetics")


def _entry(row: dict[str, str], clips: dict[str, str], table: Path, line: int) -> tuple[str, str, Entry]:
    """Split, name and entry of one row; the path of a clip that is absent is its name alone."""
    try:
        span = f"{round(float(row['time_start'])):06d}_{round(float(row['time_end'])):06d}"
    except (ValueError, OverflowError):
        raise DatasetError(
            f"{table}, line {line}: its times are not numbers", fix="download the table again, or correct the line"
        ) from None
    named = (row.get("split") or table.stem.split("_")[-1]).lower()
    part = split_from_name(_OTHER_SPLIT_NAMES.get(named, named))
    if part is None:
        raise DatasetError(f"{table}, line {line}: {named!r} is not a split", fix="call the splits train, val and test")
    video = row["youtube_id"]
    name = f"{video}_{span}"
    path = clips.get(name) or clips.get(video) or f"{name}.mp4"
    return part, name, Entry(path, row.get("label") or None)

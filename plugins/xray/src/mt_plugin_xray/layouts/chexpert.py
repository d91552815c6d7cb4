"""CheXpert, and tables like it: a path and 14 observations, each present, absent, uncertain or not mentioned.

Source: Irvin et al. 2019, CheXpert, arXiv:1901.07031, sections 2 and 3.1 (what to do with uncertain ones).
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from mt_core.contract import Multilabel
from mt_core.errors import DatasetError
from mt_core.sdk import Listing, column_names, dict_rows, find_tables, select_splits

OBSERVATIONS = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema",
    "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture",
    "Support Devices",
)  # fmt: skip

UNCERTAIN = {"ignore": math.nan, "zeros": 0.0, "ones": 1.0}
"""What an uncertain observation counts as: U-Ignore, U-Zeros, U-Ones."""


def find_chexpert(root: Path, split: str, *, uncertain: str) -> Listing | None:
    """The films of `train.csv` and `valid.csv`; None where these have no column `Path` with observations beside it.

    An observation that is not mentioned counts as absent, as in the source's baselines.

    Args:
        root: The folder of the tables, or one table.
        uncertain: One of `UNCERTAIN`.

    Raises:
        DatasetError: a value that is none of 1, 0, -1 and blank, or films that are not there.
        MissingSplitError: no table of this split.
    """
    tables = {"": root} if root.is_file() else find_tables(root)
    header = column_names(next(iter(tables.values()))) if tables else ()
    observations = tuple(name for name in header if name in OBSERVATIONS)
    if "Path" not in header or not observations:
        return None
    paths: list[str] = []
    targets: list[list[float]] = []
    for part in select_splits(split, [part for part in tables if part], root) or [""]:
        for number, row in enumerate(dict_rows(tables[part]), start=2):
            where = f"{tables[part]}, line {number}"
            if lacking := [name for name in ("Path", *observations) if name not in row]:
                raise DatasetError(
                    f"{tables[part]} has no column {lacking[0]!r}", fix="give all tables the same observations"
                )
            paths.append(_found(row["Path"], tables[part].parent, where))
            targets.append([_value(row[name], UNCERTAIN[uncertain], f"{where}, {name}") for name in observations])
    return Listing(paths, targets, (), "chexpert", Multilabel(labels=observations))


def _found(path: str, folder: Path, where: str) -> str:
    """The file that a table means: it names the data set's own folder first, which may have been renamed."""
    parts = path.replace("\\", "/").split("/")
    for candidate in (folder.joinpath(*parts[1:]), folder.joinpath(*parts), folder.parent.joinpath(*parts)):
        if os.path.isfile(candidate):
            return str(candidate)
    raise DatasetError(
        f"{where}: {path[:120]!r} does not exist beside the table",
        fix="unpack the whole data set, and keep its tables in its folder",
    )


def _value(cell: str, uncertain: float, where: str) -> float:
    try:
        return {-1.0: uncertain, 0.0: 0.0, 1.0: 1.0}[float(cell or 0)]
    except (ValueError, KeyError):
        raise DatasetError(f"{where}: {cell[:40]!r} is none of 1, 0, -1 and blank", fix="correct it") from None

"""The files that public forecasting benchmarks ship in, and where they are divided.

Sources: Zhou et al. 2021 (Informer), arXiv:2012.07436, for ETT and its months; Wu et al. 2021 (Autoformer),
arXiv:2106.13008, for the other tables and 70 / 10 / 20 %; Lai et al. 2018 (LSTNet), arXiv:1703.07015, for the .txt.gz
files. In all of them the windows of val and test reach back into the part before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError
from mt_core.sdk import declared_suffixes

LAYOUTS = {
    "ett": "ETTh1.csv, ETTh2.csv (hourly), ETTm1.csv, ETTm2.csv (each quarter of an hour): 12 / 4 / 4 months",
    "lstnet": "exchange_rate.txt.gz, electricity.txt.gz, traffic.txt.gz, solar_AL.txt.gz: no dates, 70 / 10 / 20 %",
    "table": "any other table, such as weather.csv or national_illness.csv: 70 / 10 / 20 %",
    "nab": "data/**/*.csv and labels/combined_windows.json: steps are normal or an anomaly",
    "steps": "tables with a column of the class of each step: -D labels=steps",
    "uea": "Name_TRAIN.ts and Name_TEST.ts (or .arff): series with classes",
}

_TABLES = tuple(each for each in declared_suffixes("mt_plugin_timeseries") if each not in (".ts", ".arff"))
_ETT = re.compile(r"ett([hm])\d", re.IGNORECASE)
_MONTH_HOURS = 30 * 24


@dataclass(frozen=True)
class SplitPoints:
    """Where a series is divided: the first step of val, that of test, and the end."""

    val: int
    test: int
    end: int


def find_table(root: Path, file: str | None) -> Path | None:
    """The one table of a folder, or the one that `file` names; None where there is none.

    Raises:
        DatasetError: several, or none of that name.
    """
    if root.is_file():
        return root if _is_table(root) else None
    tables = tables_in(root)
    if file is not None:
        named = [path for path in tables if file in (path.name, _stem(path))]
        if not named:
            raise DatasetError(f"{root} has no table called {file!r}", fix=f"it has {_told(tables) or 'none'}")
        named = [path for path in named if path.name == file] or named
        if len(named) > 1:
            raise DatasetError(
                f"{root} has {len(named)} tables called {file!r}: {_told(named)}",
                fix=f"name one with its suffix, by the data option file={named[0].name}",
            )
        return named[0]
    if len(tables) > 1:
        raise DatasetError(
            f"{root} holds {len(tables)} tables: {_told(tables)}",
            fix=f"name one by the data option file={_shortest(tables[0], tables)}, or give its path",
        )
    return tables[0] if tables else None


def tables_in(folder: Path) -> list[Path]:
    """The tables of a folder, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_file() and _is_table(path))


def layout_name(path: Path) -> str:
    """The layout of a table, a key of `LAYOUTS`."""
    if _ETT.match(path.name):
        return "ett"
    return "lstnet" if path.name.lower().endswith(".txt.gz") else "table"


def split_points(path: Path, steps: int) -> SplitPoints:
    """Where a table's series is divided.

    Raises:
        DatasetError: an ETT file without its 20 months.
    """
    ett = _ETT.match(path.name)
    if ett is None:
        train, test = int(steps * 0.7), int(steps * 0.2)
        return SplitPoints(val=train, test=steps - test, end=steps)
    month = _MONTH_HOURS * (4 if ett[1].lower() == "m" else 1)
    if steps < 20 * month:
        raise DatasetError(
            f"{path} has {steps:,} rows, the 20 months of ETT are {20 * month:,}", fix="download the whole file"
        )
    return SplitPoints(val=12 * month, test=16 * month, end=20 * month)


def window_starts(parts: SplitPoints, split: str, *, lookback: int, horizon: int, stride: int) -> NDArray[np.int64]:
    """Where the windows of a split begin: what they forecast lies within it, and what they look at reaches back.

    Args:
        stride: Steps from one window of the training part to the next; the others stand at each step.
    """
    first_target, end = {
        "train": (lookback, parts.val),
        "val": (parts.val, parts.test),
        "test": (parts.test, parts.end),
        "all": (lookback, parts.end),
    }[split]
    step = stride if split == "train" else 1
    return np.arange(max(first_target - lookback, 0), end - horizon - lookback + 1, step, dtype=np.int64)


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(_TABLES) and not path.name.startswith(".")


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _shortest(path: Path, tables: list[Path]) -> str:
    """The stem of a table, or its name where another has the same stem."""
    return path.name if sum(_stem(each) == _stem(path) for each in tables) > 1 else _stem(path)


def _told(tables: list[Path]) -> str:
    return ", ".join(path.name for path in tables[:10]) + (", …" if len(tables) > 10 else "")

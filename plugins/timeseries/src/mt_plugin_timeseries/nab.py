"""The Numenta Anomaly Benchmark: series, and the windows of time in which something was wrong.

Source: Lavin and Ahmad 2015, Evaluating Real-Time Anomaly Detection Algorithms, ICMLA, arXiv:1510.03336.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import (
    Interval,
    LabelledSteps,
    Listing,
    check_intervals,
    classes_at,
    left_out,
    list_steps,
    read_text,
    require_files,
    some_of,
)
from mt_plugin_timeseries.options import TimeSeriesDatasetOptions
from mt_plugin_timeseries.reading import read_series
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.steps import check_channels
from mt_plugin_timeseries.tables import resolved
from mt_plugin_timeseries.times import format_times
from mt_plugin_timeseries.windows import filled, window_of

CLASSES = ("normal", "anomaly")

_LABELS = "labels/combined_windows.json"


def find_nab(root: Path, split: str, options: TimeSeriesDatasetOptions) -> Listing | None:
    """The series below data/, whose steps are anomalies from the first to the last moment of a window in
    labels/combined_windows.json. There are no splits: whole series are held out, or tested by `folds` or `test_group`.

    Warns:
        DataWarning: series that the list does not name, which are left out.

    Raises:
        DatasetError: a list that cannot be read, of series that are not there, or with windows outside of a series.
        OptionError: groups that are no files.
    """
    path = root / _LABELS
    if not path.is_file() or not (root / "data").is_dir():
        return None
    if options.group not in (None, "file"):
        raise OptionError(f"{root} has no group={options.group}: its series are files", fix="give group=file")
    windows_of = _windows(path)
    data = root / "data"
    require_files([str(data / name) for name in windows_of], path, fix="check that the download is complete")
    unknown = sorted(
        name for each in data.rglob("*.csv") if (name := each.relative_to(data).as_posix()) not in windows_of
    )
    if unknown:
        left_out(str(root), f"series without labels: {some_of(unknown)}")
    rows = resolved(options.irregular, "steps")
    every: list[Series] = []
    recordings = []
    for name, windows in windows_of.items():
        series = next(read_series(data / name, columns=options.columns, irregular=rows, text=options.text))
        labels_T = _labels(series, windows, f"{path}, {name}")
        every.append(series)
        recordings.append(
            LabelledSteps(name.removesuffix(".csv"), labels_T, options.lookback, partial(window_of, filled(series)))
        )
    check_channels(every)
    return list_steps(recordings, split, root, layout="nab", task=Segmentation(classes=CLASSES, background=0))


def _labels(series: Series, windows: Sequence[tuple[str, str]], where: str) -> Any:
    """(T,) 1 within the windows, 0 elsewhere."""
    if series.times is None:
        raise DatasetError(f"{series.name} has no column of times", fix="give the columns timestamp and value")
    # the last moment is within a window, and an interval ends behind its last
    intervals = [Interval(_time(start, where), _time(end, where) + 1, CLASSES[1], where) for start, end in windows]
    first, last = float(series.times.min()), float(series.times.max()) + 1

    def shown(time: float) -> str:
        return format_times(np.array([int(time)]))[0]

    checked = check_intervals(intervals, first, last, series.name, shown)
    return classes_at(series.times.astype(np.float64), checked, CLASSES)


def _windows(path: Path) -> dict[str, list[tuple[str, str]]]:
    try:
        read = json.loads(read_text(path))
        return {str(name): [(start, end) for start, end in windows] for name, windows in read.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} is no list of windows ({error})",
            fix='write {"folder/series.csv": [["2014-01-01 00:00:00", "2014-01-02 00:00:00"], …], …}',
        ) from None


def _time(text: Any, where: str) -> float:
    try:
        moment = int(np.datetime64(str(text).strip(), "us").astype(np.int64))
    except ValueError:
        moment = int(np.iinfo(np.int64).min)
    if moment == np.iinfo(np.int64).min:  # not a time
        raise DatasetError(f"{where}: {text!r} is no time", fix="write times such as 2014-01-31 12:00:00")
    return float(moment)

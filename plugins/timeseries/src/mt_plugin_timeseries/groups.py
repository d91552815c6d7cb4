"""A table of several series, told apart by a column: the windows of each, and which of them are tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError
from mt_core.sdk import Listing, left_out, select_splits, tested_samples
from mt_plugin_timeseries.layouts import layout_name
from mt_plugin_timeseries.options import TimeSeriesDatasetOptions
from mt_plugin_timeseries.reading import read_groups
from mt_plugin_timeseries.scales import forecasting_task
from mt_plugin_timeseries.windows import Forecasts, GroupWindows, full_windows, joined


def find_groups(path: Path, split: str, options: TimeSeriesDatasetOptions) -> Listing:
    """The windows of all series of a table, a series a group; none reaches from one into another.

    Where the options say which series are tested, mean and scale are those of the others, and only windows of the
    others are thinned by `window_stride`; else all is "train".

    Args:
        split: "all" where the options say which are tested.

    Warns:
        DataWarning: series that are shorter than a window.

    Raises:
        DatasetError: no window at all, to train on, or to test.
        MissingSplitError: another split than "train" and "all", where the options say nothing of tests.
        OptionError: no such column, or groups that there are not.
    """
    assert options.group is not None
    if not options.divides:
        select_splits(split, (), path)
    found = read_groups(
        path, options.group, columns=options.columns, irregular=options.rows, text=options.text
    )  # fmt: skip
    names, parts = [name for name, _ in found], [series for _, series in found]
    is_test = np.zeros(len(parts), bool)
    if options.divides:
        steps = [len(series) for series in parts]
        is_test = tested_samples(np.repeat(names, steps).tolist(), (), options)[np.cumsum([0, *steps[:-1]])]
    length = options.lookback + options.horizon
    starts: list[NDArray[np.int64]] = []
    offset = 0
    for series, tested in zip(parts, is_test, strict=True):
        stride = 1 if tested or (split == "all" and not options.divides) else options.window_stride
        starts.append(offset + np.arange(0, max(len(series) - length + 1, 0), stride, dtype=np.int64))
        offset += len(series)
    windows = GroupWindows(parts, np.concatenate(starts), options.lookback)
    windows.starts = full_windows(windows.series.values, windows.starts, options.lookback)
    of_window = windows.series_of(windows.starts)
    _check_windows(np.bincount(of_window, minlength=len(parts)), is_test, path, options)
    trained = [series for series, tested in zip(parts, is_test, strict=True) if not tested]
    task = forecasting_task(joined(trained), None, options.horizon)
    return Listing(
        windows,
        Forecasts(windows.series.values, windows.starts + options.lookback, options.horizon),
        (),
        layout_name(path),
        task,
        groups=[names[at] for at in of_window],
        tested=is_test[of_window].tolist() if options.divides else None,
    )


def _check_windows(
    counts: NDArray[np.int64], is_test: NDArray[np.bool_], path: Path, options: TimeSeriesDatasetOptions
) -> None:
    """Tell series without a window.

    Raises:
        DatasetError: all of them, or all that are tested, or all others.
    """
    length = f"of {options.lookback} steps with {options.horizon} behind it in which every channel has a value"
    for which, chosen in (("", ~is_test), (" that are tested", is_test)):
        if chosen.any() and not counts[chosen].any():
            raise DatasetError(
                f"{path}: the series{which} have no window {length}",
                fix=f"give longer series, or smaller data options: lookback={options.lookback}, "
                f"horizon={options.horizon}",
            )
    if lacking := int((counts == 0).sum()):
        left_out(str(path), f"{lacking:,} of {len(counts):,} series, which have no window {length}")

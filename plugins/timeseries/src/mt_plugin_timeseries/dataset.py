"""Windows of series and what follows them; and whole series with their classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import numpy as np

from mt_core.contract import SPLITS, AnyTask, Forecasting, names_given
from mt_core.errors import DatasetError, MissingSplitError, OptionError
from mt_core.sdk import ListedDataset, Listing, list_uea, temporary_folder
from mt_plugin_timeseries.demo import DEMO_CHANNELS, write_demo
from mt_plugin_timeseries.examples import write_examples
from mt_plugin_timeseries.layouts import LAYOUTS, find_table, layout_of, parts_of, window_starts
from mt_plugin_timeseries.reading import read_series
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.tables import Irregular, Text
from mt_plugin_timeseries.windows import Horizons, Windows, full_windows

_DEMO_LOOKBACK, _DEMO_HORIZON, _DEMO_STRIDE = 48, 12, 5
_DEMO_TRAINING_HOURS = 2000


class TimeSeriesDataset(ListedDataset):
    """To forecast: the windows of one series in memory, cut out when they are asked for, and the values that follow.
    To classify: the series of a UEA data set."""

    layouts: ClassVar[dict[str, str]] = LAYOUTS
    kinds = ("forecasting", "classification")
    demo_options: ClassVar[dict[str, Any]] = {"lookback": _DEMO_LOOKBACK}

    @classmethod
    def open(cls, root: Path, split: str = "train", *, task: AnyTask | None = None, **options: Any) -> Self:
        """See `ModalityDataset.open` and `find`. With the task of an earlier run, its horizon and channels stand."""
        if isinstance(task, Forecasting):
            options = {"horizon": task.horizon, "columns": task.channels, **options}
        return super().open(root, split, task=task, **options)

    @classmethod
    def find(
        cls,
        root: Path,
        split: str,
        *,
        horizon: int = 96,
        lookback: int = 336,
        stride: int = 1,
        columns: Sequence[str] = (),
        file: str | None = None,
        irregular: Irregular = "repair",
        text: Text = "refuse",
    ) -> Listing | None:
        """The windows of a table, or the series of a UEA data set; see `layouts.LAYOUTS`.

        Args:
            horizon: Steps to forecast.
            lookback: Steps of a window, at least those that the tokenizer's option of this name looks at.
            stride: Steps from one training window to the next; the others stand at each step.
            columns: Channels to forecast, in this order; none: all.
            file: Which table, where a folder holds several.
            irregular: What to do with rows that are not one step after the other; "ignore" takes them as the
                literature does.
            text: Whether columns of text are refused or ignored.
        """
        _check_counts(horizon=horizon, lookback=lookback, stride=stride)
        _check_words(irregular=(irregular, get_args(Irregular)), text=(text, get_args(Text)))
        listing = list_uea(root, split)
        if listing is not None:
            return listing
        path = find_table(root, file)
        if path is None:
            return None
        whole = next(read_series(path, columns=names_given(columns), irregular=irregular, text=text))
        parts = parts_of(path, len(whole))
        starts = window_starts(parts, split, lookback=lookback, horizon=horizon, stride=stride)
        starts = full_windows(whole.values, starts, lookback)
        if not len(starts):
            _refuse_short(path, split, len(whole), lookback, horizon)
        task = forecasting_task(whole, parts.val, horizon)
        return windows_listing(whole, starts, lookback, task, layout_of(path))

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Windows of 48 hours and the next 12, of a series drawn for this run, written as CSV and read back."""
        if split not in SPLITS:
            raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        folder = temporary_folder("timeseries")
        statistics = write_demo(folder / "statistics.csv", "train", _DEMO_TRAINING_HOURS, seed)
        hours = _DEMO_LOOKBACK + _DEMO_HORIZON + (size - 1) * _DEMO_STRIDE
        path = write_demo(folder / f"{split}.csv", split, hours, seed)
        starts = np.arange(size, dtype=np.int64) * _DEMO_STRIDE
        task = forecasting_task(next(read_series(statistics)), _DEMO_TRAINING_HOURS, _DEMO_HORIZON)
        listing = windows_listing(next(read_series(path)), starts, _DEMO_LOOKBACK, task, "table")
        return cls.of(listing, None, f"{DEMO_CHANNELS} seasonal series drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)


def forecasting_task(series: Series, training_steps: int, horizon: int) -> Forecasting:
    """The task of forecasting a series, with mean and population standard deviation of each channel's training part; a
    channel that is constant there, or not known, keeps a scale of one."""
    values = series.values[:training_steps].astype(np.float64)
    known = ~np.isnan(values)
    counts = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0.0).sum(0) / counts
    scale = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(0) / counts)
    scale = np.where(scale > 0, scale, 1.0)
    return Forecasting(
        channels=series.channels, horizon=horizon, mean=tuple(mean.tolist()), scale=tuple(scale.tolist())
    )


def windows_listing(series: Series, starts: np.ndarray, lookback: int, task: Forecasting, layout: str) -> Listing:
    """Windows that begin at these steps, and what follows each."""
    targets = Horizons(series.values, starts + lookback, task.horizon)
    return Listing(Windows(series, starts, lookback), targets, (), layout, task)


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if not isinstance(value, int) or value < 1:
            raise OptionError(f"{name}={value!r}", fix="give a whole number above 0")


def _check_words(**words: tuple[str, tuple[str, ...]]) -> None:
    for name, (value, known) in words.items():
        if value not in known:
            raise OptionError(f"{name}={value!r}", fix=f"use one of {', '.join(known)}")


def _refuse_short(path: Path, split: str, steps: int, lookback: int, horizon: int) -> None:
    problem = (
        f"{path} has {steps:,} steps, and its {split} part no window of {lookback} steps with {horizon} behind it in "
        "which every channel has a value"
    )
    fix = f"give a longer series, or smaller data options: lookback={lookback}, horizon={horizon}"
    # a series so short that its val part holds no horizon can be trained on all the same
    raise (MissingSplitError if split == "val" else DatasetError)(problem, fix)

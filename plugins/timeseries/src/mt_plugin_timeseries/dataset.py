"""Windows of series and what follows them; and whole series with their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from mt_core.contract import AnyTask, Forecasting
from mt_core.contract import Options as AnyOptions
from mt_core.errors import DatasetError, MissingSplitError, OptionError
from mt_core.sdk import Listing, StepsDataset, check_split, list_uea, temporary_folder
from mt_plugin_timeseries.demo import DEMO_CHANNELS, write_demo, write_examples
from mt_plugin_timeseries.groups import find_groups
from mt_plugin_timeseries.layouts import LAYOUTS, find_table, layout_name, split_points, window_starts
from mt_plugin_timeseries.nab import find_nab
from mt_plugin_timeseries.options import TimeSeriesDatasetOptions
from mt_plugin_timeseries.reading import read_series
from mt_plugin_timeseries.scales import forecasting_task
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.steps import find_steps
from mt_plugin_timeseries.windows import Forecasts, Windows, full_windows

_DEMO_LOOKBACK, _DEMO_HORIZON, _DEMO_STRIDE = 48, 12, 5
_DEMO_TRAINING_HOURS = 2000


class TimeSeriesDataset(StepsDataset):
    """To forecast: the windows of one series in memory, cut out when they are asked for, and the values that follow.
    To classify: the series of a UEA data set. To segment: windows of series whose steps have classes."""

    Options = TimeSeriesDatasetOptions
    layouts: ClassVar[dict[str, str]] = LAYOUTS
    kinds = ("forecasting", "classification", "segmentation")
    demo_options: ClassVar[dict[str, Any]] = {"lookback": _DEMO_LOOKBACK}

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: AnyOptions | None = None
    ) -> Self:
        """See `ModalityDataset.open`. With the task of an earlier run, its horizon and channels stand where none are
        given."""
        if isinstance(task, Forecasting):
            given: dict[str, Any] = options.model_dump(exclude_unset=True) if options is not None else {}
            columns = given.get("columns") or task.channels
            options = cls.Options.parse({"horizon": task.horizon, **given, "columns": columns})
        return super().open(root, split, task=task, options=options)

    @classmethod
    def find(cls, root: Path, split: str, *, options: TimeSeriesDatasetOptions | None = None) -> Listing | None:
        """The windows of a table, or of several with labels of their steps, or the series of a UEA data set; see
        `layouts.LAYOUTS`.

        Raises:
            OptionError: folds of one series.
        """
        options = options or TimeSeriesDatasetOptions()
        lookback, horizon = options.lookback, options.horizon
        if options.labels != "whole" and root.is_dir() and (of_nab := find_nab(root, split, options)):
            return of_nab
        if options.labels == "steps":
            return find_steps(root, split, options)
        listing = list_uea(root, split)
        if listing is not None:
            return listing
        path = find_table(root, options.file)
        if path is None:
            return None
        if options.group is not None:
            return find_groups(path, split, options)
        if options.folds:
            raise OptionError(
                f"{path} is one series, whose windows share values: it has no folds",
                fix="name by the data option group the column that tells several series apart, or leave folds out",
            )
        whole = next(read_series(path, columns=options.columns, irregular=options.rows, text=options.text))
        parts = split_points(path, len(whole))
        starts = window_starts(parts, split, lookback=lookback, horizon=horizon, stride=options.window_stride)
        starts = full_windows(whole.values, starts, lookback)
        if not len(starts):
            _refuse_short(path, split, len(whole), lookback, horizon)
        task = forecasting_task(whole, parts.val, horizon)
        return windows_listing(whole, starts, lookback, task, layout_name(path))

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Windows of 48 hours and the next 12, of a series drawn for this run, written as CSV and read back."""
        check_split(split)
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


def windows_listing(series: Series, starts: np.ndarray, lookback: int, task: Forecasting, layout: str) -> Listing:
    """Windows that begin at these steps, and what follows each."""
    targets = Forecasts(series.values, starts + lookback, task.horizon)
    return Listing(Windows(series, starts, lookback), targets, (), layout, task)


def _refuse_short(path: Path, split: str, steps: int, lookback: int, horizon: int) -> None:
    problem = (
        f"{path} has {steps:,} steps, and its {split} part no window of {lookback} steps with {horizon} behind it in "
        "which every channel has a value"
    )
    fix = f"give a longer series, or smaller data options: lookback={lookback}, horizon={horizon}"
    # a series so short that its val part holds no horizon can be trained on all the same
    raise (MissingSplitError if split == "val" else DatasetError)(problem, fix)

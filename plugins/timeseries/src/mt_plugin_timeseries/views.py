"""A forecast as a table and as a plot.  H steps of a forecast, C channels."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mt_core.contract import AnyTask, Forecasting
from mt_core.errors import InputError
from mt_plugin_timeseries.reading import read_series
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.times import Times, format_times, next_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CHANNELS, _ONE_COLUMN = 8, 3
_HISTORY, _LEAST_HISTORY = 3, 48  # times the horizon, and steps at the least
_PAST, _FUTURE = "#5b6b7f", "#d1495b"


def write(source: Any, records: Sequence[dict[str, Any]], task: AnyTask, folder: Path) -> list[Path]:
    """Write `<stem>_forecast.csv`, the time and a column a channel, and `<stem>_forecast.png`.

    Args:
        source: What was forecast, a path or an object; of several series, each has a number in its files' names.
        records: What the head says of each series: {"prediction": {channel: H values in the series' unit}}.
        task: Of the head; nothing is written for any but a forecast.
        folder: Where to; it is made where it is not there.

    Returns:
        The files; times are continued where they are regular, else steps are counted from 1.

    Raises:
        InputError: a source that cannot be read.
    """
    if not isinstance(task, Forecasting):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, (series, record) in enumerate(zip(_history(source), records, strict=False), start=1):
        stem = _stem(source) + (f"_{number}" if len(records) > 1 else "")
        forecast: dict[str, list[float]] = record["prediction"]
        series = series.of(list(forecast))
        horizon = len(next(iter(forecast.values())))
        times = next_times(series.times, horizon) if series.times is not None else None
        table, plot = folder / f"{stem}_forecast.csv", folder / f"{stem}_forecast.png"
        _write_table(table, forecast, horizon, times)
        written.append(table)
        _figure(series, forecast, horizon, times, stem).savefig(plot, dpi=120)
        written.append(plot)
    return written


def _history(source: Any) -> list[Series]:
    try:
        return list(read_series(source, text="ignore"))
    except InputError:  # the run that forecast it may not have looked at the times
        return list(read_series(source, text="ignore", irregular="ignore"))


def _stem(source: Any) -> str:
    return Path(source).name.split(".")[0] or "series" if isinstance(source, str | Path) else "series"


def _write_table(path: Path, forecast: dict[str, list[float]], horizon: int, times: Times | None) -> None:
    first = format_times(times) if times is not None else list(range(1, horizon + 1))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date" if times is not None else "step", *forecast])
        rounded = ([f"{value:.7g}" for value in values] for values in forecast.values())  # float32 holds no more
        writer.writerows(zip(first, *rounded, strict=True))


def _figure(series: Series, forecast: dict[str, list[float]], horizon: int, times: Times | None, title: str) -> Figure:
    """The end of the history and the forecast, a small plot a channel."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = list(forecast)[:_MOST_CHANNELS]
    columns = 1 if len(shown) <= _ONE_COLUMN else 2
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(8.0 if columns == 1 else 10.4, 0.6 + 2.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
    left_out = len(forecast) - len(shown)
    figure.suptitle(f"{title}: {horizon} steps" + (f"; {left_out} more channels in the table" if left_out else ""))
    past = series.last(max(_LEAST_HISTORY, _HISTORY * horizon))
    before, after = _places(past, horizon, times)
    for place, axis in enumerate(axes.flat):
        if place >= len(shown):
            axis.remove()
            continue
        values = past.values[:, past.channels.index(shown[place])]
        _plot(axis, shown[place], before, values, after, np.asarray(forecast[shown[place]]))
        axis.tick_params(labelbottom=place + columns >= len(shown))
        if times is None:
            axis.set_xlabel("steps from the last known" if place + columns >= len(shown) else "")
        else:
            _date_labels(axis)
    axes[0, 0].legend(fontsize=8, loc="best")
    return figure


def _places(past: Series, horizon: int, times: Times | None) -> tuple[Any, Any]:
    """Where history and forecast stand on the horizontal axis: times, or steps from the last known."""
    if past.times is None or times is None:
        return np.arange(1 - len(past), 1), np.arange(1, horizon + 1)
    return past.times.astype("M8[us]"), times.astype("M8[us]")


def _plot(axis: Axes, channel: str, before: Any, values: Any, after: Any, forecast: Any) -> None:
    axis.plot(before, values, color=_PAST, linewidth=1.1, label="known")
    # the line goes on from the last known value, if it is known
    axis.plot(
        np.concatenate([before[-1:], after]),
        np.concatenate([values[-1:], forecast]),
        color=_FUTURE,
        linewidth=1.4,
        label="forecast",
    )
    axis.axvline(before[-1], color="#b8c0cc", linewidth=0.8, linestyle="--")
    axis.set_title(channel, fontsize=9, loc="left", parse_math=False)
    axis.tick_params(labelsize=8)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _date_labels(axis: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]

"""What comes after a window of a series: errors by step, and forecasts with their bands.

N windows, H steps, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mt_core.contract import Forecasting, ModalityDataset, Tokenizer
from mt_core.data.reading import read_sample
from mt_core.errors import MtError
from mt_core.io.chart import Chart
from mt_core.io.scale import range_of
from mt_report.charts.tables import bars, plain_table
from mt_report.page import Page
from mt_report.samples import Card
from mt_report.statistics import evenly
from mt_report.subject import Subject
from mt_report.text import number, short

_MOST_WINDOWS = 1000
"""Windows that are read again for their last values, evenly spread."""

_TYPICAL, _WORST, _MOST_CHANNELS = 3, 4, 24
_LEVELS = (0.05, 0.95)

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Forecasts:
    """Some windows with what is known of each.

    Attributes:
        rows: (N,) of the predictions.
        windows: Of each the (T, C) values that were given; None where the samples do not tell them.
        predicted, true: (N, H, C) in the unit of the series.
        naive: (N, H, C) the last known value of each channel, repeated; None where it is not known.
    """

    rows: NDArray[np.int64]
    windows: list[Values] | None
    predicted: Values
    true: Values
    naive: Values | None


def add_forecasting(page: Page, subject: Subject) -> None:
    """Errors of the model, of the repeated last value and of the mean, by step; and some forecasts."""
    task = subject.task
    assert isinstance(task, Forecasting)
    page.section("Forecasts")
    found = _forecasts(subject, task)
    if found is None or not np.isfinite(found.true).any():
        page.note("No value of this part is known, so nothing can be compared.")
        return
    mean_C, scale_C = np.array(task.mean), np.array(task.scale)
    contenders: dict[str, Values] = {"the run": found.predicted}
    if found.naive is not None:
        contenders["naive: last value repeated"] = found.naive
    contenders["constant: mean of the training part"] = np.broadcast_to(mean_C, found.true.shape)
    error_of = {name: (values - found.true) / scale_C for name, values in contenders.items()}
    rows = []
    for name, error in error_of.items():
        rows.append((name, number(float(np.nanmean(error**2))), number(float(np.nanmean(np.abs(error))))))
    page.add(plain_table("Errors beside simple forecasts", ("forecast", "mse", "mae"), rows))
    count, of = len(found.rows), len(subject.part.dataset)
    windows = f"{count:,} evenly spread ones of {of:,} windows" if count < of else f"{count:,} windows"
    page.note(f"In standard deviations of each channel in the training part, on {windows}.")
    if found.naive is None:
        page.note("The naive forecast was not measured: the samples do not tell the values of their windows.")
    page.charts([_by_step(error_of, task.horizon)])
    page.add(_by_channel(error_of["the run"], task))
    _add_windows(page, subject, task, found, error_of["the run"])


def _forecasts(subject: Subject, task: Forecasting) -> Forecasts | None:
    predicted = subject.predictions
    if predicted.outputs.shape != predicted.targets.shape:
        return None
    rows = np.flatnonzero(predicted.positions >= 0)
    rows = rows[evenly(len(rows), _MOST_WINDOWS)]
    windows = _windows(subject.part.dataset, subject.model.tokenizer, predicted.positions[rows], len(task.channels))
    true, outputs = predicted.targets[rows].double().numpy(), predicted.outputs[rows].double().numpy()
    naive = None
    if windows is not None:
        last_NC = np.stack([_last_known(window) for window in windows])
        naive = np.repeat(last_NC[:, None], task.horizon, axis=1)
    return Forecasts(rows, windows, outputs, true, naive)


def _windows(
    dataset: ModalityDataset, tokenizer: Tokenizer, positions: NDArray[np.int64], channels: int
) -> list[Values] | None:
    """The values of windows: of samples that are arrays, or have them as `values`, steps first."""
    found = []
    for position in positions.tolist():
        try:
            sample: Any = read_sample(tokenizer, dataset[position].sample)
        except MtError:
            return None
        values = getattr(sample, "values", sample)
        if not isinstance(values, np.ndarray | torch.Tensor) or np.ndim(values) != 2 or values.shape[1] != channels:
            return None
        found.append(np.asarray(values, np.float64))
    return found


def _last_known(window: Values) -> Values:
    """(C,) the newest value of each channel that is known; NaN where none is."""
    known = np.isfinite(window)
    newest = len(window) - 1 - known[::-1].argmax(0)
    return np.where(known.any(0), window[newest, np.arange(window.shape[1])], np.nan)


def _by_step(error_of: dict[str, Values], horizon: int) -> str:
    steps = list(range(1, horizon + 1))
    curves = {name: np.sqrt(np.nanmean(error**2, axis=(0, 2))) for name, error in error_of.items()}
    drawn = [1.0, 2.0] if horizon == 1 else [float(step) for step in steps]
    chart = Chart(
        "Error by step",
        "steps ahead",
        "root mean square error",
        range_of(drawn, pad=0.02),
        (0, max(float(np.nanmax(curve)) for curve in curves.values()) * 1.05),
        counts=True,
    )
    for colour, (name, curve) in enumerate(curves.items()):
        chart.line([float(step) for step in steps], curve.tolist(), colour, name, dashed=colour > 0)
    own = curves["the run"]
    return chart.html(f"The run's error is {number(own[0])} at step 1 and {number(own[-1])} at step {horizon}.")


def _by_channel(error: Values, task: Forecasting) -> str:
    of_channel = np.sqrt(np.nanmean(error**2, axis=(0, 1)))
    order = np.argsort(-np.nan_to_num(of_channel, nan=-1.0), kind="stable")[:_MOST_CHANNELS]
    rows = [(task.channels[channel], float(of_channel[channel]), "") for channel in order]
    more = f", the {_MOST_CHANNELS} largest of {len(of_channel)}" if len(of_channel) > _MOST_CHANNELS else ""
    highest = float(np.nanmax(of_channel)) or 1.0
    return bars(f"Root mean square error of the run by channel{more}", ("channel", "error"), rows, highest)


def _add_windows(page: Page, subject: Subject, task: Forecasting, found: Forecasts, error: Values) -> None:
    band_HC = np.nanquantile(found.true - found.predicted, _LEVELS, axis=0)  # (2, H, C)
    of_window = np.sqrt(np.nanmean(error**2, axis=(1, 2)))
    order = np.argsort(np.nan_to_num(of_window, nan=-1.0), kind="stable")
    order = order[np.isfinite(of_window[order])]
    middle = int(order[len(order) // 2])
    of_channel = np.nan_to_num(np.nanmean(error[middle] ** 2, axis=0))
    inside = np.nanmean((found.true >= found.predicted + band_HC[0]) & (found.true <= found.predicted + band_HC[1]))
    page.section("A typical forecast")
    page.note(
        f"The window whose error is the median, {number(of_window[middle])}. Bands: the middle 90 % of the errors that "
        f"all windows of this part have at each step; they hold {inside:.0%} of these values, and fewer of new ones. "
        "The model itself says nothing of its uncertainty."
    )
    channels = np.argsort(-of_channel, kind="stable")[:_TYPICAL]
    page.charts([_window_chart(task, found, band_HC, middle, int(channel)) for channel in channels])
    page.section("The worst mistakes")
    page.note("The windows with the largest errors, each with its worst channel.")
    cards = []
    for row in order[::-1][:_WORST].tolist():
        channel = int(np.nan_to_num(np.nanmean(error[row] ** 2, axis=0), nan=-1.0).argmax())
        position = int(subject.predictions.positions[found.rows[row]])
        said = f"error {number(of_window[row])}"
        cards.append(Card(position, (said,), _window_chart(task, found, band_HC, row, channel)))
    page.add(subject.gallery.cards(cards).replace('class="cards"', 'class="cards large"'))
    page.section("The least sure")
    page.note("Not measured: the model forecasts single values and says nothing of their uncertainty.")


def _window_chart(task: Forecasting, found: Forecasts, band_HC: Values, row: int, channel: int) -> str:
    steps = [float(step) for step in range(1, task.horizon + 1)]
    predicted, true = found.predicted[row, :, channel], found.true[row, :, channel]
    low, high = predicted + band_HC[0, :, channel], predicted + band_HC[1, :, channel]
    before: list[float] = []
    if found.windows is not None:
        before = found.windows[row][-2 * task.horizon :, channel].tolist()
    past = [float(step) for step in range(1 - len(before), 1)]
    name = short(task.channels[channel], 28)
    across, along = range_of(past, steps, pad=0.02), range_of(before, low, high, true)
    chart = Chart(name, "steps from the last value", "value", across, along, counts=True)
    chart.band(steps, low.tolist(), high.tolist(), 0, "90 % of errors")
    if before:
        chart.line(past, before, 9, "given")
    chart.line(steps, true.tolist(), 2, "what came")
    if found.naive is not None:
        chart.line(steps, found.naive[row, :, channel].tolist(), 1, "naive", dashed=True)
    chart.line(steps, predicted.tolist(), 0, "forecast")
    error = float(np.sqrt(np.nanmean(((predicted - true) / task.scale[channel]) ** 2)))
    return chart.html(f"Root mean square error of this window and channel: {number(error)}.")

"""What plain models make of a series: ridge regression where it is forecast, a forest where it is classified.

n windows, L steps of each, H steps to forecast, C channels.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Baseline, Forecasting
from mt_core.sdk import axis_statistics
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.tokenizer import TimeSeriesTokenizer
from mt_plugin_timeseries.windows import interpolate

_MOST_ROWS = 30_000
_PENALTIES = np.logspace(0, 4, 9)
"""Of which the best by leave-one-out is taken."""


class TimeSeriesBaseline(Baseline):
    """To forecast, the newest `lookback` steps as they are; to classify, statistics of each channel."""

    description = "ridge regression on the window less its last value; to classify, a forest on statistics"
    model = "forest"
    tokenizer: TimeSeriesTokenizer

    def features(self, sample: Series) -> NDArray[np.float64]:
        """(L * C) or (11 * C)."""
        if not self.tokenizer.forecasts:
            return axis_statistics(interpolate(sample))
        lookback = self.tokenizer.options.lookback
        window_TC = interpolate(sample.last(lookback))
        return np.pad(window_TC, ((lookback - len(window_TC), 0), (0, 0)), mode="edge").ravel()

    def estimator(self, task: AnyTask, seed: int) -> Any:
        return _SharedRidge(task) if isinstance(task, Forecasting) else None


class _SharedRidge:
    """One linear map for all channels, on their standardised values less the last one (Zeng et al. 2023, NLinear,
    arXiv:2205.13504)."""

    def __init__(self, task: Forecasting) -> None:
        from sklearn.linear_model import RidgeCV

        self.scale_C = np.asarray(task.scale)
        self.horizon = task.horizon
        self.ridge = RidgeCV(_PENALTIES)

    def fit(self, windows: NDArray[Any], targets: NDArray[Any]) -> Self:
        """Fit on (n, L * C) windows and (n, H * C) targets, evenly spread ones where there are many."""
        step = -(-len(windows) * len(self.scale_C) // _MOST_ROWS) or 1
        rows_ML, last_M1 = self._rows(windows[::step])
        targets_MH, _ = self._rows(targets[::step])
        self.ridge.fit(rows_ML - last_M1, targets_MH - last_M1)
        return self

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float64]:
        """(n, H * C)."""
        rows_ML, last_M1 = self._rows(windows)
        steps_MH = self.ridge.predict(rows_ML - last_M1) + last_M1
        steps_NCH = steps_MH.reshape(len(windows), len(self.scale_C), self.horizon)
        return np.asarray(np.swapaxes(steps_NCH * self.scale_C[:, None], 1, 2).reshape(len(windows), -1))

    def _rows(self, flat: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A row for each channel of each window, in standard deviations, and its last value."""
        values_NTC = flat.reshape(len(flat), -1, len(self.scale_C)) / self.scale_C
        rows = np.swapaxes(values_NTC, 1, 2).reshape(-1, values_NTC.shape[1]).astype(np.float64)
        return rows, rows[:, -1:]

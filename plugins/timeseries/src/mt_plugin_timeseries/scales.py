"""The scale on which errors of forecasts are measured."""

from __future__ import annotations

import numpy as np

from mt_core.contract import Forecasting
from mt_plugin_timeseries.series import Series


def forecasting_task(series: Series, training_steps: int | None, horizon: int) -> Forecasting:
    """The task of forecasting a series, with mean and population standard deviation of each channel's training part; a
    channel that is constant there, or not known, keeps a scale of one.

    Args:
        training_steps: Of its beginning; None: all.
    """
    values = series.values[:training_steps].astype(np.float64)
    known = ~np.isnan(values)
    counts = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0.0).sum(0) / counts
    scale = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(0) / counts)
    scale = np.where(scale > 0, scale, 1.0)
    return Forecasting(
        channels=series.channels, horizon=horizon, mean=tuple(mean.tolist()), scale=tuple(scale.tolist())
    )

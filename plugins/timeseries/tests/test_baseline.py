"""Ridge regression on windows, statistics where series are classified."""

import numpy as np
import pytest
import torch

from mt_core.contract import Example, Forecasting
from mt_plugin_timeseries.baseline import TimeSeriesBaseline
from mt_plugin_timeseries.series import Series, make_series
from mt_plugin_timeseries.tokenizer import TimeSeriesOptions, TimeSeriesTokenizer

STEPS, HORIZON = 32, 8
TASK = Forecasting(channels=("a", "b"), horizon=HORIZON, mean=(0.0, 0.0), scale=(1.0, 10.0))


def baseline(series: Series, target: object) -> TimeSeriesBaseline:
    torch.manual_seed(0)
    tokenizer = TimeSeriesTokenizer(8, TimeSeriesOptions.parse({"lookback": STEPS, "patch": 8, "stride": 4}))
    tokenizer.calibrate([Example(series, target)])
    return TimeSeriesBaseline(tokenizer)


def waves(phase: float) -> np.ndarray:
    steps = np.arange(STEPS + HORIZON)
    return np.stack([np.sin(steps / 3 + phase), 50 + 10 * np.sin(steps / 3 + 2 * phase)], axis=1)


def test_waves_of_one_period_are_forecast_at_any_phase_and_level() -> None:
    pytest.importorskip("sklearn", reason="the ridge regression is scikit-learn's, an extra")
    drawn = [waves(phase) for phase in np.random.default_rng(0).uniform(0, 6, 400)]
    first = make_series(drawn[0][:STEPS], "waves")
    plain = baseline(first, drawn[0][STEPS:])
    windows = np.stack([plain.features(make_series(each[:STEPS], "waves")) for each in drawn])
    targets = np.stack([each[STEPS:].ravel() for each in drawn])
    assert windows.shape == (400, 2 * STEPS)
    ridge = plain.estimator(TASK, 0).fit(windows[:300], targets[:300])
    error = (ridge.predict(windows[300:]) - targets[300:]).reshape(100, HORIZON, 2)
    assert abs(error[..., 0]).max() < 0.1 and abs(error[..., 1]).max() < 1  # of waves of 1 and of 10
    raised = ridge.predict(windows[300:] + 1000) - 1000
    assert np.allclose(raised, ridge.predict(windows[300:]), atol=1e-6)


def test_series_that_are_classified_have_eleven_statistics_a_channel_whatever_their_length() -> None:
    plain = baseline(make_series(waves(0), "waves"), 1)
    short, whole = (plain.features(make_series(waves(0)[:steps], "waves")) for steps in (9, 40))
    assert len(short) == len(whole) == 22
    assert np.allclose(whole[:2], waves(0).mean(0), atol=1e-5)

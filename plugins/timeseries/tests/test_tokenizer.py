"""Series to tokens: what is normalised, how patches lie, and that padding moves nothing."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from mt_core.contract import Example, Tokens
from mt_core.errors import InputError, OptionError
from mt_plugin_timeseries.calendar import calendar_features
from mt_plugin_timeseries.series import Series, make_series
from mt_plugin_timeseries.tokenizer import TimeSeriesOptions, TimeSeriesTokenizer

HOUR = 3_600_000_000
MONDAY = 1_704_067_200_000_000  # 2024-01-01


def made(width: int = 8, **options: Any) -> TimeSeriesTokenizer:
    torch.manual_seed(0)
    return TimeSeriesTokenizer(width, TimeSeriesOptions.parse({"lookback": 32, "patch": 8, "stride": 4, **options}))


def wave(steps: int, channels: int = 1, seed: int = 0) -> Series:
    values = np.random.default_rng(seed).normal(size=(steps, channels)).cumsum(0)
    return make_series(values, "wave.csv", times=MONDAY + HOUR * np.arange(steps))


def tokens(tokenizer: TimeSeriesTokenizer, samples: Sequence[Any]) -> Tokens:
    with torch.no_grad():
        return tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(sample)) for sample in samples]))


def real(of: Tokens, row: int) -> torch.Tensor:
    return of.values[row][of.real()[row]]


def test_336_steps_give_the_42_patches_of_patchtst():
    tokenizer = TimeSeriesTokenizer(8)
    found = tokens(tokenizer, [wave(336, 7)])
    assert found.values.shape == (7, 42, 8) and found.views == 7
    assert {name: tuple(value.shape) for name, value in found.side.items()} == {"mean": (1, 7), "scale": (1, 7)}


def test_windows_are_normalised_by_their_own_mean_and_population_deviation():
    tokenizer = made(lookback=8)
    series = make_series(
        np.array([[0.0, 100], [2, 100], [0, 300], [2, 300], [0, 100], [2, 100], [0, 300], [2, 300]]), "s"
    )
    item = tokenizer.prepare(series)
    assert item["mean"].tolist() == [1, 200] and item["scale"].tolist() == [1, 100]
    # 8 steps and the newest four times more: the patches are steps 0 to 7 and 4 to 11
    assert item["values"][0].tolist() == [-1, 1, -1, 1, -1, 1, -1, 1, 1, 1, 1, 1]
    assert item["values"][1].tolist() == [-1, -1, 1, 1, -1, -1, 1, 1, 1, 1, 1, 1]


def test_mean_and_scale_bring_the_values_back():
    series = wave(32, 3)
    item = made().prepare(series)
    back = item["values"][:, :32] * item["scale"][:, None] + item["mean"][:, None]
    np.testing.assert_allclose(back.numpy().T, series.values, rtol=1e-4, atol=1e-4)


def test_unit_of_a_channel_changes_no_token():
    tokenizer, series = made(), wave(32, 2)
    other = make_series(series.values * np.float32(64) + 512, "s")
    torch.testing.assert_close(tokens(tokenizer, [other]).values, tokens(tokenizer, [series]).values, atol=1e-3, rtol=0)


def test_only_the_newest_steps_of_a_long_series_count():
    tokenizer, series = made(), wave(100)
    torch.testing.assert_close(
        tokens(tokenizer, [series]).values, tokens(tokenizer, [series.values[-32:]]).values, atol=0, rtol=0
    )


def test_newest_value_is_in_the_last_token_and_the_oldest_in_the_first():
    tokenizer = made()
    with torch.no_grad():
        for step, token in ((31, -1), (0, 0)):
            item = tokenizer.prepare(wave(32))
            nudged = {**item, "values": item["values"].clone()}
            nudged["values"][0, step] += 1
            before, after = (tokenizer(tokenizer.collate([each])).values[0] for each in (item, nudged))
            changed = (before != after).any(-1)
            assert changed[token]


def test_token_depends_only_on_its_own_patch():
    tokenizer = made()
    item = tokenizer.prepare(wave(32))
    nudged = {**item, "values": item["values"].clone()}
    nudged["values"][0, 12] += 1  # in the patches that begin at 8 and at 12
    with torch.no_grad():
        before, after = (tokenizer(tokenizer.collate([each])).values[0] for each in (item, nudged))
    assert (before != after).any(-1).nonzero().flatten().tolist() == [2, 3]


def test_positions_are_counted_from_the_newest_patch():
    tokenizer = made()
    with torch.no_grad():
        tokenizer.project.weight.zero_()
        tokenizer.project.bias.zero_()
    long, short = tokens(tokenizer, [wave(32)]), tokens(tokenizer, [wave(20)])
    torch.testing.assert_close(short.values[0], long.values[0, -short.values.shape[1] :], atol=0, rtol=0)
    assert long.coords is not None and short.coords is not None
    # the last patch has four steps and four repetitions: its middle is half a step after the newest value
    assert long.coords[0, :, 0].tolist() == [0.5 - 4 * back for back in range(7, -1, -1)]
    assert short.coords[0, :, 0].tolist() == long.coords[0, -short.values.shape[1] :, 0].tolist()


def test_padding_changes_no_token_and_padding_channels_have_none():
    tokenizer = made()
    samples = [wave(32, 1, seed=1), wave(17, 3, seed=2), wave(9, 2, seed=3)]
    together = tokens(tokenizer, samples)
    assert together.views == 3
    for row, sample in enumerate(samples):
        alone = tokens(tokenizer, [sample])
        for channel in range(sample.values.shape[1]):
            torch.testing.assert_close(real(together, 3 * row + channel), alone.values[channel], atol=1e-6, rtol=0)
            assert together.real()[3 * row + channel, -1]  # the newest stands last in all
        for name in ("mean", "scale"):
            count = sample.values.shape[1]
            torch.testing.assert_close(together.side[name][row, :count], alone.side[name][0], atol=0, rtol=0)
    assert together.real().any(1).tolist() == [True, False, False, True, True, True, True, True, False]


def test_gaps_are_interpolated_and_ends_held():
    values = np.array([math.nan, 1, math.nan, math.nan, 4, 5, 6, math.nan])
    filled = np.array([1.0, 1, 2, 3, 4, 5, 6, 6])
    tokenizer = made()
    torch.testing.assert_close(tokens(tokenizer, [values]).values, tokens(tokenizer, [filled]).values)


def test_constant_channel_has_a_scale_above_zero_and_finite_tokens():
    for constant in (0.0, 1234.567, -1e-6, 3e30):
        found = tokens(made(), [np.full(32, constant)])
        assert found.values.isfinite().all() and (found.side["scale"] > 0).all()
        back = found.side["mean"] + 10 * found.side["scale"]
        assert back.item() == pytest.approx(constant, rel=1e-3, abs=1e-6)


def test_channel_without_a_value_in_the_window_is_refused():
    values = np.ones((50, 2))
    values[10:, 1] = np.nan
    with pytest.raises(InputError, match="'channel_2' has no value in the last 32 steps"):
        tokens(made(), [values])


def test_what_is_linear_in_a_patch_survives_a_normalisation_of_its_token():
    """An encoder's last norm divides by a token's size; a constant beside the patch keeps most of what that takes."""
    tokenizer = made(width=64)
    patches = torch.randn(400, 8) * torch.rand(400, 1).mul(2)
    lost = []
    for constant in (0.0, 1.0):
        with torch.no_grad():
            features = tokenizer.project(patches) + (constant - 1) * tokenizer.project.bias
            features = torch.nn.functional.layer_norm(features, (64,))
        features = torch.cat([features, torch.ones(400, 1)], dim=1)
        weights = torch.linalg.lstsq(features[:300], patches[:300]).solution
        lost.append(float((features[300:] @ weights - patches[300:]).square().mean()))
    assert lost[1] < lost[0] / 5


# short series


def fitted(tokenizer: TimeSeriesTokenizer, sample: Any, target: Any) -> TimeSeriesTokenizer:
    tokenizer.calibrate([Example(sample, target)])
    return tokenizer


def test_short_series_is_used_as_it_is_unless_the_model_forecasts():
    short = make_series(np.arange(20.0), "short.csv")
    assert tokens(made(), [short]).values.shape[1] == 5
    assert tokens(fitted(made(), wave(32), 1), [short]).values.shape[1] == 5
    assert tokens(fitted(made(short="use"), wave(32), np.zeros((3, 1))), [short]).values.shape[1] == 5
    for tokenizer in (made(short="refuse"), fitted(made(), wave(32), np.zeros((3, 1), np.float32))):
        with pytest.raises(InputError, match=r"short\.csv has 20 steps, 32 are needed[\s\S]*lookback=20"):
            tokens(tokenizer, [short])


def test_series_shorter_than_a_patch_is_always_refused():
    with pytest.raises(InputError, match="5 steps, 8 are needed"):
        tokens(made(), [np.arange(5.0)])


# options


def test_calendar_is_hour_weekday_day_and_month_on_circles():
    noon = np.array([MONDAY + 12 * HOUR])
    sine, cosine = np.split(calendar_features(noon, np.zeros(1))[0], 2)
    hour, weekday, day, month = np.arctan2(sine, cosine) / (2 * np.pi) % 1
    assert hour == pytest.approx(0.5)
    assert weekday == pytest.approx(0.5 / 7, abs=1e-6)
    assert day == pytest.approx(0, abs=1e-6) and month == pytest.approx(0, abs=1e-6)


def test_calendar_lies_at_the_middle_of_each_patch_and_goes_on_beyond_the_window():
    times = MONDAY + HOUR * np.arange(6)
    halves = calendar_features(times, np.array([-6.0, -4.5, 0.0, 3.0]))
    angles = np.arctan2(halves[:, 0], halves[:, 4]) / (2 * np.pi) % 1 * 24
    np.testing.assert_allclose(angles, [23, 0.5, 5, 8], atol=1e-4)


def test_calendar_moves_tokens_and_needs_times():
    tokenizer = made(calendar=True)
    series = wave(32)
    later = Series(series.values, series.channels, np.asarray(series.times) + 6 * HOUR)
    assert not torch.allclose(tokens(tokenizer, [series]).values, tokens(tokenizer, [later]).values)
    mixed = tokens(tokenizer, [series, wave(20)])
    torch.testing.assert_close(real(mixed, 1), tokens(tokenizer, [wave(20)]).values[0], atol=1e-6, rtol=0)
    with pytest.raises(InputError, match="no times"):
        tokens(tokenizer, [series.values])


def test_level_is_told_where_the_model_classifies():
    series = wave(32)
    louder = make_series(series.values * 3, "louder")
    forecasts, classifies = fitted(made(), series, np.zeros((3, 1))), made()
    classifies.calibrate([Example(series, 0), Example(louder, 1)])
    differs = [
        not torch.allclose(tokens(each, [series]).values, tokens(each, [louder]).values, atol=1e-3)
        for each in (made(), forecasts, classifies)
    ]
    assert differs == [False, False, True]


def test_channels_get_vectors_of_their_own_by_option():
    twice = make_series(np.repeat(wave(32).values, 2, axis=1), "s", ("a", "b"))
    plain, named = fitted(made(), twice, 0), fitted(made(channel_ids=True), twice, 0)
    same = [torch.equal(found.values[0], found.values[1]) for found in (tokens(plain, [twice]), tokens(named, [twice]))]
    assert same == [True, False]


def test_options_that_contradict_each_other_are_refused():
    for options in ({"stride": 9}, {"lookback": 4}, {"patch": 0}, {"step": 3}, {"short": "maybe"}):
        with pytest.raises(OptionError):
            made(**options)
    assert TimeSeriesOptions.parse({"columns": "a,b"}).columns == ("a", "b")
    assert TimeSeriesOptions.parse({"columns": ["a", 1]}).columns == ("a", "1")


# what was learned


def test_channels_of_training_are_looked_for_by_name():
    tokenizer = fitted(made(), make_series(wave(32, 2).values, "train.csv", ("a", "b")), 0)
    values = wave(32, 3).values
    more = make_series(values, "more.csv", ("b", "x", "a"))
    assert tokenizer.read(more).channels == ("a", "b")
    np.testing.assert_array_equal(tokenizer.read(more).values, values[:, [2, 0]])
    assert tokenizer.read(values[:, :2]).channels == ("a", "b")  # an array has places, no names
    with pytest.raises(InputError, match=r"other\.csv has no channel 'b'; it has 'a', 'x', 'y'"):
        tokenizer.read(make_series(values, "other.csv", ("a", "x", "y")))


def test_calibration_is_restored_with_its_weights():
    tokenizer = made(channel_ids=True)
    tokenizer.calibrate(Example(wave(32, 2, seed), seed % 2) for seed in range(4))
    again = made(channel_ids=True)
    again.restore(tokenizer.calibration())
    again.load_state_dict(tokenizer.state_dict())
    torch.testing.assert_close(tokens(again, [wave(40, 2)]).values, tokens(tokenizer, [wave(40, 2)]).values)


def test_tokenizer_survives_pickling_and_draws_nothing():
    tokenizer = made()
    item = tokenizer.prepare(wave(32))
    trained = pickle.loads(pickle.dumps(tokenizer)).prepare(wave(32), torch.Generator().manual_seed(1))
    assert all(torch.equal(item[name], trained[name]) for name in item)


def test_gradients_reach_every_parameter():
    tokenizer = made(calendar=True, channel_ids=True, level="on")
    tokenizer.calibrate([Example(wave(32, 2), 0), Example(wave(32, 2, seed=1), 1)])
    batch = tokenizer.collate([tokenizer.prepare(wave(32, 2))])
    tokenizer(batch).values.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in tokenizer.parameters())


def test_file_of_several_series_is_streamed(tmp_path):
    path = tmp_path / "X_TEST.ts"
    path.write_text("@timestamps false\n@classLabel false\n@data\n" + "1,2,3,4,5,6,7,8,9\n" * 2)
    assert [len(series) for series in made().stream(path)] == [9, 9]
    with pytest.raises(InputError, match=r"X_TEST\.ts holds more than one series"):
        made().read(path)

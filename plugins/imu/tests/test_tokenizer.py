"""Recordings to tokens.  T steps, C axes."""

import json
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.contract import Example, Tokens
from mt_core.errors import DataWarning, InputError, OptionError
from mt_plugin_imu.reading import only_recording
from mt_plugin_imu.stem import Spectrum
from mt_plugin_imu.tokenizer import ImuOptions, ImuTokenizer

STILL = {"jitter": 0, "scale": 0, "rotate_degrees": 0, "warp": 0, "shift": 0}


def tokenizer_of(**options: Any) -> ImuTokenizer:
    torch.manual_seed(0)
    return ImuTokenizer(16, ImuOptions.parse({"patch": 8, **options})).eval()


def drawn(steps: int, axes: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(steps, axes))


def tokens_of(tokenizer: ImuTokenizer, *sources: Any) -> Tokens:
    with torch.no_grad():
        tokens: Tokens = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(each)) for each in sources]))
    return tokens


def real_tokens(tokens: Tokens, sample: int) -> Tensor:
    """(N, D) those of one sample, over all its views."""
    rows = slice(sample * tokens.views, (sample + 1) * tokens.views)
    return tokens.values[rows][tokens.real()[rows]]


# axes


@pytest.mark.parametrize("axes", [1, 2, 3, 4, 6, 9, 12])
def test_recordings_of_any_number_of_axes_become_tokens(axes: int) -> None:
    tokens = tokens_of(tokenizer_of(), drawn(40, axes))
    assert tokens.values.shape == (1, 9, 16) and tokens.values.isfinite().all()


def test_more_axes_than_the_option_allows_are_refused() -> None:
    with pytest.raises(InputError, match=r"has 13 axes, and the option max_axes allows 12\n  fix: set max_axes=13"):
        tokens_of(tokenizer_of(), drawn(40, 13))
    assert tokens_of(tokenizer_of(max_axes=45), drawn(40, 45)).values.shape == (1, 9, 16)


@pytest.mark.parametrize("axis", range(6))
def test_every_axis_reaches_the_tokens(axis: int) -> None:
    tokenizer, values = tokenizer_of(), drawn(40, 6)
    nudged = values.copy()
    nudged[:, axis] *= -1
    assert (tokens_of(tokenizer, values).values - tokens_of(tokenizer, nudged).values).abs().max() > 1e-3


def test_which_axis_moves_makes_a_difference() -> None:
    tokenizer, values = tokenizer_of(), drawn(40, 3)
    swapped = values[:, [1, 0, 2]]
    assert (tokens_of(tokenizer, values).values - tokens_of(tokenizer, swapped).values).abs().max() > 1e-3


def test_magnitudes_are_those_of_triples_and_none_without() -> None:
    tokenizer, values = tokenizer_of(), drawn(40, 6)
    prepared = tokenizer.prepare(tokenizer.read(values))
    first, second = np.linalg.norm(values[:, :3], axis=1), np.linalg.norm(values[:, 3:], axis=1)
    expected = np.stack([first / np.sqrt((first**2).mean()), second / np.sqrt((second**2).mean())], axis=1)
    assert np.allclose(prepared["magnitudes"][0, :40], expected, atol=1e-5)
    assert tokenizer.prepare(tokenizer.read(drawn(40, 4)))["magnitudes"].shape == (1, 40, 0)


# time


@pytest.mark.parametrize(("steps", "patches"), [(8, 1), (9, 2), (12, 2), (13, 3), (40, 9), (41, 10)])
def test_patches_overlap_by_half_and_the_last_is_filled(steps: int, patches: int) -> None:
    assert tokens_of(tokenizer_of(), drawn(steps)).values.shape[1] == patches


def test_last_step_is_seen() -> None:
    tokenizer, values = tokenizer_of(), drawn(41)
    nudged = values.copy()
    nudged[-1] += 3
    changed = tokens_of(tokenizer, values).values[0, -1] - tokens_of(tokenizer, nudged).values[0, -1]
    assert changed.abs().max() > 1e-3


def test_token_sees_its_patch_and_sixteen_steps_around_it() -> None:
    tokenizer, recording = tokenizer_of(), only_recording(drawn(80))
    batch = tokenizer.collate([tokenizer.prepare(recording)])
    nudged = {name: tensor.clone() for name, tensor in batch.items()}
    nudged["axes"][0, 0, 60] += 1
    with torch.no_grad():
        changed = (tokenizer(batch).values != tokenizer(nudged).values).any(-1)[0]
    starts = torch.arange(19) * 4
    assert torch.equal(changed, (starts - 16 <= 60) & (60 < starts + 8 + 16))


def test_order_of_time_makes_a_difference() -> None:
    tokenizer, values = tokenizer_of(), drawn(40)
    forwards, backwards = tokens_of(tokenizer, values).values, tokens_of(tokenizer, values[::-1]).values
    assert (forwards.mean(1) - backwards.mean(1)).abs().max() > 1e-3


def test_same_movement_at_two_rates_gives_nearly_the_same() -> None:
    tokenizer = tokenizer_of(rate_hz=25)
    waves = [
        {"values": np.sin(2 * np.pi * ((np.arange(4 * rate) + 0.5) / rate)[:, None] * [1, 2, 3]), "rate": rate}
        for rate in (50, 100)
    ]
    one, other = (tokenizer.prepare(tokenizer.read(wave))["axes"] for wave in waves)
    assert one.shape == other.shape == (1, 100, 3)
    assert (one - other).abs().max() < 0.05


def test_unknown_rate_is_taken_as_it_is() -> None:
    assert tokenizer_of(rate_hz=25).prepare(only_recording(drawn(80)))["axes"].shape == (1, 80, 3)
    known = only_recording({"values": drawn(80), "rate": 50})
    assert tokenizer_of(rate_hz=25).prepare(known)["axes"].shape == (1, 40, 3)
    assert tokenizer_of(rate_hz=0).prepare(known)["axes"].shape == (1, 80, 3)


def test_recording_shorter_than_a_patch_is_refused() -> None:
    with pytest.raises(InputError, match=r"has 7 steps, and a patch takes 8\n  fix: choose the option patch=2"):
        tokens_of(tokenizer_of(), drawn(7))
    with pytest.raises(InputError, match="has 4 steps at 50 Hz"):
        tokens_of(tokenizer_of(), {"values": drawn(8), "rate": 100})


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@pytest.mark.parametrize(("steps", "views"), [(64, 1), (65, 2), (128, 2), (129, 3), (10_000, 3)])
def test_long_recording_is_seen_through_windows(steps: int, views: int) -> None:
    tokenizer = tokenizer_of(window=64, max_windows=3)
    values = drawn(steps)
    tokens = tokens_of(tokenizer, values)
    assert tokens.views == views and tokens.num_samples == 1 and tokens.values.shape == (views, 15, 16)
    for step in (0, -1):
        nudged = values.copy()
        nudged[step] += 50
        assert not torch.equal(tokens_of(tokenizer, nudged).values, tokens.values), "both ends are seen"


def test_what_lies_between_the_windows_is_told() -> None:
    tokenizer = tokenizer_of(window=64, max_windows=3)
    tokenizer.read(drawn(3 * 64))
    with pytest.warns(DataWarning, match=r"left out: what lies between 3 windows of 64 steps"):
        tokenizer.read(drawn(1000))


def test_spectrum_tells_frequency_and_strength_and_not_phase() -> None:
    torch.manual_seed(0)
    spectrum, times = Spectrum(1, 8, patch=32, stride=32), torch.arange(32) / 32
    waves = [torch.sin(2 * torch.pi * (6 * times + phase)) for phase in (0, 0.1, 0.25, 0.6)]
    same = spectrum(torch.stack(waves)[:, None])[:, 0]
    assert (same - same[0]).abs().max() < 0.05
    other = spectrum(torch.stack([3 * waves[0], torch.sin(2 * torch.pi * 9 * times)])[:, None])[:, 0]
    assert ((other - same[0]).abs().amax(-1) > 0.1).all()


# padding and batches


def test_padding_changes_no_token() -> None:
    tokenizer = tokenizer_of(window=64, max_windows=4)
    sources = [drawn(21, 6), drawn(200, 3, seed=1), drawn(8, 1, seed=2), drawn(64, 12, seed=3)]
    together = tokens_of(tokenizer, *sources)
    assert together.views == 4
    for row, source in enumerate(sources):
        alone = tokens_of(tokenizer, source)
        assert torch.allclose(real_tokens(together, row), real_tokens(alone, 0), atol=1e-5)


def test_values_in_the_padding_change_no_token() -> None:
    tokenizer = tokenizer_of()
    batch = tokenizer.collate([tokenizer.prepare(only_recording(drawn(steps))) for steps in (24, 60)])
    filled = {name: tensor.clone() for name, tensor in batch.items()}
    filled["axes"][0, 0, 24:], filled["magnitudes"][0, 0, 24:] = 7, 7
    with torch.no_grad():
        clean, dirty = tokenizer(batch), tokenizer(filled)
    assert torch.equal(clean.real(), dirty.real()) and clean.real()[0].sum() == 5
    assert torch.equal(clean.values[clean.real()], dirty.values[dirty.real()])


def test_samples_of_one_length_are_real_throughout() -> None:
    assert tokens_of(tokenizer_of(), drawn(40), drawn(40, seed=1)).real().all()


# units and calibration


@pytest.mark.parametrize("axes", [1, 3, 6])
def test_unit_does_not_matter_before_calibration(axes: int) -> None:
    tokenizer, values = tokenizer_of(), drawn(40, axes)
    assert torch.allclose(tokens_of(tokenizer, values).values, tokens_of(tokenizer, values * 9.81).values, atol=1e-4)


def test_calibration_standardises_by_the_training_split() -> None:
    tokenizer = tokenizer_of()
    parts = [drawn(30) * [1, 2, 3] + [0, 0, 9.81], drawn(50, seed=1) * [4, 5, 6]]
    tokenizer.calibrate([Example({"values": part}) for part in parts])
    whole = np.concatenate(parts)
    norms = np.linalg.norm(whole, axis=1)
    calibration = json.loads(json.dumps(tokenizer.calibration()))
    assert np.allclose(calibration["means"], [*whole.mean(0), norms.mean()], atol=1e-4)
    assert np.allclose(calibration["deviations"], [*whole.std(0), norms.std()], atol=1e-4)
    prepared = tokenizer.prepare(tokenizer.read(parts[0]))
    assert np.allclose(prepared["axes"][0, :30], (parts[0] - whole.mean(0)) / whole.std(0), atol=1e-4)


def test_restored_tokenizer_is_the_calibrated_one() -> None:
    tokenizer, values = tokenizer_of(), drawn(40, 6)
    tokenizer.calibrate([Example(drawn(99, 6, seed=5))])
    tokenizer.calibrate([Example(drawn(99, 6, seed=3))])  # starts anew
    other = tokenizer_of()
    assert other.calibration() == {}
    other.restore(json.loads(json.dumps(tokenizer.calibration())))
    other.load_state_dict(tokenizer.state_dict())
    assert torch.equal(tokens_of(other, values).values, tokens_of(tokenizer, values).values)
    once = tokenizer_of()
    once.calibrate([Example(drawn(99, 6, seed=3))])
    assert once.calibration() == tokenizer.calibration()


def test_other_axes_than_in_calibration_are_refused() -> None:
    tokenizer = tokenizer_of()
    tokenizer.calibrate([Example(drawn(20, 6)), Example("no such file"), Example(drawn(20)), Example(drawn(30))])
    with pytest.raises(InputError, match="has 6 axes, and this model was calibrated on 3"):
        tokens_of(tokenizer, drawn(20, 6))
    with pytest.raises(InputError, match="no recordings to calibrate on"):
        tokenizer.calibrate([])


def test_axis_that_never_moves_and_a_spike_keep_numbers_finite() -> None:
    values = drawn(40)
    values[:, 1] = 0
    values[7, 0] = 1e14
    tokenizer = tokenizer_of()
    assert tokens_of(tokenizer, values, np.zeros((40, 3))).values.isfinite().all()
    tokenizer.calibrate([Example(drawn(40) * [1, 0, 1])])
    assert tokens_of(tokenizer, values).values.isfinite().all()


# augmentation


@pytest.mark.parametrize(
    "only", [{}, {"jitter": 0.1}, {"scale": 0.2}, {"rotate_degrees": 90}, {"warp": 0.3}, {"shift": 0.3}]
)
def test_training_draws_from_its_generator_alone(only: dict[str, float]) -> None:
    tokenizer, recording = tokenizer_of(**{**STILL, **only}), only_recording(drawn(40, 6))
    before = torch.get_rng_state()
    one, same, other = (tokenizer.prepare(recording, torch.Generator().manual_seed(seed))["axes"] for seed in (1, 1, 2))
    plain = tokenizer.prepare(recording)["axes"]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, same) and torch.equal(plain, tokenizer.prepare(recording)["axes"])
    assert torch.equal(one, plain) == torch.equal(one, other) == (not only)
    assert np.array_equal(recording.values, only_recording(drawn(40, 6)).values), "the sample stays as it was"


def test_turning_a_device_keeps_magnitudes_and_turns_its_sensors_together() -> None:
    tokenizer = tokenizer_of(**{**STILL, "rotate_degrees": 180})
    recording = only_recording(np.hstack([drawn(40), 2 * drawn(40)]))
    turned = tokenizer.prepare(recording, torch.Generator().manual_seed(0))
    plain = tokenizer.prepare(recording)
    assert torch.allclose(turned["magnitudes"], plain["magnitudes"], atol=1e-4)
    assert (turned["axes"] - plain["axes"]).abs().max() > 0.1
    assert torch.allclose(turned["axes"][..., :3], turned["axes"][..., 3:], atol=1e-4)


def test_time_warping_keeps_length_and_order() -> None:
    tokenizer = tokenizer_of(**{**STILL, "warp": 0.3, "shift": 0.2})
    rising = only_recording(np.arange(1.0, 41))
    for seed in range(20):
        prepared = tokenizer.prepare(rising, torch.Generator().manual_seed(seed))["axes"][0, :, 0]
        assert prepared.shape == (40,) and (prepared.diff() >= 0).all()


# the module


def test_gradient_reaches_every_parameter() -> None:
    tokenizer = tokenizer_of(max_axes=3)
    tokenizer(tokenizer.collate([tokenizer.prepare(only_recording(drawn(600)))])).values.square().sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in tokenizer.parameters())


@pytest.mark.parametrize("options", [{"stride": 9}, {"window": 4}])
def test_steps_that_do_not_fit_each_other_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="patch=8"):
        tokenizer_of(**options)


def test_columns_come_from_the_command_line() -> None:
    assert ImuOptions.parse({"columns": "ax,ay"}).columns == ("ax", "ay")


def test_tokenizer_survives_pickling() -> None:
    tokenizer = tokenizer_of()
    tokenizer.calibrate([Example(drawn(20))])
    again = pickle.loads(pickle.dumps(tokenizer))
    assert torch.equal(tokens_of(again, drawn(20)).values, tokens_of(tokenizer, drawn(20)).values)


def test_without_the_spectrum_there_are_tokens_too() -> None:
    assert tokens_of(tokenizer_of(spectrum=False), drawn(40)).values.shape == (1, 9, 16)

"""Pixels to tokens: which bands each token sees, where it lies, and what training learns of the bands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.contract import Example
from mt_core.errors import InputError, MtError, OptionError
from mt_plugin_hyperspectral.bands import band_groups, band_positions
from mt_plugin_hyperspectral.features import features_of
from mt_plugin_hyperspectral.tokenizer import HyperspectralOptions, HyperspectralTokenizer

BANDS = 12
SPECTRA = np.random.default_rng(0).uniform(100, 5000, (30, BANDS)).astype(np.float32)


def made(samples: Any = SPECTRA, width: int = 8, **options: Any) -> HyperspectralTokenizer:
    torch.manual_seed(0)
    tokenizer = HyperspectralTokenizer(width, HyperspectralOptions.parse(options))  # type: ignore[arg-type]
    tokenizer.calibrate(Example(sample) for sample in samples)
    return tokenizer


def tokens(tokenizer: HyperspectralTokenizer, samples: Any) -> Tensor:
    items = [tokenizer.prepare(tokenizer.read(sample)) for sample in samples]
    values: Tensor = tokenizer(tokenizer.collate(items)).values
    return values.detach()


def neighbourhoods(window: int, number: int = 6) -> np.ndarray:
    draw = np.random.default_rng(1)
    return draw.uniform(100, 5000, (number, window, window, BANDS)).astype(np.float32)


# groups


def test_groups_overlap_and_the_last_ends_with_the_last_band():
    assert band_groups(10, 4, 3).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert band_groups(11, 4, 3).tolist()[-2:] == [[6, 7, 8, 9], [7, 8, 9, 10]]
    assert band_groups(3, 8, 8).tolist() == [[0, 1, 2]]
    assert band_groups(8, 4, 0).tolist()[:2] == [[0, 1, 2, 3], [1, 2, 3, 4]]  # a quarter of the group
    assert band_groups(16, 0, 2).tolist()[1] == [2, 3, 4, 5, 6, 7, 8, 9]  # four strides


@pytest.mark.parametrize("bands", [2, 3, 5, 12, 31, 103, 156, 191, 200, 224, 425, 2150])
def test_any_number_of_bands_gives_few_groups_that_hold_them_all(bands: int):
    groups = band_groups(bands, 0, 0)
    assert set(groups.ravel().tolist()) == set(range(bands))
    assert (10 if bands > 30 else 1) <= len(groups) <= 25


@pytest.mark.parametrize(("group", "stride"), [(1, 1), (5, 1), (5, 9), (64, 0), (0, 7), (7, 0)])
def test_no_choice_of_group_and_stride_leaves_a_band_out(group: int, stride: int):
    assert set(band_groups(40, group, stride).ravel().tolist()) == set(range(40))


@pytest.mark.parametrize("features", ["", "derivative"])
def test_token_sees_the_bands_of_its_group_alone(features: str):
    tokenizer = made(bands=4, stride=4, features=features)
    nudged = SPECTRA[:1].copy()
    nudged[0, 5] += 100
    changed = (tokens(tokenizer, SPECTRA[:1]) != tokens(tokenizer, nudged)).any(-1)[0]
    # the derivative at bands 4 and 6 sees band 5, and both are of the second group
    assert changed.tolist() == [False, True, False]


def test_token_of_a_group_is_a_linear_map_of_its_own_bands():
    tokenizer = made(bands=4, stride=4, features="")
    standard = (SPECTRA - SPECTRA.mean(0)) / SPECTRA.std(0)
    with torch.no_grad():
        tokenizer.place.zero_()
    expected = torch.from_numpy(standard[:, 4:8]) @ tokenizer.embed.weight[1].detach()
    torch.testing.assert_close(tokens(tokenizer, SPECTRA)[:, 1], expected, atol=1e-4, rtol=1e-4)


# features


def test_shape_is_the_same_at_any_brightness_and_derivative_is_half_the_difference_of_neighbours():
    spectra = torch.tensor([[1.0, 2, 4, 7], [10, 20, 40, 70], [3, 3, 3, 3]])
    values, shape, derivative = features_of(spectra, ("shape", "derivative")).unbind(-2)
    assert torch.equal(values, spectra)
    centred = np.array([1, 2, 4, 7]) - 3.5
    torch.testing.assert_close(shape[0], torch.from_numpy(centred / centred.std()).float())
    torch.testing.assert_close(shape[1], shape[0])
    assert shape[2].tolist() == [0, 0, 0, 0]
    assert derivative[0].tolist() == [1, 1.5, 2.5, 3]


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_numbers_of_any_size_give_finite_tokens(scale: float):
    spectra = SPECTRA * np.float32(scale)
    tokenizer = made(spectra, features="shape,derivative")
    assert tokens(tokenizer, spectra).isfinite().all()
    assert tokens(tokenizer, [np.full(BANDS, 3e38), np.zeros(BANDS)]).isfinite().all()


# positions


def test_group_lies_where_its_wavelengths_are():
    groups = band_groups(4, 1, 1)
    assert band_positions(groups, np.array([400.0, 500, 600, 1400])) == pytest.approx([0, 0.1, 0.2, 1])
    assert band_positions(groups, np.arange(4)) == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_position_is_interpolated_between_the_learned_ones():
    wavelengths = [400.0, *np.linspace(1000, 2400, BANDS - 1)]
    even, uneven = (
        made([{"values": row, "wavelengths": known} for row in SPECTRA], bands=1, stride=1)
        for known in (np.linspace(400, 2400, BANDS), wavelengths)
    )
    with torch.no_grad():
        for tokenizer in (even, uneven):
            tokenizer.embed.weight.zero_()
            tokenizer.place.copy_(torch.linspace(0, 1, len(tokenizer.place))[:, None].expand(-1, 8))
    torch.testing.assert_close(tokens(even, SPECTRA[:1])[0, :, 0], torch.linspace(0, 1, BANDS))
    expected = torch.tensor([(wavelength - 400) / 2000 for wavelength in wavelengths])
    torch.testing.assert_close(tokens(uneven, SPECTRA[:1])[0, :, 0], expected.float())


def test_coordinates_are_the_middles_of_the_groups_in_nanometres_or_in_bands():
    told = made(bands=4, stride=4, wavelengths_nm="400,950")
    batch = told.collate([told.prepare(told.read(SPECTRA[0]))])
    assert told(batch).coords[0, :, 0].tolist() == pytest.approx([475, 675, 875])  # 50 nm a band
    assert told(batch).grid == (3,)
    untold = made(bands=4, stride=4)
    assert untold(batch).coords[0, :, 0].tolist() == pytest.approx([1.5, 5.5, 9.5])


def test_wavelengths_of_a_file_come_before_those_of_the_option():
    known = np.linspace(500, 600, BANDS).tolist()
    tokenizer = made([{"values": row, "wavelengths": known} for row in SPECTRA], wavelengths_nm="400,950")
    assert tokenizer.calibration()["wavelengths"] == known


def test_wavelengths_by_option_are_one_a_band_or_the_first_and_the_last():
    all_told = ",".join(str(400 + 50 * band) for band in range(BANDS))
    assert made(wavelengths_nm=all_told).calibration() == made(wavelengths_nm="400,950").calibration()
    with pytest.raises(OptionError, match="3 numbers, and the pixels have 12 bands"):
        made(wavelengths_nm="400,500,600")


def test_scene_of_other_wavelengths_is_refused():
    tokenizer = made([{"values": row, "wavelengths": np.linspace(400, 950, BANDS)} for row in SPECTRA])
    tokenizer.read({"values": SPECTRA[0], "wavelengths": np.linspace(405, 955, BANDS)})
    with pytest.raises(InputError, match="150 nm from where it lay in training"):
        tokenizer.read({"values": SPECTRA[0], "wavelengths": np.linspace(400, 1100, BANDS)})


# calibration


def test_calibration_is_mean_and_deviation_of_each_band():
    learned = made(features="").calibration()
    np.testing.assert_allclose(learned["mean"][0], SPECTRA.astype(float).mean(0), rtol=1e-6)
    np.testing.assert_allclose(learned["std"][0], SPECTRA.astype(float).std(0), rtol=1e-6)


def test_band_that_never_varies_says_nothing():
    spectra = SPECTRA.copy()
    spectra[:, 3] = 0.1
    tokenizer = made(spectra, features="")
    other = spectra[:1].copy()
    other[0, 3] = 5000
    assert torch.equal(tokens(tokenizer, other), tokens(tokenizer, spectra[:1]))


def test_no_bands_before_calibration():
    tokenizer = HyperspectralTokenizer(8)
    assert tokenizer.calibration() == {} and not tokenizer.embed.weight.numel()
    pixel = tokenizer.read(SPECTRA[0])
    with pytest.raises(MtError, match=r"no bands yet[\s\S]*calibrate"):
        tokenizer.prepare(pixel)
    with pytest.raises(InputError, match="no pixel to calibrate on"):
        tokenizer.calibrate([])


def test_other_number_of_bands_is_refused_and_told(tmp_path: Path):
    tokenizer = made()
    with pytest.raises(InputError, match=r"has 5 bands, the training pixels have 12[\s\S]*sensor"):
        tokenizer.read(np.ones(5))
    np.save(tmp_path / "scene.npy", np.ones((2, 2, 5)))
    with pytest.raises(InputError, match=r"scene\.npy has 5 bands"):
        list(tokenizer.stream(tmp_path / "scene.npy"))
    with pytest.raises(InputError, match="has 5 bands, the training pixels have 12"):
        made([SPECTRA[0], np.ones(5)])


@pytest.mark.parametrize("options", [{}, {"window": 3, "features": "derivative", "wavelengths_nm": "400,2400"}])
def test_restored_tokenizer_gives_the_same_tokens(options: dict[str, Any]):
    samples = neighbourhoods(3) if options else SPECTRA
    tokenizer = made(samples, **options)
    restored = HyperspectralTokenizer(8, tokenizer.options)
    restored.restore(json.loads(json.dumps(tokenizer.calibration(), allow_nan=False)))
    restored.load_state_dict(tokenizer.state_dict())
    assert torch.equal(tokens(restored, samples), tokens(tokenizer, samples))
    assert restored.calibration() == tokenizer.calibration()


def test_calibrating_again_starts_anew():
    tokenizer = made()
    tokenizer.calibrate([Example(np.array([1.0, 2, 3])), Example(np.array([2.0, 2, 5]))])
    assert tokens(tokenizer, [np.array([1.0, 2, 3])]).shape[0] == 1
    assert len(tokenizer.calibration()["mean"][0]) == 3


def test_same_seed_gives_the_same_weights():
    assert torch.equal(tokens(made(), SPECTRA), tokens(made(), SPECTRA))


# batches, windows, training


@pytest.mark.parametrize("window", [1, 3])
def test_batch_changes_no_pixel(window: int):
    samples = neighbourhoods(window)
    tokenizer = made(samples, window=window)
    together = tokens(tokenizer, samples)
    assert together.std() > 0.1
    for index, sample in enumerate(samples):
        torch.testing.assert_close(tokens(tokenizer, [sample])[0], together[index])


def test_window_sees_its_neighbours_and_starts_as_the_pixel_and_the_mean():
    samples = neighbourhoods(3)
    tokenizer = made(samples, window=3)
    corner = samples[:1].copy()
    corner[0, 0, 0] += 500
    assert not torch.equal(tokens(tokenizer, corner), tokens(tokenizer, samples[:1]))
    assert tokenizer.embed.spatial is not None
    assert tokenizer.embed.spatial[0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    torch.testing.assert_close(tokenizer.embed.spatial[1], torch.full((9,), 1 / 9))


def test_even_window_and_unknown_feature_are_refused():
    with pytest.raises(OptionError, match="window of 4 has no middle; the next is 5"):
        HyperspectralOptions.parse({"window": 4})
    with pytest.raises(OptionError, match=r"features.*'shape' or 'derivative'"):
        HyperspectralOptions.parse({"features": "colour"})


def test_pixel_without_data_in_a_scene_counts_as_average():
    tokenizer = made(features="", bands=4, stride=4)
    cube = np.concatenate([np.full((1, BANDS), np.nan), SPECTRA[:1]])[None]
    empty, _ = (tokenizer.prepare(pixel) for pixel in tokenizer.stream(cube))
    again = HyperspectralTokenizer(8, tokenizer.options)
    again.calibrate(Example(pixel) for pixel in tokenizer.stream(cube))
    np.testing.assert_allclose(again.calibration()["mean"][0], SPECTRA[0])  # it counts for nothing in calibration
    values = tokenizer(tokenizer.collate([empty])).values
    average = SPECTRA.mean(0, dtype=np.float64)
    torch.testing.assert_close(values, tokens(tokenizer, [average]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("window", [1, 3])
def test_augmentation_is_drawn_from_the_generator_alone_and_in_training_only(window: int):
    tokenizer = made(neighbourhoods(window), window=window, augment=1)
    pixel = tokenizer.read(neighbourhoods(window)[0])
    before = pixel.values.copy()

    def drawn(seed: int) -> Tensor:
        return tokenizer.prepare(pixel, torch.Generator().manual_seed(seed))["spectra"]

    first = drawn(1)
    torch.rand(3)
    assert torch.equal(drawn(1), first) and not torch.equal(drawn(2), first)
    assert torch.equal(tokenizer.prepare(pixel)["spectra"], torch.from_numpy(before.reshape(-1, BANDS)))
    assert np.array_equal(pixel.values, before)
    brightness = torch.stack([drawn(seed).mean() for seed in range(300)]) / float(before.mean())
    assert 0.05 < brightness.log().std() < 0.2 and abs(brightness.log().mean()) < 0.03


def test_neighbourhood_is_turned_in_training_and_keeps_its_middle():
    samples = neighbourhoods(3)
    tokenizer = made(samples, window=3)
    prepared = [
        tokenizer.prepare(tokenizer.read(samples[0]), torch.Generator().manual_seed(seed))["spectra"]
        for seed in range(100)
    ]
    assert len({tuple(item.ravel().tolist()) for item in prepared}) == 8  # turns and mirrors of a square
    assert all(np.array_equal(item[4], samples[0, 1, 1]) for item in prepared)


@pytest.mark.parametrize("window", [1, 3])
def test_every_weight_gets_a_gradient(window: int):
    samples = neighbourhoods(window)
    tokenizer = made(samples, window=window)
    items = [tokenizer.prepare(tokenizer.read(sample)) for sample in samples]
    tokenizer(tokenizer.collate(items)).values.square().sum().backward()
    for name, weight in tokenizer.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name

"""Thermal pictures to tokens: what levels keep, what each token sees, what training may change."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.contract import Example
from mt_core.errors import InputError, OptionError
from mt_plugin_infrared.tokenizer import InfraredOptions, InfraredTokenizer


def tokenizer(width: int = 16, **options: Any) -> InfraredTokenizer:
    torch.manual_seed(0)
    return InfraredTokenizer(width, InfraredOptions(**{"size": 16, "patch": 4, **options})).eval()


def counts(mean: float, spread: float = 100, seed: int = 0, shape: tuple[int, ...] = (16, 16)) -> np.ndarray[Any, Any]:
    return np.rint(np.random.default_rng(seed).normal(mean, spread, shape)).astype(np.uint16)


def pixels(own: InfraredTokenizer, frame: Any, seed: int | None = None) -> Tensor:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return own.prepare(own.read(frame), generator)["pixels"].float()


def tokens(own: InfraredTokenizer, *frames: Any) -> Tensor:
    return own(own.collate([own.prepare(own.read(frame)) for frame in frames])).values


STEMS = pytest.mark.parametrize("stem", ["patch", "conv"])


# levels


def test_calibrated_levels_keep_which_picture_is_hotter():
    cold, hot = counts(29_000), counts(31_000, seed=1)
    own = tokenizer()
    own.calibrate([Example(cold), Example(hot)])
    assert pixels(own, hot).mean() - pixels(own, cold).mean() > 0.7
    assert tokenizer(levels="picture").calibration() == {}
    own = tokenizer(levels="picture")
    assert abs(pixels(own, hot).mean() - pixels(own, cold).mean()) < 0.05


def test_levels_are_the_first_and_the_last_percentile_of_the_training_data():
    own = tokenizer(size=100, patch=4)
    ramp = np.arange(10_000, dtype=np.float32).reshape(100, 100)
    own.calibrate([Example(ramp)])
    learned = own.calibration()["levels"]["float32"]
    assert learned["low"] == pytest.approx([100], abs=3) and learned["high"] == pytest.approx([9_899], abs=3)
    between = (ramp - learned["low"][0]) / (learned["high"][0] - learned["low"][0])
    assert np.abs(pixels(own, ramp)[0].numpy() - between).max() < 1e-3


def test_each_channel_has_its_own_levels():
    two = np.stack([counts(1000), counts(30_000, 3000, seed=1)], -1)
    own = tokenizer(num_channels=2)
    own.calibrate([Example(two)])
    learned = own.calibration()["levels"]["uint16"]
    assert learned["low"][0] < 1000 < learned["high"][0] < learned["low"][1] < 30_000 < learned["high"][1]


def test_hot_spot_of_few_pixels_is_not_cut_off():
    frame = counts(30_000)
    frame[8, 8] = 30_400  # one of 256
    own = tokenizer(levels="picture", fit="squash")
    assert pixels(own, frame).max() > 1.2


def test_until_there_is_training_each_picture_has_its_own_levels():
    frame = counts(30_000)
    assert torch.equal(pixels(tokenizer(), frame), pixels(tokenizer(levels="picture"), frame))


def test_full_range_is_that_of_the_type():
    own = tokenizer(levels="full")
    assert pixels(own, np.full((16, 16), 65_535, np.uint16)).unique().tolist() == [1]
    assert pixels(own, np.full((16, 16), 13_107, np.uint16)).unique().item() == pytest.approx(0.2, abs=1e-3)
    assert pixels(own, np.full((16, 16), 51, np.uint8)).unique().item() == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("levels", ["data", "picture", "full"])
def test_8_and_16_bits_may_share_a_batch(levels: str):
    own = tokenizer(levels=levels)
    grey = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    values = tokens(own, grey, grey.astype(np.uint16) * 257)
    torch.testing.assert_close(values[0], values[1], rtol=0, atol=1e-2)


def test_degrees_have_no_full_range():
    own = tokenizer(levels="full")
    with pytest.raises(InputError, match="no full range") as caught:
        pixels(own, np.full((16, 16), 36.6))
    assert "levels=data" in caught.value.fix


def test_counts_and_degrees_are_not_mixed_up():
    own = tokenizer()
    own.calibrate([Example(counts(30_000))])
    with pytest.raises(InputError, match="float32 values, and the training data held uint16") as caught:
        pixels(own, np.full((16, 16), 26.8, np.float32))
    assert "levels=picture" in caught.value.fix
    own.calibrate([Example(counts(30_000)), Example(np.random.default_rng(0).normal(25, 5, (16, 16)))])
    assert pixels(own, np.full((16, 16), 25.0, np.float32)).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("levels", ["data", "picture"])
def test_flat_picture_is_black_and_not_nan(levels: str):
    own = tokenizer(levels=levels)
    flat = np.full((16, 16), 30_000, np.uint16)
    own.calibrate([Example(flat)])
    assert (pixels(own, flat) == 0).all()


def test_calibration_is_restored_from_json_and_begins_anew():
    own, again = tokenizer(), tokenizer()
    own.calibrate([Example(counts(5))])
    own.calibrate([Example(counts(30_000))])
    again.restore(json.loads(json.dumps(own.calibration())))
    assert again.calibration() == own.calibration() and own.calibration()["levels"]["uint16"]["low"][0] > 29_000
    assert torch.equal(pixels(again, counts(30_100)), pixels(own, counts(30_100)))
    assert torch.equal(pixels(pickle.loads(pickle.dumps(own)), counts(30_100)), pixels(own, counts(30_100)))


def test_calibration_passes_over_a_damaged_file_among_good_ones(tmp_path: Path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    own, bad = tokenizer(), Example(tmp_path / "bad.png")
    own.calibrate(iter([bad, Example(counts(30_000)), bad]))
    assert own.calibration()
    with pytest.raises(InputError, match=r"bad\.png"):
        own.calibrate([bad])


# tokens


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@STEMS
def test_one_to_four_channels_become_tokens(channels: int, stem: str):
    own = tokenizer(num_channels=channels, stem=stem)
    frame = np.random.default_rng(0).integers(0, 65_536, (24, 40, channels), np.uint16)
    assert tokens(own, frame).shape == (1, 16, 16) and tokens(own, frame).isfinite().all()


# training


def test_all_of_a_wide_frame_is_looked_at():
    frame = np.zeros((16, 48), np.uint8)
    frame[:, :4] = 255  # cropping to the middle would lose it
    assert pixels(tokenizer(levels="full"), frame).max() > 0.9
    assert pixels(tokenizer(levels="full", fit="crop"), frame).max() == 0


def test_upside_down_only_where_it_is_asked_for():
    plain = pixels(tokenizer(), counts(30_000))
    for wanted in (False, True):
        own = tokenizer(flip=False, augment=0, flip_vertical=wanted)
        turned = [torch.equal(pixels(own, counts(30_000), seed), plain.flip(1)) for seed in range(40)]
        assert 10 <= sum(turned) <= 30 if wanted else not any(turned)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"num_channels": 5}, "num_channels=5"), ({"levels": "auto"}, "levels=auto")],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        InfraredOptions.parse(options)

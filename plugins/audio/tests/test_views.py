"""Recordings drawn as spectrograms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mt_core.cli import main
from mt_core.encoder import load_encoder
from mt_core.model import make_tokenizer
from mt_plugin_audio.tokenizer import AudioTokenizer
from mt_plugin_audio.views import draw_spectrogram


def test_time_runs_to_the_right_and_low_frequencies_lie_at_the_bottom() -> None:
    frames = torch.full((1, 64, 128), -10.0)
    frames[0, :16, :32] = 0.0  # early and low
    picture = draw_spectrogram(frames, None, size=64, frames=64, low=-10.0, high=0.0)[0, 0]
    assert picture.shape == (3, 64, 64)
    bright = picture[0] > 0.9
    assert bright[50:, :14].all() and not bright[:46].any() and not bright[:, 18:].any()
    torch.testing.assert_close(picture[0], picture[2])


def test_a_long_recording_is_several_pictures_and_a_short_one_beside_it_is_one() -> None:
    frames, mask = torch.randn(2, 300, 128), torch.zeros(2, 300, dtype=torch.bool)
    mask[0, :90], mask[1] = True, True
    pictures = draw_spectrogram(frames, mask, size=32, frames=100, low=-2, high=2)
    assert pictures.shape == (2, 3, 3, 32, 32)
    assert pictures[0, 1:].isnan().all() and pictures[1].isfinite().all()
    alone = draw_spectrogram(frames[:1, :90], None, size=32, frames=100, low=-2, high=2)
    torch.testing.assert_close(pictures[:1, :1], alone)


def test_the_pictures_of_a_long_recording_are_its_parts_in_order() -> None:
    frames = torch.arange(200.0).reshape(1, 200, 1).expand(1, 200, 128)
    first, second = draw_spectrogram(frames, None, size=50, frames=100, low=0, high=200)[0, :, 0]
    torch.testing.assert_close(first[0], (torch.arange(50.0) * 2 + 0.5) / 200, atol=0.01, rtol=0)
    torch.testing.assert_close(second[0], (100 + torch.arange(50.0) * 2 + 0.5) / 200, atol=0.01, rtol=0)


def test_the_view_of_pictures_has_the_encoders_own_stem_and_nothing_else_to_learn() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(AudioTokenizer, encoder, {"view": "picture"}, seed=0)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    torch.testing.assert_close(tokenizer.picture.patches.project.weight, encoder.patch_weight)
    sound = np.random.default_rng(0).normal(scale=0.1, size=16000 * 5).astype(np.float32)
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read((sound, 16000)))])
    tokens = tokenizer(batch)
    assert tokens.views == 3 and tokens.values.shape == (3, 16, encoder.width)  # 5 s in pictures of at most 2


def test_mt_info_shows_which_view_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "audio"]) == 0
    assert "picture without training, tokens for training" in capsys.readouterr().out


def test_a_graph_draws_the_same_without_a_look_at_the_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = torch.randn(3, 300, 128, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(300) < torch.tensor([90, 300, 201])[:, None]
    how = {"size": 32, "frames": 100, "low": -2.0, "high": 2.0}
    pictures = draw_spectrogram(frames, mask, **how)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(draw_spectrogram(frames, mask, **how), pictures, atol=2e-5, rtol=0, equal_nan=True)

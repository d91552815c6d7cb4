"""Cepstral coefficients of a recording."""

import numpy as np
import torch
from scipy.fft import dct

from mt_plugin_audio.baseline import AudioBaseline
from mt_plugin_audio.filterbank import log_mel
from mt_plugin_audio.tokenizer import AudioTokenizer
from mt_plugin_audio.waveform import RATE_HZ

torch.manual_seed(0)
TOKENIZER = AudioTokenizer(8)
NOISE = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)


def features(samples: np.ndarray) -> np.ndarray:
    return AudioBaseline(TOKENIZER).features(TOKENIZER.read((samples, RATE_HZ)))


def test_coefficients_are_the_cosine_transform_of_the_mel_energies() -> None:
    expected = dct(log_mel(TOKENIZER.read((NOISE, RATE_HZ)).samples, 40).double().numpy(), norm="ortho")[:, :20]
    found = features(NOISE)
    assert np.allclose(found[120:140], expected.std(0)) and np.isclose(found[-1], np.log(len(expected)))
    parts = np.array_split(expected, 6)
    assert np.allclose(found[:120].reshape(6, 20).mean(0), np.mean([part.mean(0) for part in parts], 0), atol=0.05)


def test_a_louder_recording_differs_in_the_first_coefficient_alone() -> None:
    change = features(2 * NOISE)[:120].reshape(6, 20) - features(NOISE)[:120].reshape(6, 20)
    assert (change[:, 0] > 1).all() and abs(change[:, 1:]).max() < 0.01


def test_a_recording_of_one_frame_has_as_many_numbers() -> None:
    assert len(features(NOISE[:50])) == len(features(NOISE)) == 141

"""Spectra drawn as pictures."""

from __future__ import annotations

import numpy as np
import torch

from mt_core.contract import Example
from mt_core.encoder import load_encoder
from mt_core.model import make_tokenizer
from mt_plugin_hyperspectral.drawing import draw_spectra
from mt_plugin_hyperspectral.tokenizer import HyperspectralTokenizer


def test_each_pixel_of_a_picture_is_the_difference_of_two_bands() -> None:
    levels, shapes = torch.randn(2, 2, 24).mul(0.5)
    pictures = draw_spectra(levels, shapes, size=24)
    assert pictures.shape == (2, 1, 3, 24, 24)
    for row, column in ((0, 0), (3, 20), (20, 3)):
        red, green, blue = pictures[0, 0, :, row, column].tolist()
        level, shape = (float(values[0, row] - values[0, column]) for values in (levels, shapes))
        np.testing.assert_allclose([red, green], [0.5 + level / 8, 0.5 + shape / 8], atol=1e-6)
        np.testing.assert_allclose(blue, 1 - abs(level) / 8, atol=1e-6)


def test_a_flat_spectrum_is_plain_and_what_is_far_off_is_black_or_white() -> None:
    plain = draw_spectra(torch.zeros(1, 9), torch.zeros(1, 9), size=16)[0, 0]
    torch.testing.assert_close(plain, torch.tensor([0.5, 0.5, 1.0])[:, None, None].expand(3, 16, 16))
    step = torch.tensor([[50.0] * 8 + [-50.0] * 8])
    red = draw_spectra(step, step, size=16)[0, 0, 0]
    assert red[0, -1] == 1 and red[-1, 0] == 0


def test_vectors_without_training_come_from_the_encoders_stem_alone() -> None:
    pixels = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    tokenizer = make_tokenizer(HyperspectralTokenizer, load_encoder("mt-tiny"), {"view": "picture"}, seed=0)
    tokenizer.calibrate([Example(pixel) for pixel in pixels])
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(pixel)) for pixel in pixels[:3]])
    tokens = tokenizer(batch)
    assert tokens.values.shape == (3, 16, 192) and tokens.grid == (4, 4)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    again = make_tokenizer(HyperspectralTokenizer, load_encoder("mt-tiny"), {"view": "picture"}, seed=0)
    again.restore(tokenizer.calibration())
    torch.testing.assert_close(again(batch).values, tokens.values)

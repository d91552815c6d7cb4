"""Spectra as they are."""

import numpy as np
import pytest
import torch

from mt_core.contract import Example
from mt_plugin_hyperspectral.baseline import HyperspectralBaseline
from mt_plugin_hyperspectral.tokenizer import HyperspectralOptions, HyperspectralTokenizer


@pytest.mark.parametrize("window", [1, 3])
def test_the_features_are_the_spectrum_and_the_mean_of_its_neighbourhood(window: int) -> None:
    pixels = np.random.default_rng(0).uniform(0, 1, (9, window, window, 12)).astype(np.float32)
    torch.manual_seed(0)
    tokenizer = HyperspectralTokenizer(8, HyperspectralOptions.parse({"window": window}))
    tokenizer.calibrate(Example(pixel) for pixel in pixels)
    found = HyperspectralBaseline(tokenizer).features(tokenizer.read(pixels[0]))
    middle, around = pixels[0, window // 2, window // 2], pixels[0].mean((0, 1))
    assert np.allclose(found, middle if window == 1 else np.concatenate([middle, around]), atol=1e-6)

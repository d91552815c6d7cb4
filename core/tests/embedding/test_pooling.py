"""What a vector is made of where nobody says it."""

from __future__ import annotations

import numpy as np
import pytest

import mt_core as mt
from mt_core.embedding.pooling import for_vectors

pytestmark = pytest.mark.usefixtures("toy")

SERIES = [np.linspace(0, 1, 12, dtype=np.float32), np.linspace(1, 0, 20, dtype=np.float32)]


def test_without_training_it_is_cls_and_mean_of_the_blocks_at_each_quarter() -> None:
    quarters = mt.embed(mt.load("toy", layers=(3, 6, 9, 12)), SERIES, pool="cls+mean")
    assert quarters.shape == (2, 2 * 4 * 192)
    np.testing.assert_allclose(mt.embed(mt.load("toy"), SERIES), quarters, rtol=1e-5, atol=1e-6)


def test_a_pooling_that_is_given_is_of_the_last_block() -> None:
    model = mt.load("toy")
    last = mt.embed(mt.load("toy", layers="last"), SERIES, pool="mean")
    np.testing.assert_allclose(mt.embed(model, SERIES, pool="mean"), last, rtol=1e-5, atol=1e-6)
    assert model.encoder.layers is None


def test_layers_that_are_given_are_pooled_by_their_mean() -> None:
    chosen = mt.load("toy", layers=(6, 12))
    assert for_vectors(chosen, None) == (chosen, "mean")
    assert mt.embed(chosen, SERIES).shape == (2, 2 * 192)


def test_trained_models_and_shallow_encoders_give_the_mean_of_the_last_block(small_encoder) -> None:
    shallow = mt.load("toy", encoder=small_encoder)
    assert for_vectors(shallow, None) == (shallow, "mean")
    assert mt.embed(shallow, []).shape == (0, 64)


def test_an_encoder_without_cls_gives_means() -> None:
    model = mt.load("toy", encoder="random/vit_tiny_patch16_224")
    model.encoder.has_cls = False
    shared, pool = for_vectors(model, None)
    assert pool == "mean" and shared.encoder.layers == (3, 6, 9, 12)

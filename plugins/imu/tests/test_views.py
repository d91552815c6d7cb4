"""Windows of recordings drawn as charts and spectrograms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mt_core.encoder import load_encoder
from mt_core.model import make_tokenizer
from mt_core.sdk.blocks.charts import SPECTRUM
from mt_plugin_imu.tokenizer import ImuTokenizer
from mt_plugin_imu.views import draw_windows


def drawn(axes: Tensor, size: int = 64) -> Tensor:
    """(3, S, S) the picture of one window of (L, C)."""
    return draw_windows(axes[None, None], torch.tensor([[len(axes)]]), None, size=size, patch=16)[0, 0]


def test_the_axes_of_a_sensor_are_red_green_and_blue_and_sensors_lie_one_below_the_other() -> None:
    short = torch.full((30, 6), -2.0)
    short[:, 1] = 2.0  # y of the first sensor
    short[:15, 5] = 2.0  # z of the second, early
    picture = drawn(short)
    assert picture[1, :32].eq(1).all() and picture[1, 32:].eq(0).all()
    assert picture[0].eq(0).all() and picture[2, :32].eq(0).all()
    assert picture[2, 32:, :31].eq(1).all() and picture[2, 32:, 33:].eq(0).all()


def test_one_axis_is_grey_and_of_two_blue_is_their_mean() -> None:
    axes = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    red, green, blue = drawn(axes[:, :1])
    torch.testing.assert_close(red, green)
    torch.testing.assert_close(red, blue)
    red, green, blue = drawn(axes)
    torch.testing.assert_close(blue, drawn(axes.mean(1, keepdim=True))[0])
    torch.testing.assert_close(green, drawn(axes[:, 1:])[0])


def test_a_long_window_has_its_chart_above_its_spectrogram_and_a_short_one_a_chart_alone() -> None:
    level = torch.full((SPECTRUM, 3), 2.0)  # without its mean nothing is left
    picture = drawn(level)
    assert picture[:, :16].eq(1).all() and picture[:, 16:].eq(0).all()
    assert drawn(level[:-1]).eq(1).all()


def test_a_window_is_drawn_as_if_it_were_alone_in_its_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    tokenizer = ImuTokenizer(192, ImuTokenizer.Options(view="picture", window=128, patch=16))
    arrays = [torch.randn(steps, axes, generator=generator).numpy() for steps, axes in ((300, 6), (40, 3), (90, 4))]
    items = [tokenizer.prepare(tokenizer.read(array)) for array in arrays]
    together = tokenizer.draw(tokenizer.collate(items))
    for picture, item in zip(together, items, strict=True):
        alone = tokenizer.draw(tokenizer.collate([item]))[0]
        torch.testing.assert_close(picture[: len(alone)], alone)
        assert picture[len(alone) :].isnan().all() and alone.isfinite().all()
    assert together.shape == (3, 3, 3, 64, 64)


def test_the_view_of_pictures_has_the_encoders_own_stem_and_nothing_else_to_learn() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(ImuTokenizer, encoder, {"view": "picture"}, seed=0)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    torch.testing.assert_close(tokenizer.picture.patches.project.weight, encoder.patch_weight)
    walk = np.random.default_rng(0).normal(size=(1024, 6)).astype(np.float32)
    tokens = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(walk))]))
    assert tokens.views == 2 and tokens.values.shape == (2, 16, encoder.width)

"""Series drawn as charts and spectrograms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mt_core.encoder import load_encoder
from mt_core.errors import OptionError
from mt_core.model import make_tokenizer
from mt_plugin_timeseries.drawing import draw_channels
from mt_plugin_timeseries.series import default_names
from mt_plugin_timeseries.tokenizer import TimeSeriesTokenizer


def made(**options: object) -> TimeSeriesTokenizer:
    return TimeSeriesTokenizer(192, TimeSeriesTokenizer.Options(view="picture", short="use", **options))


def drawn(tokenizer: TimeSeriesTokenizer, *arrays: np.ndarray) -> torch.Tensor:
    items = [tokenizer.prepare(tokenizer.read(array)) for array in arrays]
    return tokenizer.draw(tokenizer.collate(items))


def test_a_channel_stands_about_its_level_within_three_deviations() -> None:
    values = torch.tensor([-1.0, 1.0]).repeat_interleave(24).expand(1, 3, 48)
    levels = torch.tensor([[0.0, 0.5, 1000.0]])
    picture = draw_channels(values, levels, torch.tensor([48]), torch.tensor([3]), together=3, size=60, patch=15)[0, 0]
    for channel, level in enumerate((0.0, math.tanh(0.5), 1.0)):
        for column, value in ((5, -1.0), (54, 1.0)):
            full = (value + level + 3) / 6
            torch.testing.assert_close(picture[channel, :, column].mean(), torch.tensor(full), atol=1e-3, rtol=0)


def test_the_unit_of_a_channel_does_not_change_its_picture() -> None:
    draw = np.random.default_rng(0)
    series = draw.normal(size=(100, 4)).cumsum(0) + 3
    celsius = series * np.array([1000.0, 1e-3, 7.0, 1.0])
    torch.testing.assert_close(drawn(made(), series), drawn(made(), celsius), atol=1e-4, rtol=0)


def test_the_steps_that_fill_the_last_patch_are_not_drawn() -> None:
    rising = np.linspace(0.0, 1.0, 40)
    first, second = (drawn(made(patch=8, stride=stride), rising)[0, 0, 0] for stride in (8, 4))
    torch.testing.assert_close(first, second)
    columns = first.sum(0)
    assert (columns.diff()[2:-2] > 0.1).all()  # it rises to the very end


def test_twelve_channels_are_a_picture_and_to_forecast_each_is_one() -> None:
    series = np.random.default_rng(0).normal(size=(60, 14))
    tokenizer = made()
    assert drawn(tokenizer, series).shape == (1, 2, 3, 64, 64)
    tokenizer.restore({"channels": list(default_names(14)), "forecasts": True})
    pictures = drawn(tokenizer, series)
    assert pictures.shape == (1, 14, 3, 64, 64)
    torch.testing.assert_close(pictures[0, 5], drawn(made(), series[:, 5])[0, 0], atol=1e-4, rtol=0)


def test_a_series_is_drawn_as_if_it_were_alone_in_its_batch() -> None:
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=shape) for shape in ((200, 14), (40, 3), (90, 1))]
    together = drawn(made(), *arrays)
    for picture, array in zip(together, arrays, strict=True):
        alone = drawn(made(), array)[0]
        torch.testing.assert_close(picture[: len(alone)], alone)
        assert picture[len(alone) :].isnan().all() and alone.isfinite().all()


def test_the_view_of_pictures_has_the_encoders_own_stem_and_sends_mean_and_scale_past_it() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(TimeSeriesTokenizer, encoder, {"view": "picture", "short": "use"}, seed=0)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(np.arange(50.0)))])
    tokens = tokenizer(batch)
    assert tokens.values.shape == (1, 16, encoder.width)
    torch.testing.assert_close(tokens.side["mean"], torch.tensor([[24.5]]))


@pytest.mark.parametrize("option", [{"calendar": True}, {"channel_ids": True}, {"level": "on"}])
def test_what_adds_to_learned_tokens_is_refused_with_pictures(option: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="choose view=tokens"):
        TimeSeriesTokenizer.Options.parse({"view": "picture", **option})

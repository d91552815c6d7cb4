"""Series drawn as area charts and spectrograms."""

from __future__ import annotations

import math

import pytest
import torch

from mt_core.sdk.blocks.charts import SPECTRUM, area_chart, draw_series, spectrogram


def test_the_full_part_of_a_column_is_where_the_series_stands_between_the_edges() -> None:
    levels = torch.tensor([-3.0, -2.0, -1.0, 0.0, 1.0, 1.9, 2.0, 3.0])
    chart = area_chart(levels.reshape(1, 1, 8), 40, 8, 2.0)[0, 0]
    torch.testing.assert_close(chart.sum(0), torch.tensor([0.0, 0, 10, 20, 30, 39, 40, 40]))
    assert chart[-10:, 2].eq(1).all() and chart[:-10, 2].eq(0).all()  # full from the bottom


@pytest.mark.parametrize("cycles", [0.25, 0.125])
def test_a_sine_is_a_bright_line_at_its_frequency(cycles: float) -> None:
    steps = torch.arange(256.0)
    sine = 0.1 * torch.sin(2 * math.pi * cycles * steps)
    rows = spectrogram(sine.reshape(1, 1, 256), 33, 64)[0, 0][:, 16:48].mean(1)  # a row a frequency, 0 to half a cycle
    brightest = round(32 - cycles * SPECTRUM)
    assert int(rows.argmax()) == brightest
    torch.testing.assert_close(rows[brightest], torch.tensor(math.sqrt(0.1 / 0.5)), atol=0.02, rtol=0)
    far = (torch.arange(33) - brightest).abs() > 3
    assert rows[far].max() < 0.05


def test_more_channels_than_rows_are_all_seen() -> None:
    series = torch.zeros(1, 20, 90)
    spans, counts = torch.tensor([[0, 20]]), torch.tensor([90])
    before = draw_series(series, spans, counts, size=16, patch=16, half_range=2.0)
    for channel in (0, 44, 89):
        changed = series.clone()
        changed[:, :, channel] = 2.0
        assert (draw_series(changed, spans, counts, size=16, patch=16, half_range=2.0) - before).abs().max() > 0.05


def test_only_the_real_steps_and_channels_are_drawn_and_none_is_no_picture() -> None:
    series = torch.randn(2, 90, 6, generator=torch.Generator().manual_seed(0))
    spans, counts = torch.tensor([[20, 90], [0, 0]]), torch.tensor([4, 6])
    first, second = draw_series(series, spans, counts, size=32, patch=16, half_range=2.0)
    alone = draw_series(
        series[:1, 20:, :4], torch.tensor([[0, 70]]), torch.tensor([4]), size=32, patch=16, half_range=2.0
    )
    torch.testing.assert_close(first, alone[0])
    assert second.isnan().all()


@pytest.mark.parametrize("size", [16, 48])  # without spectrograms, and with them
def test_a_graph_draws_the_same_without_a_look_at_the_lengths(monkeypatch, size) -> None:
    generator = torch.Generator().manual_seed(0)
    series = torch.randn(8, 200, 7, generator=generator).cumsum(1) / 8
    spans = torch.tensor([[0, 200], [0, 64], [136, 200], [10, 73], [100, 200], [3, 4], [5, 5], [199, 200]])
    counts = torch.tensor([7, 3, 5, 4, 1, 2, 7, 6])
    how = {"size": size, "patch": 16, "half_range": 2.0}
    drawn = draw_series(series, spans, counts, **how)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    traced = draw_series(series, spans, counts, **how)
    assert torch.equal(traced.isnan(), drawn.isnan()) and traced[6].isnan().all()
    torch.testing.assert_close(traced, drawn, atol=2e-5, rtol=0, equal_nan=True)


@pytest.mark.parametrize(("size", "channels"), [(32, 60), (64, 150)])
def test_a_graph_draws_more_groups_than_rows_the_same_too(monkeypatch, size, channels) -> None:
    series = torch.randn(1, 120, channels, generator=torch.Generator().manual_seed(0)).cumsum(1) / 8
    given = (series, torch.tensor([[0, 120]]), torch.tensor([channels]))
    drawn = draw_series(*given, size=size, patch=16, half_range=2.0)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(draw_series(*given, size=size, patch=16, half_range=2.0), drawn, atol=2e-5, rtol=0)

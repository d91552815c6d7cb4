import math

import pytest
import torch

from mt_core.contract import Features, Forecasting
from mt_core.errors import OptionError
from mt_core.heads import ForecastingHead, default_head

TASK = Forecasting(channels=("load", "oil"), horizon=3, mean=(10.0, -1.0), scale=(2.0, 0.5))


def features(lengths: list[int], tokens: torch.Tensor | None = None, scale: float = 1.0, mean: float = 0.0) -> Features:
    """Two channels a sample; `lengths` of both are the same."""
    rows = [length for length in lengths for _ in range(2)]
    longest = max(rows)
    values = torch.randn(len(rows), longest, 8) if tokens is None else tokens
    mask = torch.arange(longest)[None, :] < torch.tensor(rows)[:, None]
    side = {"mean": torch.full((len(lengths), 2), mean), "scale": torch.full((len(lengths), 2), scale)}
    return Features(values * mask.unsqueeze(-1), mask=mask, views=2, side=side)


@pytest.fixture(autouse=True)
def weights_that_are_not_zero(monkeypatch):
    """As after some training."""
    made = ForecastingHead.__init__

    def init(self, *arguments, **options):
        made(self, *arguments, **options)
        torch.nn.init.normal_(self.weight_SRH, std=0.1)

    monkeypatch.setattr(ForecastingHead, "__init__", init)


def test_a_new_head_forecasts_the_windows_mean(monkeypatch):
    monkeypatch.undo()
    head = ForecastingHead(8, TASK)
    assert (head(features([5], mean=7.0, scale=3.0)) == 7.0).all()


def test_a_forecast_is_steps_by_channels():
    assert ForecastingHead(8, TASK)(features([5, 5, 5])).shape == (3, 3, 2)


def test_the_windows_mean_and_scale_come_back_in_the_forecast():
    head, tokens = ForecastingHead(8, TASK), torch.randn(2, 5, 8)
    plain = head(features([5], tokens))
    torch.testing.assert_close(head(features([5], tokens, scale=4.0, mean=7.0)), plain * 4 + 7)


def test_padding_behind_a_window_changes_nothing():
    head, tokens = ForecastingHead(8, TASK), torch.randn(2, 5, 8)
    padded = torch.cat([torch.nn.functional.pad(tokens, (0, 0, 0, 4), value=9.0), torch.randn(2, 9, 8)])
    torch.testing.assert_close(head(features([5, 9], padded))[:1], head(features([5], tokens)))


def test_without_a_mask_all_tokens_are_read():
    head, masked = ForecastingHead(8, TASK), features([6])
    torch.testing.assert_close(head(Features(masked.tokens, views=2, side=masked.side)), head(masked))


def test_weights_belong_to_places_counted_from_the_end():
    head, tokens = ForecastingHead(8, TASK, ForecastingHead.Options(slots=4)), torch.randn(2, 9, 8)
    torch.testing.assert_close(head(features([9], tokens)), head(features([4], tokens[:, -4:])))


def test_a_channel_does_not_see_the_others():
    head, tokens = ForecastingHead(8, TASK), torch.randn(2, 5, 8)
    other = torch.stack([tokens[0], torch.randn(5, 8)])
    first, second = head(features([5], tokens)), head(features([5], other))
    torch.testing.assert_close(first[..., 0], second[..., 0])
    assert not torch.allclose(first[..., 1], second[..., 1])


def test_errors_are_measured_on_the_standardised_scale_of_the_training_part():
    head = ForecastingHead(8, TASK)
    target = torch.tensor([[[10.0, -1.0], [12.0, -1.5], [10.0, math.nan]]])
    output = target.nan_to_num(99.0) + torch.tensor([2.0, 0.5])  # one standard deviation too high everywhere
    assert head.loss(output, target).item() == pytest.approx(1.0)
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(output, target))
    assert metrics["mse"].compute().item() == pytest.approx(1.0)
    assert metrics["mae"].compute().item() == pytest.approx(1.0)


def test_unknown_targets_give_a_zero_loss_with_zero_gradients():
    head = ForecastingHead(8, TASK)
    loss = head.loss(head(features([5])), torch.full((1, 3, 2), math.nan))
    loss.backward()
    assert loss.item() == 0
    assert all(weight.grad is None or not weight.grad.any() for weight in head.parameters())


def test_the_naive_forecast_is_the_training_mean():
    target = TASK.stack([None, [[12.0, -1.0]] * 3])
    baseline = ForecastingHead(8, TASK).baseline(target, target)
    assert baseline.shape == target.shape and baseline[0, 0].tolist() == [10.0, -1.0]


def test_predictions_are_a_list_a_channel_in_the_unit_of_the_series():
    (decoded,) = ForecastingHead(8, TASK).decode(torch.tensor([[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]]))
    assert decoded == {"prediction": {"load": [1.0, 2.0, 3.0], "oil": [4.0, 5.0, 6.0]}}
    assert ForecastingHead(8, TASK).format_prediction(decoded) == "3 steps: load 1 … 3, oil 4 … 6"


def test_a_series_of_other_channels_is_refused():
    with pytest.raises(OptionError, match="2 channels needs as many views"):
        ForecastingHead(8, TASK)(Features(torch.randn(3, 5, 8), views=3, side=features([5]).side))
    with pytest.raises(OptionError, match="no side information"):
        ForecastingHead(8, TASK)(Features(torch.randn(2, 5, 8), views=2))


def test_a_forecasting_task_gets_this_head_with_its_options():
    head = default_head(8, TASK, options={"rank": 4, "slots": 6})
    assert isinstance(head, ForecastingHead) and head.options.rank == 4


def test_a_linear_rule_is_learned():
    torch.manual_seed(0)
    task = Forecasting(channels=("x",), horizon=2, mean=(0.0,), scale=(1.0,))
    head = ForecastingHead(8, task, ForecastingHead.Options(rank=8))
    tokens = torch.randn(256, 4, 8)
    rule = torch.nn.functional.layer_norm(tokens, (8,)).flatten(1) @ torch.randn(32, 2) * 0.1
    side = {"mean": torch.zeros(256, 1), "scale": torch.ones(256, 1)}
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(200):
        loss = head.loss(head(Features(tokens, side=side)), rule.unsqueeze(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02 * rule.var().item()

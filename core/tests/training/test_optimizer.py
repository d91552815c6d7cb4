"""What the optimiser is given: who decays, how the rate goes, what a step draws."""

import pytest
import torch
from torch import nn

from mt_core.training.optimizer import adamw, parameter_groups, seed_step, warmup_cosine


def test_the_rate_rises_then_falls_to_nothing():
    rates = [warmup_cosine(step, 100, 0.1) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[10] == 1
    assert rates[55] == pytest.approx(0.5) and rates[100] == pytest.approx(0)


def test_without_warmup_the_first_step_has_the_peak():
    assert [warmup_cosine(step, 4, 0) for step in range(3)] == pytest.approx([1, 1, 0.75])


@pytest.fixture
def layers():
    layers = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Embedding(5, 3))
    layers.register_parameter("frozen", nn.Parameter(torch.zeros(2, 2), requires_grad=False))
    return layers


def names_of(groups, module):
    names = {parameter: name for name, parameter in module.named_parameters()}
    return [[names[parameter] for parameter in group["params"]] for group in groups]


def test_only_matrices_decay_and_what_is_frozen_is_left_out(layers):
    groups = parameter_groups(layers.named_parameters(), 0.5, lr=0.1)
    assert names_of(groups, layers) == [["0.weight", "2.weight"], ["0.bias", "1.weight", "1.bias"]]
    assert [(group["weight_decay"], group["lr"]) for group in groups] == [(0.5, 0.1), (0.0, 0.1)]


def test_a_matrix_by_name_does_not_decay(layers):
    groups = parameter_groups(layers.named_parameters(), 0.5, no_decay=("2.weight",))
    assert names_of(groups, layers)[0] == ["0.weight"] and "2.weight" in names_of(groups, layers)[1]


def test_a_group_without_parameters_is_left_out():
    assert [group["weight_decay"] for group in parameter_groups([("w", nn.Parameter(torch.ones(1)))], 0.5)] == [0.0]


def test_each_group_follows_the_schedule_from_its_own_rate(layers):
    groups = [*parameter_groups(layers[0].named_parameters(), 0.5, lr=0.2), *parameter_groups([], 0.5)]
    made = adamw(groups, 0.1, num_steps=20, warmup=0.1, betas=(0.8, 0.9))
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]
    assert schedule["interval"] == "step" and optimizer.defaults["betas"] == (0.8, 0.9)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1, 0.1])  # half of 0.2: first of two
    optimizer.step()
    schedule["scheduler"].step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)


def test_what_a_step_draws_depends_on_seed_and_step_alone():
    def drawn(seed, step):
        seed_step(seed, step)
        return torch.rand(2).tolist()

    first = drawn(3, 7)
    torch.rand(5)
    assert drawn(3, 7) == first
    assert len({tuple(drawn(seed, step)) for seed in (0, 1) for step in (0, 1)}) == 4

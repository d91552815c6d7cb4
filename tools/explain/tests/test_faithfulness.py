"""Deletion and insertion curves, on a model that adds up what its parts are worth."""

from types import SimpleNamespace

import pytest
import torch

from mt_explain.faithfulness import Faithfulness, faithfulness_of, interval
from mt_explain.target import Target


class Sum:
    """The output is the sum of the worth of the parts that are there."""

    def __init__(self, worth):
        self.worth = torch.tensor(worth)
        self.parts = SimpleNamespace(part_VN=torch.arange(len(worth))[None])

    def without(self, is_kept_SP):
        return (is_kept_SP * self.worth).sum(1, keepdim=True)


def first(output):
    return output[:, 0]


TARGET = Target("it", "log-odds", first, first, True)


def test_the_best_order_deletes_the_most_valuable_part_first():
    curves = faithfulness_of(Sum([0.0, 1.0, 0.0, 0.0]), TARGET, torch.tensor([0.0, 5.0, 0.0, 0.0]))
    assert curves.shares.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curves.deletion.tolist() == [1, 0, 0, 0]
    assert curves.insertion.tolist() == [1, 1, 1, 1]
    assert curves.deletion_gain > 0 and curves.insertion_gain > 0


def test_the_worst_order_lies_below_random():
    curves = faithfulness_of(Sum([0.0, 1.0, 0.0, 0.0]), TARGET, torch.tensor([1.0, -5.0, 1.0, 1.0]))
    assert curves.gain < 0


def test_of_numbers_the_size_of_an_attribution_decides():
    target = Target("it", "units of it", first, first, False)
    curves = faithfulness_of(Sum([0.0, 1.0, 0.0]), target, torch.tensor([0.1, -3.0, 0.2]))
    assert curves.deletion.tolist() == [1, 0, 0]


def test_random_orders_depend_on_the_seed_alone():
    given = Sum([0.1, 0.5, 0.2, 0.2]), TARGET, torch.tensor([0.1, 0.5, 0.2, 0.2])
    assert faithfulness_of(*given, seed=1).gain == faithfulness_of(*given, seed=1).gain
    assert faithfulness_of(*given, seed=1).gain != faithfulness_of(*given, seed=2).gain


def test_the_area_is_that_between_the_curves():
    shares, flat = torch.tensor([0.0, 0.5, 1.0]), torch.ones(3)
    curves = Faithfulness(shares, torch.tensor([1.0, 0.0, 0.0]), flat, flat, torch.tensor([1.0, 0.5, 1.0]))
    assert curves.deletion_gain == pytest.approx(0.75) and curves.insertion_gain == pytest.approx(0.25)
    assert curves.gain == pytest.approx(0.5)


def test_an_interval_holds_the_mean_and_shrinks_to_it_where_all_are_equal():
    assert interval([0.5, 0.5, 0.5]) == (0.5, 0.5, 0.5)
    mean, low, high = interval([0.0, 1.0, 0.0, 1.0])
    assert low < mean == 0.5 < high

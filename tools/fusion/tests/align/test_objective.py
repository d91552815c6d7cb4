import math

import pytest
import torch

from mt_fusion.aligning.objective import Contrast, through_cache
from mt_fusion.aligning.recall import chance, recall


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_without_duplicates_infonce_is_the_cross_entropy_both_ways():
    first, second = unit(5, 4), unit(5, 4, seed=1)
    logits = first @ second.T / 0.07
    expected = (
        torch.nn.functional.cross_entropy(logits, torch.arange(5))
        + torch.nn.functional.cross_entropy(logits.T, torch.arange(5))
    ) / 2
    torch.testing.assert_close(Contrast("infonce", 0.07)(first, second, torch.eye(5, dtype=torch.bool)), expected)


def test_two_partners_of_one_sample_are_not_held_against_each_other():
    first, second = unit(2, 4), unit(3, 4, seed=1)
    linked = torch.tensor([[True, True, False], [False, False, True]])
    logits = (first @ second.T / 0.5).tolist()

    def among(own, others):
        return -math.log(math.exp(own) / (math.exp(own) + sum(map(math.exp, others))))

    there = (
        (among(logits[0][0], [logits[0][2]]) + among(logits[0][1], [logits[0][2]])) / 2
        + among(logits[1][2], logits[1][:2])
    ) / 2
    back = (
        among(logits[0][0], [logits[1][0]]) + among(logits[0][1], [logits[1][1]]) + among(logits[1][2], [logits[0][2]])
    ) / 3
    assert Contrast("infonce", 0.5)(first, second, linked).item() == pytest.approx((there + back) / 2, rel=1e-5)


def test_where_all_belong_together_there_is_nothing_to_learn():
    first = unit(3, 4).requires_grad_()
    loss = Contrast("infonce", 0.07)(first, unit(2, 4, seed=1), torch.ones(3, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and not first.grad.any()


def test_the_sigmoid_loss_is_that_of_its_paper():
    first, second = unit(3, 4), unit(3, 4, seed=1)
    expected = sum(
        math.log(1 + math.exp(-(1 if a == b else -1) * (10 * float(first[a] @ second[b]) - 10)))
        for a in range(3)
        for b in range(3)
    )
    loss = Contrast("sigmoid", 0.07)(first, second, torch.eye(3, dtype=torch.bool))
    assert loss.item() == pytest.approx(expected / 3, rel=1e-5)


def test_gradients_chunk_by_chunk_are_those_of_the_whole_batch():
    torch.manual_seed(0)
    network, contrast, inputs = torch.nn.Linear(6, 4), Contrast("infonce", 0.07), torch.randn(8, 6)
    parameters = [*network.parameters(), *contrast.parameters()]

    def encode(rows):
        return torch.nn.functional.normalize(network(rows), dim=1)

    def objective(vectors):
        joined = torch.cat(tuple(vectors))
        return contrast(joined[:4], joined[4:], torch.eye(4, dtype=torch.bool))

    whole = torch.autograd.grad(objective([encode(inputs)]), parameters)
    chunks = [lambda rows=rows: encode(rows) for rows in inputs.split(3)]
    loss = through_cache(chunks, objective, parameters)
    loss.backward()
    assert loss.item() == pytest.approx(objective([encode(inputs)]).item(), rel=1e-6)
    for parameter, expected in zip(parameters, whole, strict=True):
        torch.testing.assert_close(parameter.grad, expected)


def test_recall_looks_for_the_nearest_partner():
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    second = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1], [1.0, 0.2], [0.1, 1.0]]), dim=1)
    linked = torch.tensor([[False, True, False], [False, False, True], [False, False, False]])
    # the first finds its partner second, the second at once, the third has none
    assert recall(first, second, linked) == {"recall@1": 0.5, "recall@5": 1.0, "recall@10": 1.0}


def test_vectors_that_are_all_the_same_find_no_more_than_chance():
    same = torch.ones(20, 2) / math.sqrt(2)
    assert recall(same, same, torch.eye(20, dtype=torch.bool))["recall@1"] == 0


def test_chance_is_that_of_a_drawn_order():
    linked = torch.zeros(2, 20, dtype=torch.bool)
    linked[0, :3] = linked[1, 5] = True
    generator = torch.Generator().manual_seed(0)
    ranks = torch.rand(20_000, 20, generator=generator).argsort(1).argsort(1)
    for k in (1, 5, 10):
        drawn = ((ranks[:, :3].amin(1) < k).double().mean() + (ranks[:, 5] < k).double().mean()) / 2
        assert chance(linked)[f"recall@{k}"] == pytest.approx(float(drawn), abs=0.01)
    assert chance(torch.ones(1, 2, dtype=torch.bool))["recall@10"] == 1

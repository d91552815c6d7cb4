"""What several processes compute of one batch equals what one process computes of it all."""

import pytest
import torch

from mt_core.contract import MISSING_CLASS
from mt_core.errors import InputError, MtError
from mt_core.training.gathering import gather_objects, gather_rows, wait_for_all
from mt_core.training.ranks import ALONE, Ranks

W = 2


def loss_of(rows, weight):
    """Of all pairs of rows, so that no part of a batch has it by itself; nan stands for what is not there."""
    values = rows.nan_to_num(0.0) * weight
    return (values @ values.T).exp().mean()


def batch_of(count):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(0)), torch.arange(count)


def measured(rank):
    """All that one process finds."""
    ranks = Ranks(rank, W, rank, W)
    found = {}
    for count in (6, 5, 1):  # of 1 the second process has nothing
        weight = torch.full((3,), 0.5, requires_grad=True)
        within = torch.full((), 1.0, requires_grad=True)
        pictures, numbers = (part[rank::W] for part in batch_of(count))
        own = (None, None) if not len(pictures) else (pictures * weight, numbers)
        gathered = gather_rows(own, ranks)
        (loss := loss_of(gathered[0], within)).backward()
        for parameter in (weight, within):  # as data-parallel training does
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            torch.distributed.all_reduce(gradient)
            parameter.grad = gradient / W
        found[count] = (loss.item(), weight.grad.tolist(), within.grad.item(), gathered[1].tolist())
    ragged = gather_rows((torch.ones(1, 2 + rank, 2), torch.ones(1, 2 + rank, dtype=torch.int64)), ranks)
    found["ragged"] = [tensor.tolist() for tensor in ragged]
    found["nothing"] = gather_rows((None, None), ranks)
    found["objects"] = gather_objects({"rank": rank}, ranks)
    try:
        gather_rows((torch.ones(1, 2), torch.ones(1)), ranks, InputError("a.png is damaged") if rank else None)
    except MtError as error:
        found["failure"] = error.problem
    wait_for_all(ranks)
    return found


@pytest.fixture(scope="module")
def found(of_two_processes):
    """What two processes have found, by their rank."""
    return of_two_processes(measured)


@pytest.mark.parametrize("count", [6, 5, 1])
def test_loss_and_gradients_are_those_of_one_process(found, count):
    weight, within = torch.full((3,), 0.5, requires_grad=True), torch.full((), 1.0, requires_grad=True)
    pictures, numbers = batch_of(count)
    loss_of(pictures * weight, within).backward()
    for rank in range(W):
        loss, gradient, of_loss, order = found[rank][count]
        assert loss == pytest.approx(loss_of(pictures * weight, within).item())
        assert gradient == pytest.approx(weight.grad.tolist()) and of_loss == pytest.approx(within.grad.item())
        assert order == numbers.tolist()  # the rows stand as in the batch


def test_smaller_rows_are_filled_up_with_what_counts_as_missing(found):
    values, classes = found[0]["ragged"]
    assert torch.tensor(values).isnan().tolist() == [[[False] * 2] * 2 + [[True] * 2], [[False] * 2] * 3]
    assert classes == [[1, 1, MISSING_CLASS], [1, 1, 1]]
    assert found[1]["ragged"][1] == classes


def test_where_no_process_has_a_sample_there_is_nothing(found):
    assert found[0]["nothing"] is None and found[1]["nothing"] is None


def test_objects_come_in_the_order_of_the_processes(found):
    assert found[0]["objects"] == found[1]["objects"] == [{"rank": 0}, {"rank": 1}]


def test_where_one_cannot_go_on_none_waits_for_it(found):
    assert found[1]["failure"] == "a.png is damaged"
    assert found[0]["failure"].startswith("another process of the training has ended")


def test_one_process_has_its_rows_as_they_are():
    rows = [torch.ones(2, 3), torch.ones(2)]
    assert all(a is b for a, b in zip(gather_rows(rows, ALONE), rows, strict=True))
    assert gather_rows((None, None), ALONE) is None
    assert gather_objects(3, ALONE) == [3]
    wait_for_all(ALONE)
    with pytest.raises(InputError):
        gather_rows(rows, ALONE, InputError("a.png is damaged"))

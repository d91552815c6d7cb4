import threading
import time

import pytest
import torch

from mt_core.embedding.concurrent import map_ordered, num_parallel_batches


def test_results_come_in_order_whichever_is_done_first():
    def slow_when_even(item):
        time.sleep(0.02 * (item % 2 == 0))
        return item * item

    assert list(map_ordered(slow_when_even, range(20), lanes=3)) == [(item, item * item) for item in range(20)]


def test_items_are_taken_no_further_ahead_than_needed():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = map_ordered(str, items(), lanes=2)
    next(results)
    results.close()
    assert len(taken) <= 5


def test_an_error_comes_where_its_item_stood():
    def refuse_three(item):
        if item == 3:
            raise ValueError("three")
        return item

    done = []
    with pytest.raises(ValueError, match="three"):
        for item, _ in map_ordered(refuse_three, range(10), lanes=2):
            done.append(item)
    assert done == [0, 1, 2]


def test_each_lane_computes_on_one_thread_and_the_caller_keeps_its_own():
    before = torch.get_num_threads()
    lanes = dict(map_ordered(lambda _: (torch.get_num_threads(), threading.current_thread().name), range(4), lanes=2))
    assert {threads for threads, _ in lanes.values()} == {1}
    assert all(name.startswith("encode") for _, name in lanes.values())
    assert torch.get_num_threads() == before


def test_one_lane_works_where_it_is_called():
    names = {name for _, name in map_ordered(lambda _: threading.current_thread().name, range(3), lanes=1)}
    assert names == {threading.current_thread().name}


@pytest.mark.usefixtures("toy")
def test_a_plugin_that_wraps_the_work_is_called_one_batch_at_a_time(small_encoder, monkeypatch):
    import mt_core as mt
    from mt_core import hooks

    model = mt.load("toy", encoder=small_encoder)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert num_parallel_batches(model) == 4
    monkeypatch.setattr(hooks, "is_wrapped", lambda hook: hook == "mt_encode")
    assert num_parallel_batches(model) == 1

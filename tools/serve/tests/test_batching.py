"""Which requests share a pass of the encoder, and what becomes of one that fails."""

import threading

import numpy as np
import pytest
import torch

from mt_core.data.reading import prepare
from mt_core.errors import InputError
from mt_serve.app import create_app, encoders_here
from mt_serve.batching import Batcher, Work, encode, tokenize


@pytest.fixture
def work(runs):
    def make(name, sample, finish=None):
        model = runs.choose(name).model
        return Work(model, [prepare(model.tokenizer, sample)], finish or (lambda model, features, items: features))

    return make


@pytest.fixture
def passes(runs, monkeypatch):
    """The number of batches of each pass through the encoder."""
    seen = []
    encoder = type(runs.choose("words").model.encoder)
    together, alone = encoder.forward_together, encoder.forward
    monkeypatch.setattr(encoder, "forward_together", lambda self, all: seen.append(len(all)) or together(self, all))
    monkeypatch.setattr(encoder, "forward", lambda self, tokens: seen.append(1) or alone(self, tokens))
    return seen


ROW = {"age": 30, "town": "Rome"}


def test_requests_of_two_modalities_go_through_the_encoder_in_one_pass(work, passes):
    batch = [work("words", "a fine day"), work("people", ROW), work("words", "another")]
    assert all(map(tokenize, batch))
    encode(batch)
    assert passes == [3]
    words = batch[0].answer.result()
    with torch.no_grad():
        alone = batch[0].model.encode(batch[0].model.tokenizer.collate(batch[0].items))
    np.testing.assert_allclose(words.tokens, alone.tokens, atol=1e-4)


@pytest.mark.parametrize("other", [lambda encoder: encoder.with_layers([1]), lambda encoder: encoder.with_budget(16)])
def test_other_layers_and_token_budgets_take_a_pass_of_their_own(work, passes, other):
    batch = [work("words", "a fine day"), work("people", ROW)]
    batch[1].model = batch[1].model.with_encoder(other(batch[1].model.encoder))
    assert all(map(tokenize, batch))
    encode(batch)
    assert passes == [1, 1]


def test_a_request_whose_tokens_are_refused_spoils_no_other(work):
    batch = [work("words", "a fine day"), work("people", ROW)]
    assert all(map(tokenize, batch))
    batch[0].tokens = type(batch[0].tokens)(torch.zeros(1, 3, 7))
    encode(batch)
    with pytest.raises(Exception, match="7 wide"):
        batch[0].answer.result()
    assert batch[1].answer.result().tokens.shape[0] == 1


def test_a_request_that_cannot_be_finished_spoils_no_other(work):
    def fails(model, features, items):
        raise InputError("no")

    batch = [work("words", "a fine day", fails), work("people", ROW)]
    assert all(map(tokenize, batch))
    encode(batch)
    with pytest.raises(InputError):
        batch[0].answer.result()
    batch[1].answer.result()


def test_what_waits_while_the_encoder_is_at_work_becomes_one_batch(work):
    sizes, begun, go_on = [], threading.Event(), threading.Event()

    def wait(model, features, items):
        begun.set()
        assert go_on.wait(10)

    with Batcher(window_s=0, observe=sizes.append) as batcher:
        first = batcher.submit(work("words", "a fine day", wait))
        assert begun.wait(10)
        others = [batcher.submit(work("people", ROW)) for _ in range(4)]
        go_on.set()
        for answer in [first, *others]:
            answer.result(10)
    assert [(size.requests, size.runs) for size in sizes] == [(1, 1), (4, 1)]


def test_a_batch_takes_no_request_beyond_its_tokens(work):
    sizes, begun, go_on = [], threading.Event(), threading.Event()

    def wait(model, features, items):
        begun.set()
        assert go_on.wait(10)

    with Batcher(window_s=0, max_tokens=1, observe=sizes.append) as batcher:
        answers = [batcher.submit(work("people", ROW, wait))]
        assert begun.wait(10)
        answers += [batcher.submit(work("people", ROW)) for _ in range(2)]
        go_on.set()
        for answer in answers:
            answer.result(10)
    assert [size.requests for size in sizes] == [1, 1, 1]


def test_a_batch_waits_for_a_request_that_is_on_its_way(work):
    sizes = []
    with Batcher(window_s=5, max_tokens=4, observe=sizes.append) as batcher:
        first = batcher.submit(work("people", ROW))
        second = batcher.submit(work("people", ROW))
        first.result(10), second.result(10)
    assert [size.requests for size in sizes] == [2]


def test_a_cancelled_request_is_not_computed(work, passes):
    cancelled = work("words", "a fine day")
    cancelled.answer.cancel()
    assert not tokenize(cancelled)
    assert passes == []


def test_what_is_in_the_batch_at_work_counts_as_here_and_not_as_on_its_way(work):
    begun, go_on = threading.Event(), threading.Event()

    def wait(model, features, items):
        begun.set()
        assert go_on.wait(10)

    with Batcher(window_s=0) as batcher:
        first = batcher.submit(work("words", "a fine day", wait))
        assert begun.wait(10)
        second = batcher.submit(work("people", ROW))
        assert len(batcher) == 2
        go_on.set()
        first.result(10), second.result(10)
    assert len(batcher) == 0


def test_of_two_passes_one_takes_half_of_what_waits_and_leaves_the_other_half(work):
    sizes, begun, go_on = [], threading.Semaphore(0), threading.Event()

    def wait(model, features, items):
        begun.release()
        assert go_on.wait(10)

    with Batcher(window_s=0, num_passes=2, observe=sizes.append) as batcher:
        answers = [batcher.submit(work("words", "a fine day", wait))]
        assert begun.acquire(timeout=10)
        answers.append(batcher.submit(work("words", "a grey day", wait)))
        assert begun.acquire(timeout=10)  # beside the first
        answers += [batcher.submit(work("people", ROW)) for _ in range(6)]
        go_on.set()
        for answer in answers:
            answer.result(10)
    assert [size.requests for size in sizes[:2]] == [1, 1]
    assert sum(size.requests for size in sizes) == 8
    assert max(size.requests for size in sizes) == 4  # of six that waited and two that were at work


@pytest.mark.parametrize(("wrapped", "num_passes"), [(None, 2), ("mt_encode", 1)])
def test_batches_go_side_by_side_unless_a_plugin_acts_around_them(runs, monkeypatch, wrapped, num_passes):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr("mt_core.hooks.is_wrapped", lambda hook: hook == wrapped)
    made = encoders_here(create_app(runs))
    assert {batcher.num_passes for batcher in made.batchers.values()} == {num_passes}

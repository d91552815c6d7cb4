"""Encoders in one process and HTTP in another, with a pipe between them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import httpx
import numpy as np
import pytest

from mt_core.data.messages import receive
from mt_core.data.reading import prepare
from mt_serve.apart import AskedEncoders, EncodersApart
from mt_serve.app import create_app, encoders_here
from mt_serve.asks import Ask
from mt_serve.refusals import Refusal

ROW = {"age": 30, "town": "Rome"}


@pytest.fixture
def pipe(runs):
    """Encoders at one end, as if in another process, and what asks them at the other."""
    ours, theirs = multiprocessing.Pipe()
    sizes = []
    answering = threading.Thread(target=AskedEncoders(ours, create_app(runs)).answer_all)
    answering.start()
    asking = EncodersApart(theirs, num_at_work=lambda: 0, observe=sizes.append, lost=lambda: None)
    asking.sizes = sizes
    with asking:
        yield asking
    answering.join(10)
    assert not answering.is_alive()


def items_of(runs, name, *samples):
    return [prepare(runs.choose(name).model.tokenizer, sample) for sample in samples]


def test_answers_through_the_pipe_are_those_of_one_process(runs, pipe):
    items = items_of(runs, "people", ROW, {"age": 50, "town": "Bonn"})
    with encoders_here(create_app(runs)) as here:
        for ask in (Ask("people", "answers"), Ask("people", "vectors"), Ask("people", "vectors", "max")):
            expected, found = here.submit(ask, items).result(20), pipe.submit(ask, items).result(20)
            assert len(found) == 2
            if ask.what == "answers":
                assert [each["prediction"] for each in found] == [each["prediction"] for each in expected]
            else:
                np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(pipe) == 0
    deadline = time.monotonic() + 20
    while len(pipe.sizes) < 3 and time.monotonic() < deadline:  # each comes after the answers of its batch
        time.sleep(0.01)
    assert [size.samples for size in pipe.sizes] == [2, 2, 2]


def test_what_fails_there_fails_here_with_its_status(runs, pipe):
    with pytest.raises(Refusal, match="no run is called") as caught:
        pipe.submit(Ask("nobody", "answers"), items_of(runs, "people", ROW)).result(20)
    assert caught.value.status == 404
    with pytest.raises(Refusal, match="the server failed") as caught:
        pipe.submit(Ask("people", "answers"), [{}]).result(20)
    assert caught.value.status == 500


def test_a_request_that_is_given_up_leaves_nothing_behind(runs, pipe):
    given_up = pipe.submit(Ask("people", "answers"), items_of(runs, "people", ROW))
    given_up.cancel()
    assert pipe.submit(Ask("people", "vectors"), items_of(runs, "people", ROW)).result(20)
    assert len(pipe) == 0


def test_requests_fail_at_once_where_the_encoders_are_gone(runs):
    ours, theirs = multiprocessing.Pipe()
    lost = threading.Event()
    with EncodersApart(theirs, num_at_work=lambda: 0, observe=print, lost=lost.set) as asking:
        waiting = asking.submit(Ask("people", "answers"), items_of(runs, "people", ROW))
        receive(ours)
        ours.close()
        with pytest.raises(Exception, match="has ended"):
            waiting.result(20)
        assert lost.wait(20)
        with pytest.raises(Exception, match="has ended"):
            asking.submit(Ask("people", "answers"), []).result(20)


def test_models_in_another_precision_are_made_once(runs):
    from mt_serve.asks import Asks

    asks, items = Asks(runs, {}), items_of(runs, "people", ROW)
    first, second = (asks.work(Ask("people", "vectors"), items) for _ in range(2))
    assert first.model is second.model


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


@pytest.mark.slow
def test_the_memory_of_both_processes_is_measured(start):
    _, address = start()
    lines = httpx.get(f"{address}/metrics", timeout=60).text.splitlines()
    memory = dict(line.split() for line in lines if "resident_memory_bytes" in line and not line.startswith("#"))
    assert set(memory) == {"process_resident_memory_bytes", "mt_encoder_process_resident_memory_bytes"}
    assert all(float(each) > 1e7 for each in memory.values())


@pytest.mark.slow
def test_where_the_encoder_is_killed_no_process_stays(start):
    process, address = start()
    assert httpx.get(f"{address}/health", timeout=60).status_code == 200
    (door,) = children(process.pid)
    below = children(door)
    assert below
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(map(alive, (door, *below))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, (door, *below)))


@pytest.mark.slow
def test_where_the_process_that_answers_is_killed_the_command_ends_with_a_message(start):
    process, address = start()
    assert httpx.get(f"{address}/health", timeout=60).status_code == 200
    (door,) = children(process.pid)
    os.kill(door, signal.SIGKILL)
    assert process.wait(30) == 2

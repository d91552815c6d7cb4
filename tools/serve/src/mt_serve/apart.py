"""HTTP in a process of its own, so that Python computes for requests and for the encoder on two cores.

The encoder stays in the process that has loaded it; the one that answers requests is forked from it, and reads their
files by readers of its own. Samples go one way through a pipe between them, answers the other.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mt_core.data import messages
from mt_core.errors import MtError, PluginError
from mt_serve.asks import Ask
from mt_serve.batching import BatchSize
from mt_serve.encoders import Encoders
from mt_serve.refusals import refusal_of
from mt_serve.runs import Runs
from mt_serve.server import serve

if TYPE_CHECKING:
    from fastapi import FastAPI


def can_be_apart(runs: Runs) -> bool:
    """Whether the system forks, and nothing is on a device that a forked process could not use."""
    return sys.platform == "linux" and all(run.model.device.type == "cpu" for run in runs)


class EncodersApart:
    """The encoders of the process at the other end of a pipe. Use it in a `with`.

    Args:
        num_at_work: How many requests are being answered.
        observe: Is given the size of each batch.
        lost: Is called when that process has ended, after what waits for it has failed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        num_at_work: Callable[[], int],
        observe: Callable[[BatchSize], object],
        lost: Callable[[], object],
    ) -> None:
        self._connection = connection
        self.num_at_work, self.observe, self.lost = num_at_work, observe, lost
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[Any]] = {}
        self._is_lost = False
        self._changing = threading.Lock()
        self._unsent: SimpleQueue[Any] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._send, name="mt-serve-ask", daemon=True),
            threading.Thread(target=self._receive, name="mt-serve-answer", daemon=True),
        ]

    def __enter__(self) -> EncodersApart:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._unsent.put(None)
        self._threads[0].join()
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as both_ways:
            both_ways.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who waits
        self._threads[1].join()

    def submit(self, ask: Ask, items: Sequence[dict[str, Tensor]]) -> Future[list[Any]]:
        """See `Encodes`."""
        number, answer = next(self._numbers), Future[list[Any]]()
        with self._changing:
            if self._is_lost:
                answer.set_exception(_gone())
                return answer
            self._waiting[number] = answer
        answer.add_done_callback(lambda done: self._unsent.put((number, None)) if done.cancelled() else None)
        self._unsent.put((number, (ask, items, self.num_at_work() - len(self._waiting))))
        return answer

    def __len__(self) -> int:
        return len(self._waiting)

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # the other thread meets it too
            while (message := self._unsent.get()) is not None:
                messages.send(self._connection, message)

    def _receive(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, answer, error = messages.receive(self._connection)
                if number is None:
                    self.observe(answer)
                else:
                    with self._changing:
                        waiting = self._waiting.pop(number)
                    _settle(waiting, answer, error)
        with self._changing:
            self._is_lost, left = True, list(self._waiting.values())
            self._waiting.clear()
        for waiting in left:
            _settle(waiting, None, _gone())
        self.lost()


def _settle(future: Future[Any], answer: Any, error: Exception | None) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error) if error is not None else future.set_result(answer)


def _gone() -> MtError:
    return PluginError("the process of the encoder has ended", fix="start the server again; its log may say more")


class AskedEncoders:
    """The encoders of this process, asked through a pipe."""

    def __init__(self, connection: Connection, app: FastAPI) -> None:
        self._connection, self._num_coming = connection, 0
        self._sending = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self.encoders = Encoders(
            app.state.runs,
            app.state.indexes,
            app.state.settings,
            num_coming=lambda: self._num_coming,
            observe=lambda size: self._send(None, size),
        )

    def answer_all(self) -> None:
        """Answer until nobody asks any more; what still waits then is not computed."""
        with self.encoders:
            with contextlib.suppress(EOFError, OSError):
                self._receive_all()
            for waiting in list(self._waiting.values()):
                waiting.cancel()

    def _receive_all(self) -> None:
        while True:
            number, asked = messages.receive(self._connection)
            if asked is None:
                if (cancelled := self._waiting.get(number)) is not None:
                    cancelled.cancel()
                continue
            ask, items, self._num_coming = asked
            try:
                self._waiting[number] = self.encoders.submit(ask, items)
            except Exception as error:
                self._send(number, error=error)
            else:
                self._waiting[number].add_done_callback(partial(self._answer, number))

    def _answer(self, number: int, done: Future[Any]) -> None:
        del self._waiting[number]
        try:
            self._send(number, done.result())
        except CancelledError:
            self._send(number)  # nobody waits for it
        except Exception as error:
            self._send(number, error=error)

    def _send(self, number: int | None, answer: Any = None, error: Exception | None = None) -> None:
        refusal = None if error is None else refusal_of(error)  # whose classes the other process knows
        with self._sending, contextlib.suppress(OSError):  # where it has ended, `answer_all` ends as well
            messages.send(self._connection, (number, answer, refusal))


def serve_apart(app: FastAPI, listening: socket.socket) -> int:
    """As `serve`, with the encoders in this process and all else in one of its own, which is given every SIGTERM and
    SIGINT.

    Returns:
        The exit code of the process that answered.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer_requests, args=(app, listening, ours, theirs))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        process.start()  # Python 3.12 warns of forking where there are threads; it uses none of them
    theirs.close()
    listening.close()

    def forward(number: int, frame: object) -> None:
        with contextlib.suppress(OSError):
            process.terminate() if process.is_alive() else None

    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        AskedEncoders(ours, app).answer_all()
        process.join()
    finally:
        process.kill()
        for number, handler in before.items():
            signal.signal(number, handler)
    if (code := process.exitcode or 0) < 0:
        raise PluginError(
            f"the process that answers requests was ended ({signal.Signals(-code).name})", fix="start the server again"
        )
    return code


def _answer_requests(app: FastAPI, listening: socket.socket, theirs: Connection, connection: Connection) -> None:
    """What the other process does."""
    os.setpgid(0, 0)  # Ctrl-C comes by way of the first
    theirs.close()
    torch.set_num_threads(1)
    exit_code = 0

    def lost() -> None:
        nonlocal exit_code
        if not app.state.gate.is_closing:
            exit_code = 1
            os.kill(os.getpid(), signal.SIGTERM)

    def encoders_apart(app: FastAPI) -> EncodersApart:
        state = app.state
        state.metrics.add_process("mt_encoder", os.getppid())
        return EncodersApart(
            connection, num_at_work=lambda: state.gate.num_at_work, observe=state.metrics.encoded, lost=lost
        )

    app.state.make_encodes = encoders_apart
    serve(app, listening)
    raise SystemExit(exit_code)

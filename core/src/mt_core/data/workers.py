"""Worker processes: jobs in order to messages in order, in bounded memory.

What reads a job is a `Reader`, given to every worker once. Job i goes to worker i modulo their number, which is ahead
of the order by what a pipe holds. A file that ends its worker (a crash in native code), stops it (a read that never
returns) or takes all memory costs its own sample only: the worker records which sample it is at before it reads it, so
the loss is put down to that one, and a new worker reads the rest.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.sharedctypes
import os
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_int64
from multiprocessing.connection import Connection
from typing import Any, Protocol

import torch

from mt_core.data.memory import limit_memory, memory_of_each

PIPE_BYTES = 1 << 20
SECONDS_A_SAMPLE = 300.0
"""How long the reading of one sample may take before its worker is ended."""

_NO_SAMPLE = -1

At = Callable[[int], None]
"""Called by a reader with the number of each sample before it reads it."""


class Reader(Protocol):
    """Reads jobs, in a worker process or in this one; it is pickled where processes are not forked."""

    def read(self, job: Any, at: At) -> Iterator[Any]:
        """The messages of one job, in order; they are pickled on their way."""
        ...


class LostSample(Exception):
    """A worker was lost while it read a sample.

    Attributes:
        sample: What the reader called it; None: it was between two samples.
        how: What became of the worker, for a message.
    """

    def __init__(self, sample: int | None, how: str) -> None:
        super().__init__(sample, how)
        self.sample, self.how = sample, how


def resolve_num_workers(wanted: int | None) -> int:
    """Worker processes: as wanted, or one less than the cores that this process may use, at least 1 and at most 4."""
    if wanted is not None:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, cores - 1))


class WorkerPool:
    """Some processes that read jobs; they are started when they are first needed, and stay until `close`.

    Args:
        reader: Reads the jobs.
        num_workers: Processes; 0: everything is read in this one, unprotected.
        ahead: Jobs that a worker is given before the first of them is done. Their size together must be below 1 MiB.
        seconds_a_sample: See `SECONDS_A_SAMPLE`.
    """

    def __init__(
        self, reader: Reader, num_workers: int, *, ahead: int = 2, seconds_a_sample: float = SECONDS_A_SAMPLE
    ) -> None:
        self.reader, self.num_workers = reader, num_workers
        self.ahead, self.seconds_a_sample = ahead, seconds_a_sample
        self.workers: list[_Worker] = []

    def map(self, jobs: Sequence[Any], on_loss: Callable[[Any, LostSample], Any]) -> Iterator[Any]:
        """The messages of all jobs, in order.

        Args:
            on_loss: Gives what to read in place of a job whose worker was lost; what it raises ends the work.
        """
        if not self.num_workers:
            for job in jobs:
                yield from self.reader.read(job, lambda sample: None)
            return
        pending = deque(jobs)
        turns = min(self.num_workers, len(pending))
        while len(self.workers) < turns:
            self.workers.append(_Worker(self.reader, self.seconds_a_sample, memory_of_each(self.num_workers)))
        is_whole = False
        try:
            queues: list[deque[Any]] = [deque(list(pending)[turn::turns]) for turn in range(turns)]
            for number in range(len(pending)):
                yield from self._messages(number % turns, queues[number % turns], on_loss)
            is_whole = True
        finally:
            if not is_whole:  # what workers are at belongs to nobody any more
                self.close()

    def _messages(self, turn: int, queue: deque[Any], on_loss: Callable[[Any, LostSample], Any]) -> Iterator[Any]:
        """Those of the first job of a worker's queue, which is then taken from it."""
        while True:
            worker = self.workers[turn]
            try:
                for job in list(_first(queue, self.ahead))[worker.num_given :]:
                    worker.give(job)
                message = worker.receive()
            except LostSample as lost:
                worker.stop()
                queue[0] = on_loss(queue[0], lost)
                self.workers[turn] = _Worker(self.reader, self.seconds_a_sample, worker.memory)
                continue
            if isinstance(message, _Done):
                queue.popleft()
                return
            if isinstance(message, _Raised):
                raise message.error
            yield message

    def close(self) -> None:
        """End all workers."""
        while self.workers:
            self.workers.pop().stop()


def _first(queue: deque[Any], count: int) -> Iterator[Any]:
    return (queue[index] for index in range(min(count, len(queue))))


class _Done:
    """The end of a job."""


class _Raised:
    """An error of the reader itself, which is no sample's."""

    def __init__(self, error: Exception) -> None:
        self.error = error


_ours: weakref.WeakSet[Connection] = weakref.WeakSet()
"""This process's ends of all pipes: a forked worker closes them, or its siblings would outlive this process."""


class _Worker:
    """One process, the pipe of its jobs, the pipe of its messages, and where it is."""

    def __init__(self, reader: Reader, seconds_a_sample: float, memory: int) -> None:
        self.seconds_a_sample, self.memory = seconds_a_sample, memory
        self.num_given = 0
        self.place = multiprocessing.sharedctypes.RawArray(c_int64, [_NO_SAMPLE, 0])
        jobs, self.jobs = multiprocessing.Pipe(duplex=False)
        self.messages, messages = multiprocessing.Pipe(duplex=False)
        for pipe in (self.jobs, messages):
            _widen(pipe)
        _ours.update((self.jobs, self.messages))
        self.process = multiprocessing.Process(
            target=_work, args=(reader, jobs, messages, self.place, memory), daemon=True
        )
        self.process.start()
        jobs.close()
        messages.close()  # the only other end is the process's own: when it dies, receiving ends

    def give(self, job: Any) -> None:
        try:
            self.jobs.send(job)
        except (BrokenPipeError, ConnectionError):
            raise self._lost() from None
        self.num_given += 1

    def receive(self) -> Any:
        """The next message.

        Raises:
            LostSample: the process has ended, or has been at one sample for too long.
        """
        since, place = time.monotonic(), list(self.place)
        while not self.messages.poll(min(1.0, self.seconds_a_sample)):
            if (now := list(self.place)) != place:
                since, place = time.monotonic(), now
            elif time.monotonic() - since >= self.seconds_a_sample:
                self.process.kill()
                self.process.join()
                raise LostSample(self._sample(), f"took longer than {self.seconds_a_sample:g} s to read")
        try:
            message = self.messages.recv()
        except (EOFError, OSError):
            raise self._lost() from None
        if isinstance(message, _Done):
            self.num_given -= 1
        return message

    def _lost(self) -> LostSample:
        self.process.join()
        code = self.process.exitcode or 0
        ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return LostSample(self._sample(), f"ended the process that read it ({ended})")

    def _sample(self) -> int | None:
        return None if self.place[0] == _NO_SAMPLE else int(self.place[0])

    def stop(self) -> None:
        self.messages.close()
        self.jobs.close()
        self.process.kill()  # SIGTERM waits for native code to return
        self.process.join()


def _widen(pipe: Connection) -> None:
    """Let a process be some messages ahead, where the system lets a pipe hold more than its usual 64 KiB.

    What is in a pipe outlives the process that wrote it, which a queue's feeding thread would not: so a crash is put
    down to the file that was being read and to no earlier one.
    """
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _work(reader: Reader, jobs: Connection, messages: Connection, place: Any, memory: int) -> None:
    """What a worker process does until its jobs end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    for pipe in list(_ours):
        pipe.close()
    limit_memory(memory)

    def at(sample: int) -> None:
        place[0] = sample
        place[1] += 1

    try:
        while True:
            job = jobs.recv()
            try:
                for message in reader.read(job, at):
                    messages.send(message)
            except (BrokenPipeError, ConnectionError):
                raise
            except Exception as error:
                messages.send(_Raised(error))
            at(_NO_SAMPLE)
            messages.send(_Done())
    except (EOFError, BrokenPipeError, ConnectionError):
        pass  # nobody asks any more

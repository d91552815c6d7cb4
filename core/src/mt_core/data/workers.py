"""Worker processes: jobs in order to messages in order, in bounded memory.

What reads a job is a `Reader`, given to every worker once. Job i goes to worker i modulo their number, which is ahead
of the order by what a pipe holds. A file that ends its worker (a crash in native code), stops it (a read that never
returns) or takes all memory costs its own sample only: the worker records which sample it is at before it reads it, so
the loss is put down to that one, and a new worker reads the rest. What ends a worker between two samples is no
sample's fault: a new worker does the job again.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_int64
from multiprocessing import util
from multiprocessing.connection import Connection
from typing import Any, Protocol

import torch

from mt_core.data import messages
from mt_core.data.memory import give_way, limit_memory, memory_of_each
from mt_core.errors import PluginError

PIPE_BYTES = 1 << 20
SECONDS_A_SAMPLE = 300.0
"""How long the reading of one sample may take before its worker is ended."""

_TRIES = 3
"""Workers that may be lost between two samples of one job."""

_NO_SAMPLE = -1

At = Callable[[int | None], None]
"""Called by a reader with the number of each sample before it reads it, and with None after it."""


class Reader(Protocol):
    """Reads jobs, in a worker process or in this one; it is pickled where processes are not forked."""

    def read(self, job: Any, at: At) -> Iterator[Any]:
        """The messages of one job, in order; they are pickled on their way."""
        ...


class LostSample(Exception):
    """A worker was lost while it read a sample.

    Attributes:
        sample: Its number.
        how: What became of the worker, for a message.
        is_late: Whether it was ended because it took too long.
    """

    def __init__(self, sample: int, how: str, *, is_late: bool = False) -> None:
        super().__init__(sample, how)
        self.sample, self.how, self.is_late = sample, how, is_late


class _LostWorker(Exception):
    """A worker was lost between two samples; says how."""


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
        others: Workers of other pools, which are left their share of the memory.
    """

    def __init__(
        self,
        reader: Reader,
        num_workers: int,
        *,
        ahead: int = 2,
        seconds_a_sample: float = SECONDS_A_SAMPLE,
        others: int = 0,
    ) -> None:
        self.reader, self.num_workers, self.others = reader, num_workers, others
        self.ahead, self.seconds_a_sample = ahead, seconds_a_sample
        self.workers: list[_Worker] = []

    def map(self, jobs: Sequence[Any], on_loss: Callable[[Any, LostSample], Any]) -> Iterator[Any]:
        """The messages of all jobs, in order. Workers are kept for the next jobs if these are read to the end.

        Args:
            on_loss: Gives what to read in place of a job whose worker was lost at a sample; what it raises ends the
                work.

        Raises:
            PluginError: workers are lost again and again between two samples of one job.
        """
        if not self.num_workers:
            for job in jobs:
                yield from self.reader.read(job, lambda sample: None)
            return
        turns = min(self.num_workers, len(jobs))
        while len(self.workers) < turns:
            self.workers.append(self._start())
        is_whole = False
        try:
            queues = [deque(jobs[turn::turns]) for turn in range(turns)]
            for number in range(len(jobs)):
                yield from self._messages(number % turns, queues[number % turns], on_loss)
            is_whole = True
        finally:
            if not is_whole:  # what workers are at belongs to nobody any more
                self.close()

    def _messages(self, turn: int, queue: deque[Any], on_loss: Callable[[Any, LostSample], Any]) -> Iterator[Any]:
        """Those of the first job of a worker's queue, which is then taken from it."""
        num_yielded = num_received = num_lost = 0
        while True:
            worker = self.workers[turn]
            try:
                for index in range(worker.num_given, min(self.ahead, len(queue))):
                    worker.give(queue[index])
                message = worker.receive()
            except LostSample as lost:
                queue[0] = on_loss(queue[0], lost)
                num_yielded = num_received = 0
                self._replace(turn)
            except _LostWorker as lost:
                num_lost += 1
                if num_lost == _TRIES:
                    raise PluginError(
                        f"{_TRIES} worker processes ended one after another, each between two samples ({lost})",
                        fix="free some memory, or see without workers what it is: --num-workers 0",
                    ) from None
                num_received = 0  # what was yielded already comes again
                self._replace(turn)
            else:
                if isinstance(message, _Done):
                    queue.popleft()
                    return
                if isinstance(message, _Raised):
                    raise message.error
                num_received += 1
                if num_received > num_yielded:
                    num_yielded += 1
                    yield message

    def _start(self) -> _Worker:
        return _Worker(self.reader, self.seconds_a_sample, memory_of_each(self.num_workers + self.others))

    def _replace(self, turn: int) -> None:
        self.workers[turn].stop()
        self.workers[turn] = self._start()

    def close(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.hang_up()
        while self.workers:
            self.workers.pop().stop()


class _Done:
    """The end of a job."""


class _Raised:
    """An error of the reader itself, which is no sample's."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _NobodyAsks(BaseException):
    """The process that gave the jobs wants no more messages."""


_ours: weakref.WeakSet[Connection] = weakref.WeakSet()
"""This process's ends of all pipes: a forked worker closes them, or its siblings would outlive this process."""


class _Worker:
    """One process, the pipe of its jobs, the pipe of its messages, and where it is."""

    def __init__(self, reader: Reader, seconds_a_sample: float, memory: int) -> None:
        self.seconds_a_sample = seconds_a_sample
        self.num_given = 0
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
        self.place = context.RawArray(c_int64, [_NO_SAMPLE, 0])
        jobs, self.jobs = context.Pipe(duplex=False)
        self.messages, sender = context.Pipe(duplex=False)
        for pipe in (self.jobs, sender):
            _widen(pipe)
        _ours.update((self.jobs, self.messages))
        parent = os.getpid() if threading.current_thread() is threading.main_thread() else None
        self.process = context.Process(
            target=_work, args=(reader, jobs, sender, self.place, memory, parent), daemon=True
        )
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            self.process.start()  # Python 3.12 warns of forking where there are threads; workers use none of them
        jobs.close()
        sender.close()  # the only other end is the process's own: when it dies, receiving ends
        # before multiprocessing's own, whose SIGTERM a worker does not heed
        util.Finalize(self, self.process.kill, exitpriority=10)

    def give(self, job: Any) -> None:
        try:
            messages.send(self.jobs, job)
        except OSError:
            raise self._lost() from None
        self.num_given += 1

    def receive(self) -> Any:
        """The next message.

        Raises:
            LostSample: the process has ended, or has been at one sample for too long.
            _LostWorker: likewise, and it is at no sample.
        """
        # counted here: between two calls nobody waits, and while this process is stopped (Ctrl-Z) nothing counts
        waited, place = 0.0, list(self.place)
        period = min(1.0, self.seconds_a_sample)
        while not self.messages.poll(period):
            waited += period
            if (now := list(self.place)) != place:
                waited, place = 0.0, now
            elif waited >= self.seconds_a_sample:
                self.process.kill()
                self.process.join()
                raise self._lost(f"took longer than {self.seconds_a_sample:g} s to read")
            elif not self.process.is_alive() and not self.messages.poll(0):
                raise self._lost()  # and a process that another thread forked still holds the pipe
        try:
            message = messages.receive(self.messages)
        except (EOFError, OSError):
            raise self._lost() from None
        if isinstance(message, _Done):
            self.num_given -= 1
        return message

    def _lost(self, how: str = "") -> Exception:
        self.process.join()
        code = self.process.exitcode or 0
        ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if self.place[0] == _NO_SAMPLE:
            return _LostWorker(ended)
        said = how or f"ended the process that read it ({ended})"
        return LostSample(int(self.place[0]), said, is_late=bool(how))

    def hang_up(self) -> None:
        """Let it end by itself, as soon as it looks for a job or has a message."""
        self.messages.close()
        self.jobs.close()

    def stop(self) -> None:
        self.hang_up()
        self.process.join(_SECONDS_TO_END)
        self.process.kill()
        self.process.join()


_SECONDS_TO_END = 0.5
"""In which a worker may leave what it reads as it would at an error, and remove its temporary files."""


def _widen(pipe: Connection) -> None:
    """Let a process be some messages ahead, where the system lets a pipe hold more than its usual 64 KiB.

    What is in a pipe outlives the process that wrote it, which a queue's feeding thread would not: so a crash is put
    down to the file that was being read and to no earlier one.
    """
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _work(reader: Reader, jobs: Connection, sender: Connection, place: Any, memory: int, parent: int | None) -> None:
    """What a worker process does until its jobs end."""
    for signalled in (signal.SIGINT, signal.SIGTERM):  # often sent to all processes of a command: it ends its workers
        signal.signal(signalled, signal.SIG_IGN)
    if parent is not None:
        _end_with(parent)
    torch.set_num_threads(1)
    for pipe in list(_ours):
        pipe.close()
    give_way()
    limit_memory(memory)

    def at(sample: int | None) -> None:
        place[0] = _NO_SAMPLE if sample is None else sample
        place[1] += 1

    def send(message: Any) -> None:
        sample = place[0]
        at(None)
        try:
            messages.send(sender, message)
        except OSError:
            raise _NobodyAsks from None
        place[0] = sample

    with contextlib.suppress(_NobodyAsks):
        while True:
            try:
                job = messages.receive(jobs)
            except (EOFError, OSError):
                return
            try:
                for message in reader.read(job, at):
                    send(message)
            except Exception as error:
                send(_Raised(error))
            at(None)
            send(_Done())


def _end_with(parent: int) -> None:
    """Let the system end this process when the one that started it is killed, also in the middle of a read."""
    with contextlib.suppress(Exception):  # only Linux has this; elsewhere a worker ends when it has a message
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before
            os._exit(0)

"""Uploads to samples, in worker processes that a file may crash, stop or fill, and that see no other files."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from torch import Tensor

from mt_core.contract import Tokenizer
from mt_core.data.sources import Read, loss_of, read_sources
from mt_core.data.workers import At, LostSample, WorkerPool
from mt_core.errors import DataWarning, InputError, MtError
from mt_serve.confinement import confine
from mt_serve.limits import Limits
from mt_serve.refusals import Refusal


@dataclass(frozen=True)
class Job:
    """One source of a request.

    Attributes:
        run: The name of the run that it is for.
        folder: That of the request's uploads, where it is read.
        name: As answers call it.
        source: A path within the folder, or an object.
        most: How many samples it may hold.
        error: What stands for it, once its reader was lost.
    """

    run: str
    folder: Path
    name: str
    source: Any
    most: int
    error: MtError | None = None


@dataclass
class Samples:
    """The samples of a request.

    Attributes:
        items: Prepared, in order.
        places: Of each its source's name and its row there.
        errors: What could not be read, each with the name of its source.
        notices: What was left out or reinterpreted.
    """

    items: list[dict[str, Tensor]] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    errors: list[tuple[str, MtError]] = field(default_factory=list)
    notices: list[DataWarning] = field(default_factory=list)


class Readers:
    """Processes that read, each for one request at a time. Use it in a `with`.

    Args:
        tokenizers: By the names of the runs.
        folder: That all uploads are in.
        num_workers: Processes, at least 1.
    """

    def __init__(self, tokenizers: Mapping[str, Tokenizer], folder: Path, limits: Limits, num_workers: int) -> None:
        self.tokenizers, self.limits, self.num_workers = tokenizers, limits, num_workers
        reader = _UploadReader(tokenizers, folder)
        self._free: SimpleQueue[WorkerPool] = SimpleQueue()
        self._pools = [
            WorkerPool(reader, 1, seconds_a_sample=limits.seconds, others=num_workers - 1) for _ in range(num_workers)
        ]
        self.threads = ThreadPoolExecutor(num_workers, thread_name_prefix="mt-serve-read")

    def __enter__(self) -> Readers:
        for pool in self._pools:
            for _ in pool.map([None], _raise_loss):  # started before there are threads and connections
                pass
            self._free.put(pool)
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.shutdown(cancel_futures=True)
        for pool in self._pools:
            pool.close()

    def read(self, run: str, folder: Path, sources: Mapping[str, Any]) -> Samples:
        """Read all sources of a request; call it in one of `threads`. What is not read in time counts as unreadable.

        Args:
            sources: By the names that answers call them.

        Raises:
            Refusal: more samples than are allowed.
            PluginError: workers are lost again and again, at no sample.
        """
        samples, tokenizer = Samples(), self.tokenizers[run]
        jobs = [Job(run, folder, name, source, self.limits.samples) for name, source in sources.items()]

        def lost(job: Job, loss: LostSample) -> Job:
            return replace(job, error=self._late(job.name) if loss.is_late else loss_of(loss, job.source, tokenizer))

        pool = self._free.get()
        deadline, left = time.monotonic() + self.limits.seconds, dict.fromkeys(sources)
        try:
            with contextlib.closing(pool.map(jobs, lost)) as messages:  # type: ignore[type-var]
                for name, read in messages:
                    self._take(samples, name, read)
                    if read.is_last:
                        del left[name]
                    if left and time.monotonic() > deadline:
                        samples.errors += [(name, self._late(name)) for name in left]
                        break
                    if len(samples.items) > self.limits.samples:
                        raise too_many(self.limits.samples)
        finally:
            self._free.put(pool)
        if refusal := next((error for _, error in samples.errors if isinstance(error, Refusal)), None):
            raise refusal
        return samples

    def _take(self, samples: Samples, name: str, read: Read) -> None:
        samples.items += read.items
        samples.places += [(name, read.row + offset) for offset in range(len(read.items))]
        samples.notices += read.notices
        if read.error is not None:
            samples.errors.append((name, read.error))

    def _late(self, name: str) -> InputError:
        return InputError(
            f"{name} was not read in {self.limits.seconds:g} s", fix="send less at a time, or raise --seconds"
        )


def too_many(most: int) -> Refusal:
    """The error for a request of more samples than are allowed."""
    problem = f"the request holds more than {most:,} samples"
    return Refusal(problem, fix="send them in several requests, or raise --samples", status=413)


def _raise_loss(job: Any, loss: LostSample) -> Any:
    raise loss


@dataclass
class _UploadReader:
    """What a worker process does: confined to the folder of uploads, it reads each job within its own folder."""

    tokenizers: Mapping[str, Tokenizer]
    folder: Path
    is_confined: bool = False

    def read(self, job: Job | None, at: At) -> Iterator[tuple[str, Read]]:
        if not self.is_confined:
            _close_sockets()
            confine(self.folder)
            self.is_confined = True
        if job is None:
            return
        if job.error is not None:
            yield job.name, Read(0, 0, [], job.error, is_last=True)
            return
        os.chdir(job.folder)
        tempfile.tempdir = os.fspath(job.folder)  # what a reader unpacks goes with the uploads
        at(0)
        count = 0
        for read in read_sources(self.tokenizers[job.run], [job.source], 0):
            count += len(read.items)
            if count > job.most:
                yield job.name, replace(read, items=[], error=too_many(job.most))
                return
            yield job.name, read


def _close_sockets() -> None:
    """Let go of the server's sockets: a worker that held a client's would keep its connection open."""
    if multiprocessing.parent_process() is None:
        return
    with contextlib.suppress(OSError):
        for number in map(int, os.listdir("/proc/self/fd")):
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    os.close(number)

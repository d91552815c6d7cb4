"""Samples of many sources, read and prepared by several processes, in order and in bounded memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import Tokenizer, name_of
from mt_core.data.loader import as_input_error, with_source
from mt_core.errors import InputError, MtError

SAMPLES_A_MESSAGE = 64
PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class Read:
    """Consecutive samples of one source.

    Attributes:
        source: Index of the source.
        row: Index within the source of the first of these samples.
        items: What the tokenizer's `prepare` made of each.
        error: What ended the source before its end, if anything did.
        is_last: Whether the source ends here.
    """

    source: int
    row: int
    items: list[dict[str, Tensor]]
    error: MtError | None = None
    is_last: bool = False


def read_source(tokenizer: Tokenizer, source: Any, index: int, first_row: int = 0) -> Iterator[Read]:
    """One source's samples from a row on, some at a time; the last `Read` says that it is the last."""
    items: list[dict[str, Tensor]] = []
    row = error = None
    start = first_row
    try:
        for row, sample in enumerate(tokenizer.stream(source)):
            if row < first_row:
                continue
            items.append(tokenizer.prepare(sample))
            if len(items) == SAMPLES_A_MESSAGE:
                yield Read(index, start, items)
                start, items = row + 1, []
    except MtError as refused:
        error = with_source(refused, source)
    except Exception as raised:
        error = as_input_error(raised, source, tokenizer)
    yield Read(index, start, items, error, is_last=True)


def read_sources(
    tokenizer: Tokenizer, sources: Sequence[Any], num_workers: int, *, first: tuple[int, int] = (0, 0)
) -> Iterator[Read]:
    """All sources' samples in order.

    Args:
        tokenizer: Does the reading, in `num_workers` processes of its own; 0: in this one.
        sources: In the order wanted.
        first: Source and row to begin with.

    Source i is read by process i modulo `num_workers`, each of which is ahead of the order by what a pipe holds: that
    keeps memory bounded however long a source is. A file that makes a library end its process (a crash in native code)
    is an error like any other, and the rest is read by new processes.
    """
    place = first
    while place[0] < len(sources):
        if num_workers:
            yield from (reads := _Reads(tokenizer, sources, num_workers, place))
            place = (reads.source + 1, 0)
        else:
            yield from read_source(tokenizer, sources[place[0]], *place)
            place = (place[0] + 1, 0)


class _Reads:
    """What some processes read of the sources from a place on, to the end or to where one of them dies.

    Attributes:
        source: The source of the last `Read`.
    """

    def __init__(self, tokenizer: Tokenizer, sources: Sequence[Any], num_workers: int, first: tuple[int, int]) -> None:
        self.tokenizer, self.sources, self.num_workers = tokenizer, sources, num_workers
        self.source, self.row = first

    def __iter__(self) -> Iterator[Read]:
        begin, first_row = self.source, self.row
        remaining = range(begin, len(self.sources))
        shares = [remaining[reader :: self.num_workers] for reader in range(min(self.num_workers, len(remaining)))]
        processes = [
            _ReaderProcess(self.tokenizer, [(i, self.sources[i], first_row if i == begin else 0) for i in share])
            for share in shares
        ]
        try:
            for self.source in remaining:
                process = processes[(self.source - begin) % len(processes)]
                self.row = first_row if self.source == begin else 0
                is_last = False
                while not is_last:
                    read = process.receive()
                    if read is None:
                        yield Read(self.source, self.row, [], self._death(process), is_last=True)
                        return
                    self.row += len(read.items)
                    is_last = read.is_last
                    yield read
        finally:
            for process in processes:
                process.stop()

    def _death(self, process: _ReaderProcess) -> InputError:
        return InputError(
            f"{name_of(self.sources[self.source])} ended the process that read it ({process.how_it_ended()})",
            fix="check that the file is whole; if it is sound, report it to the maintainers of "
            f"{type(self.tokenizer).__module__}",
        )


class _ReaderProcess:
    """A process that reads a share of the sources: index, source and first row of each."""

    def __init__(self, tokenizer: Tokenizer, share: list[tuple[int, Any, int]]) -> None:
        self.receiving, sending = multiprocessing.Pipe(duplex=False)
        _widen(sending)
        self.process = multiprocessing.Process(target=_read_share, args=(sending, tokenizer, share), daemon=True)
        self.process.start()
        sending.close()  # the only other end is the process's own: when it dies, receiving ends

    def receive(self) -> Read | None:
        """The next message, or None if the process has died."""
        try:
            message: Read = self.receiving.recv()
        except (EOFError, ConnectionError):
            return None
        return replace(message, items=_to_tensors(message.items))

    def how_it_ended(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def stop(self) -> None:
        self.receiving.close()
        self.process.terminate()
        self.process.join()


def _widen(pipe: Connection) -> None:
    """Let a process be some messages ahead, where the system lets a pipe hold more than its usual 64 KiB.

    What is in a pipe outlives the process that wrote it, which a queue's feeding thread would not: so a crash is put
    down to the file that was being read and to no earlier one.
    """
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _read_share(sending: Connection, tokenizer: Tokenizer, share: list[tuple[int, Any, int]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    torch.set_num_threads(1)
    try:
        for index, source, first_row in share:
            for read in read_source(tokenizer, source, index, first_row):
                sending.send(replace(read, items=_to_arrays(read.items)))
    except BrokenPipeError:
        pass  # nobody asks any more


# arrays cross between processes as bytes; tensors would each take a file descriptor and a piece of shared memory
def _to_arrays(items: list[dict[str, Tensor]]) -> Any:
    return [{name: tensor.numpy() for name, tensor in item.items()} for item in items]


def _to_tensors(items: Any) -> list[dict[str, Tensor]]:
    return [{name: torch.from_numpy(array) for name, array in item.items()} for item in items]

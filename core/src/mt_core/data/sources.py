"""Samples of many sources, read and prepared by worker processes, in order and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from mt_core.contract import Tokenizer, name_of
from mt_core.data.reading import as_input_error, with_source
from mt_core.data.workers import SECONDS_A_SAMPLE, At, LostSample, WorkerPool
from mt_core.errors import DataWarning, InputError, MtError
from mt_core.io.fetching import fetched
from mt_core.io.mirror import in_place_of
from mt_core.io.notices import Notices, collecting
from mt_core.io.urls import is_url

SAMPLES_A_MESSAGE = 64
SOURCES_AHEAD = 8
REFUSED_IN_A_ROW = 1000
"""Samples of one source, one after the other, after which the rest of it is not tried."""


@dataclass(frozen=True)
class Read:
    """Consecutive samples of one source.

    Attributes:
        source: Index of the source.
        row: Index within the source of the first of these samples.
        items: What the tokenizer's `prepare` made of each.
        error: Why the sample after `items` cannot be read; the source goes on behind it unless this is the last.
        notices: What was left out or reinterpreted since the samples before these.
        is_last: Whether the source ends here.
    """

    source: int
    row: int
    items: list[Any]
    error: MtError | None = None
    is_last: bool = False
    notices: list[DataWarning] = field(default_factory=list)


def read_sources(
    tokenizer: Tokenizer,
    sources: Sequence[Any],
    num_workers: int,
    *,
    first: tuple[int, int] = (0, 0),
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    strict: bool = False,
) -> Iterator[Read]:
    """All sources' samples in order. A source that ends or stops its worker is an error like any other.

    Args:
        sources: In the order wanted.
        num_workers: Processes that read; 0: this one does.
        first: Source and row to begin with.
        seconds_a_sample: How long one sample may take.
        strict: Whether a notice ends its source, as an error.
    """
    return _read(_SourceReader(tokenizer, sources, strict=strict), num_workers, first, seconds_a_sample)


def raw_samples(tokenizer: Tokenizer, sources: Sequence[Any], num_workers: int) -> Iterator[Read]:
    """The same of samples as `Tokenizer.read` gives them: the `items` are not prepared."""
    return _read(_SourceReader(tokenizer, sources, is_raw=True), num_workers, (0, 0), SECONDS_A_SAMPLE)


def _read(reader: _SourceReader, num_workers: int, first: tuple[int, int], seconds_a_sample: float) -> Iterator[Read]:
    begin, first_row = first
    jobs = [_Job(index, first_row if index == begin else 0) for index in range(begin, len(reader.sources))]

    def lost(job: _Job, loss: LostSample) -> _Job:
        return replace(job, error=loss_of(loss, reader.sources[job.source], reader.tokenizer))

    pool = WorkerPool(reader, min(num_workers, len(jobs)), ahead=SOURCES_AHEAD, seconds_a_sample=seconds_a_sample)
    try:
        yield from pool.map(jobs, lost)
    finally:
        pool.close()


def loss_of(loss: LostSample, source: Any, tokenizer: Tokenizer) -> MtError:
    """The error for a source whose worker was lost."""
    refused = InputError(
        f"{name_of(source)} {loss.how}",
        fix="check that the file is whole; if it is valid, report it to the maintainers of "
        f"{type(tokenizer).__module__}",
    )
    return with_source(refused, source)


@dataclass(frozen=True)
class _Job:
    """A source from a row on, or the error that stands for it."""

    source: int
    first_row: int
    error: MtError | None = None


@dataclass(frozen=True)
class _SourceReader:
    tokenizer: Tokenizer
    sources: Sequence[Any]
    is_raw: bool = False
    strict: bool = False

    def read(self, job: _Job, at: At) -> Iterator[Read]:
        source = self.sources[job.source]
        if job.error is not None:
            yield Read(job.source, job.first_row, [], job.error, is_last=True)
        elif is_url(source):
            yield from self._read_url(job, source, at)
        else:
            yield from self._read(job, source, at)

    def _read_url(self, job: _Job, url: str, at: At) -> Iterator[Read]:
        """Fetched just before it is read, and gone after; what is said of the copy is said of the URL."""
        at(job.first_row)
        try:
            with fetched(url, lambda: at(job.first_row), self.tokenizer.files_beside(url)) as path:
                for read in self._read(job, path, at):
                    error = read.error and in_place_of(read.error, path, url)
                    told = [DataWarning(*(text.replace(path, url) for text in each.args)) for each in read.notices]
                    yield replace(read, error=error, notices=told)
        except MtError as error:
            yield Read(job.source, job.first_row, [], with_source(error, url), is_last=True)

    def _read(self, job: _Job, source: Any, at: At) -> Iterator[Read]:
        start = job.first_row
        items: list[Any] = []
        error: MtError | None = None
        name = name_of(source)
        notices = Notices(strict=self.strict, default=name)
        try:
            at(start)
            num_refused = 0
            with collecting(notices):
                samples = iter(self.tokenizer.stream(source))
            for row in count():
                with collecting(notices):
                    if (sample := next(samples, _END)) is _END:
                        break
                    at(row + 1)
                    if row < job.first_row:
                        continue
                    refused = self._take(sample, items)
                if notices.strict and notices:
                    del items[row - start :]
                    break
                num_refused = num_refused + 1 if refused is not None else 0
                if refused is not None and num_refused == REFUSED_IN_A_ROW:
                    raise InputError(
                        f"{name_of(source)}: {num_refused:,} samples in a row cannot be read, the rest is not tried; "
                        f"the last of them: {refused.problem}",
                        fix=refused.fix,
                    )
                if refused is not None or len(items) == SAMPLES_A_MESSAGE:
                    yield Read(job.source, start, items, refused and with_source(refused, source), False, list(notices))
                    start, items, notices = row + 1, [], Notices(strict=self.strict, default=name)
            notices.check()
        except MtError as ended:
            error = with_source(ended, source)
        except Exception as raised:
            error = as_input_error(raised, source, self.tokenizer)
        told = [] if notices.strict else list(notices)  # which are the error
        yield Read(job.source, start, items, error, True, told)

    def _take(self, sample: Any, items: list[Any]) -> MtError | None:
        """Add a sample of a stream to the others; the error of one that cannot be read, or cannot be used."""
        if isinstance(sample, MtError):
            return sample
        try:
            items.append(sample if self.is_raw else self.tokenizer.prepare(sample))
        except InputError as refused:
            return refused
        return None


_END: Any = object()

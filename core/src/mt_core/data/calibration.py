"""Calibrating a tokenizer on a dataset: files are read by a worker process, those alone that the tokenizer asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt_core.contract import ModalityDataset, Tokenizer
from mt_core.data.loader import read_examples
from mt_core.data.reading import read_sample
from mt_core.data.sources import loss_of
from mt_core.data.workers import At, LostSample, WorkerPool, resolve_num_workers
from mt_core.errors import DataWarning, MtError
from mt_core.io.notices import Notices, collecting, relay
from mt_core.model import seeded


def calibrate(
    tokenizer: Tokenizer,
    dataset: ModalityDataset,
    *,
    seed: int,
    num_workers: int | None,
    seconds_a_sample: float,
    skip_unreadable: bool,
) -> None:
    """Calibrate on a dataset, whatever is drawn from a seed.

    Args:
        num_workers: 0: files are read by this process.
        skip_unreadable: Where the tokenizer refuses what cannot be read, calibrate without it.

    Raises:
        MtError: a sample that cannot be read.
    """
    try:
        with _reading_in_worker(tokenizer, num_workers, seconds_a_sample), seeded(seed):
            tokenizer.calibrate(dataset[index] for index in range(len(dataset)))
    except MtError:
        if not skip_unreadable:
            raise
        examples = read_examples(dataset, tokenizer, num_workers=num_workers, skip_unreadable=True)
        with contextlib.closing(examples), seeded(seed):
            tokenizer.calibrate(examples)


@contextlib.contextmanager
def _reading_in_worker(tokenizer: Tokenizer, num_workers: int | None, seconds_a_sample: float) -> Iterator[None]:
    """Within it, the tokenizer's `read` has a worker process read what is named by a path."""
    if not resolve_num_workers(num_workers):
        yield
        return
    pool = WorkerPool(_SampleReader(copy(tokenizer)), 1, seconds_a_sample=seconds_a_sample)
    read_here = tokenizer.read

    def read(source: Any) -> Any:
        if not isinstance(source, str | Path):
            return read_here(source)

        def refuse(job: Any, loss: LostSample) -> Any:
            raise loss_of(loss, source, tokenizer)

        ((sample, notices),) = pool.map([source], refuse)
        relay(notices)
        if isinstance(sample, MtError):
            raise sample
        return sample

    tokenizer.read = read  # type: ignore[method-assign]
    try:
        yield
    finally:
        del tokenizer.read
        pool.close()


@dataclass(frozen=True)
class _SampleReader:
    tokenizer: Tokenizer

    def read(self, job: Any, at: At) -> Iterator[tuple[Any, list[DataWarning]]]:
        """The sample of a source, or the error of it, and what was left out of it or reinterpreted."""
        at(0)
        notices = Notices()
        try:
            with collecting(notices):
                sample = read_sample(self.tokenizer, job)
        except MtError as error:
            sample = error
        yield sample, list(notices)

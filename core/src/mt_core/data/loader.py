"""Datasets to batches: seeded order, seeded augmentation, errors that keep their file's name."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypedDict

import torch
from torch import Tensor

from mt_core.contract import Example, ModalityDataset, Tokenizer
from mt_core.data.reading import prepare_example, read_sample
from mt_core.data.samplers import training_order
from mt_core.data.sources import loss_of
from mt_core.data.workers import SECONDS_A_SAMPLE, At, LostSample, WorkerPool, resolve_num_workers
from mt_core.errors import DataWarning, InputError, MtError
from mt_core.io.notices import Notices, collecting, relay

_FEW = 2048  # positions: two batches of so many stay far below what a pipe holds


class Batch(TypedDict):
    """A batch as it leaves the worker processes.

    inputs: What the tokenizer's collate made; {} where no sample could be read.
    target: What the task's stack made, one row for each sample that could be read.
    failed: The errors of those that could not.
    """

    inputs: dict[str, Tensor]
    target: Tensor
    failed: list[MtError]


class Loader:
    """The batches of a dataset, epoch by epoch, read by worker processes that stay from one epoch to the next.

    What is in a batch depends on the seed, the epoch and the samples' indices alone: neither on the number of workers
    nor on how far they are ahead. Use it in a `with`, or `close` it.

    Args:
        dataset: Its examples are read by the workers.
        batch_size: Samples a batch; the last one of an epoch may be smaller.
        num_workers: None: see `resolve_num_workers`; 0: this process reads.
        train_seed: None: in order and deterministic. Else shuffled and augmented by it.
        drop_last: Leave out the samples at the end of an epoch that fill no batch, where there is one that is full.
        seconds_a_sample: How long the reading of one sample may take.
        part: (i, n): of each batch the samples i, i + n, i + 2 n, …, for one of n processes that train together. A
            batch without a sample is {} and no target, as where none can be read.
    """

    def __init__(
        self,
        dataset: ModalityDataset,
        tokenizer: Tokenizer,
        *,
        batch_size: int,
        num_workers: int | None = None,
        train_seed: int | None = None,
        drop_last: bool = False,
        seconds_a_sample: float = SECONDS_A_SAMPLE,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.dataset, self.tokenizer, self.batch_size = dataset, tokenizer, batch_size
        self.part = part
        self._drops_last = drop_last and len(dataset) > batch_size
        self._order = training_order(dataset, train_seed) if train_seed is not None else None
        self._lost: dict[int, MtError] = {}  # positions whose worker was lost: they are not read again
        self._pool = WorkerPool(
            _BatchReader(dataset, tokenizer, train_seed),
            min(resolve_num_workers(num_workers), len(self)),
            ahead=2 if batch_size <= _FEW else 1,
            seconds_a_sample=seconds_a_sample,
        )

    def __len__(self) -> int:
        return len(self.dataset) // self.batch_size if self._drops_last else -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch(0)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from the first that is wanted."""
        jobs = [_Job(epoch, positions, self._known(positions)) for positions in self._groups(epoch)[first:]]
        batches = self._pool.map(jobs, self._on_loss)
        for number, (batch, notices) in enumerate(batches, start=1):
            if number == len(jobs):
                next(batches, None)  # who counts batches asks for no more: the workers are to be kept
            relay(notices)
            yield batch

    def raw(self) -> Iterator[tuple[list[Example], list[MtError]]]:
        """The examples of each batch, their samples read and not prepared, and the errors of the others."""
        jobs = [_Job(0, positions, of="examples") for positions in self._groups(0)]
        for examples, notices in self._pool.map(jobs, self._on_loss):
            relay(notices)
            yield examples

    def items(self) -> Iterator[tuple[list[tuple[dict[str, Tensor], Any]], list[MtError]]]:
        """The prepared samples of each batch with their targets, not put together, and the errors of the others."""
        jobs = [_Job(0, positions, self._known(positions), of="items") for positions in self._groups(0)]
        for items, notices in self._pool.map(jobs, self._on_loss):
            relay(notices)
            yield items

    def _groups(self, epoch: int) -> list[list[int]]:
        order = self._order.positions(epoch) if self._order is not None else list(range(len(self.dataset)))
        firsts = range(0, len(order), self.batch_size)[: len(self)]
        own, parts = self.part
        return [order[first : first + self.batch_size][own::parts] for first in firsts]

    def _known(self, positions: Sequence[int]) -> dict[int, MtError]:
        return {position: self._lost[position] for position in positions if position in self._lost}

    def _on_loss(self, job: _Job, loss: LostSample) -> _Job:
        position, is_found = divmod(loss.sample, 2)
        # what ended a worker is not tried in this process
        source = self.dataset[position].sample if is_found else f"{self.dataset.source}, example {position}"
        self._lost[position] = loss_of(loss, source, self.tokenizer)
        return replace(job, errors=self._known(job.positions))

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class _Job:
    """One batch: its epoch, the positions of its samples in the dataset, the errors of those not to be read, and
    whether a batch of it is wanted, its prepared samples or its examples."""

    epoch: int
    positions: list[int]
    errors: dict[int, MtError] = field(default_factory=dict)
    of: Literal["batch", "items", "examples"] = "batch"


@dataclass(frozen=True)
class _BatchReader:
    dataset: ModalityDataset
    tokenizer: Tokenizer
    seed: int | None

    def read(self, job: _Job, at: At) -> Iterator[tuple[Any, list[DataWarning]]]:
        """One batch, and what was left out or reinterpreted in it."""
        notices = Notices()
        with collecting(notices):
            batch = self._read(job, at)
        yield batch, list(notices)

    def _read(self, job: _Job, at: At) -> Any:
        read: list[Any] = []
        failed: list[MtError] = []
        for position in job.positions:
            try:
                if position in job.errors:
                    raise job.errors[position]
                example = self._example(position, at)
                if job.of == "examples":
                    read.append(Example(read_sample(self.tokenizer, example.sample), example.target))
                else:
                    generator = self._generator(job.epoch, position)
                    read.append(prepare_example(self.tokenizer, example, generator))
            except MtError as error:
                failed.append(error)
        at(None)
        return self._batch(read, failed) if job.of == "batch" else (read, failed)

    def _batch(self, read: list[tuple[dict[str, Tensor], Any]], failed: list[MtError]) -> Batch:
        inputs = self.tokenizer.collate([item for item, _ in read]) if read else {}
        target = self.dataset.task.stack([target for _, target in read])
        return Batch(inputs=inputs, target=target, failed=failed)

    def _generator(self, epoch: int, position: int) -> torch.Generator | None:
        if self.seed is None:
            return None
        return torch.Generator().manual_seed(hash((self.seed, epoch, position)) % 2**63)

    def _example(self, position: int, at: At) -> Example:
        at(2 * position)
        try:
            example = self.dataset[position]
        except MtError as error:
            error.source = error.source or f"{self.dataset.source}, example {position}"
            raise
        except Exception as error:
            refused = InputError(
                f"{self.dataset.source}, example {position}: {type(self.dataset).__name__} failed with "
                f"{type(error).__name__}: {error}",
                fix=f"check the data; if they are valid, report this to the maintainers of "
                f"{type(self.dataset).__module__}",
            )
            refused.source = f"{self.dataset.source}, example {position}"
            raise refused from error
        at(2 * position + 1)
        return example


def read_examples(
    dataset: ModalityDataset, tokenizer: Tokenizer, *, num_workers: int | None = None, skip_unreadable: bool = False
) -> Generator[Example, None, None]:
    """All examples in order, each sample as `Tokenizer.read` gives it: what a tokenizer is calibrated on.

    Raises:
        MtError: of the first sample that cannot be read, unless those are to be skipped.
    """
    with Loader(dataset, tokenizer, batch_size=64, num_workers=num_workers) as loader:
        for examples, failed in loader.raw():
            if failed and not skip_unreadable:
                raise failed[0]
            yield from examples


def check_failures(batch: Batch, *, skip: bool = False) -> Batch:
    """The batch, unless a sample of it could not be read.

    Args:
        skip: Leave such samples out. `inputs` is {} where none is left.

    Raises:
        MtError: of the first sample that could not be read.
    """
    if batch["failed"] and not skip:
        raise batch["failed"][0]
    return batch

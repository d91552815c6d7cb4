"""Datasets to batches: seeded order, seeded augmentation, errors that keep their file's name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mt_core.contract import AnyTask, ModalityDataset, Tokenizer, name_of
from mt_core.data.samplers import training_order
from mt_core.errors import InputError, MtError


class Batch(TypedDict):
    """A batch as it leaves the worker processes.

    inputs: What the tokenizer's collate made; {} where no sample could be read.
    target: What the task's stack made, one row for each sample that could be read.
    failed: The errors of those that could not.
    """

    inputs: dict[str, Tensor]
    target: Tensor
    failed: list[MtError]


class Prepared(Dataset[tuple[dict[str, Tensor], Any] | MtError]):
    """Examples read and prepared. With a seed, for training: an index is (epoch, position), and augmentation draws
    from a generator seeded by (seed, epoch, position) alone."""

    def __init__(self, dataset: ModalityDataset, tokenizer: Tokenizer, seed: int | None = None) -> None:
        self.dataset = dataset
        self.tokenizer = tokenizer
        self.seed = seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int | tuple[int, int]) -> tuple[dict[str, Tensor], Any] | MtError:
        epoch, position = index if isinstance(index, tuple) else (0, index)
        generator = None
        if self.seed is not None:
            generator = torch.Generator().manual_seed(hash((self.seed, epoch, position)) % 2**63)
        try:
            example = self.dataset[position]
            return prepare(self.tokenizer, example.sample, generator), example.target
        except MtError as error:
            return error  # raised again in the main process: a worker process would bury it in its own traceback


def prepare(tokenizer: Tokenizer, source: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
    """Read and prepare one sample; whatever a plugin raises names the source."""
    try:
        return tokenizer.prepare(tokenizer.read(source), generator)
    except MtError as error:
        raise with_source(error, source) from error
    except Exception as error:
        raise as_input_error(error, source, tokenizer) from error


def with_source(error: MtError, source: Any) -> MtError:
    """The same error, its message beginning with the source where it does not name it yet."""
    name = name_of(source)
    if name in error.problem:
        return error
    return type(error)(f"{name}: {error.problem}", error.fix)


def as_input_error(error: Exception, source: Any, tokenizer: Tokenizer) -> InputError:
    """A plugin let through an exception that is not ours: an error that names the file and the plugin."""
    return InputError(
        f"{name_of(source)}: {type(tokenizer).__name__} failed with {type(error).__name__}: {error}",
        fix=f"check the file; if it is sound, report this to the maintainers of {type(tokenizer).__module__}",
    )


class _Collate:
    def __init__(self, tokenizer: Tokenizer, task: AnyTask) -> None:
        self.tokenizer = tokenizer
        self.task = task

    def __call__(self, items: Sequence[tuple[dict[str, Tensor], Any] | MtError]) -> Batch:
        failed = [item for item in items if isinstance(item, MtError)]
        valid = [item for item in items if not isinstance(item, MtError)]
        inputs = self.tokenizer.collate([tensors for tensors, _ in valid]) if valid else {}
        return Batch(inputs=inputs, target=self.task.stack([target for _, target in valid]), failed=failed)


def resolve_num_workers(wanted: int | None) -> int:
    """Worker processes: as wanted, or one less than the cores that this process may use, 4 at the most."""
    if wanted is not None:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, cores - 1)


def loader(
    dataset: ModalityDataset,
    tokenizer: Tokenizer,
    *,
    batch_size: int,
    num_workers: int | None = None,
    train_seed: int | None = None,
) -> DataLoader[Any]:
    """Batches of a dataset: in order and deterministic, or with `train_seed` shuffled and augmented by it."""
    workers = resolve_num_workers(num_workers) if len(dataset) > batch_size else 0
    return DataLoader(
        Prepared(dataset, tokenizer, train_seed),
        batch_size=batch_size,
        sampler=training_order(dataset, train_seed) if train_seed is not None else None,
        num_workers=workers,
        persistent_workers=workers > 0 and train_seed is not None,
        collate_fn=_Collate(tokenizer, dataset.task),
    )


@contextmanager
def translate_worker_crash() -> Iterator[None]:
    """torch tells of a worker process that has died by its number; ours is to say what to do.

    Raises:
        InputError: within, a worker process has died.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise InputError(
            "a file ended the process that read it",
            fix="mt embed on the same files names it; mend or remove it, and repeat the command (train: with --resume)",
        ) from error


def check_failures(batch: Batch, *, skip: bool = False) -> Batch:
    """The batch, unless a sample of it could not be read.

    Args:
        skip: Go on with the others, as long as there is one.

    Raises:
        MtError: of the first sample that could not be read.
    """
    if batch["failed"] and not (skip and batch["inputs"]):
        raise batch["failed"][0]
    return batch

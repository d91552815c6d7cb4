"""Datasets to batches: seeded order, seeded augmentation, errors that keep their file's name."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypedDict

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mt_core.contract import (
    MISSING_CLASS,
    AnyTask,
    Classification,
    Example,
    ModalityDataset,
    Retrieval,
    Tokenizer,
    name_of,
)
from mt_core.errors import InputError, MissingSplitError, MtError, OptionError


class Batch(TypedDict):
    """A batch as it leaves the reader processes.

    inputs: What the tokenizer's collate made; {} where no sample could be read.
    target: What the task's stack made, one row for each sample that could be read.
    failed: The errors of those that could not.
    """

    inputs: dict[str, Tensor]
    target: Tensor
    failed: list[MtError]


class Part(ModalityDataset):
    """Some of another dataset's examples."""

    def __init__(self, whole: ModalityDataset, indices: Sequence[int], name: str) -> None:
        self.whole = whole
        self.indices = list(indices)
        self.task = whole.task
        self.source = f"{whole.source}, {name}"

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        return self.whole[self.indices[index]]

    def targets(self) -> Sequence[Any]:
        targets = self.whole.targets()
        return [targets[index] for index in self.indices]

    @classmethod
    def open(
        cls,
        root: Path,
        split: str = "train",
        *,
        task: AnyTask | None = None,
        **options: Any,
    ) -> Self:
        raise OptionError("a part is made of a dataset, not opened", fix="open the whole and split it")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        raise OptionError("a part is made of a dataset, not drawn", fix="draw the whole and split it")


def hold_out(dataset: ModalityDataset, fraction: float, seed: int) -> tuple[Part, Part]:
    """Two disjoint parts, the second about this fraction and at least one example; by class where there
    are classes, by whole identities for retrieval.

    Raises:
        OptionError: fewer than two examples.
    """
    if len(dataset) < 2:
        raise OptionError(
            f"{dataset.source} has {len(dataset)} example(s), too few to hold some out",
            fix="add examples, or give a validation set",
        )
    order = random.Random(seed)
    held = _held_identities(dataset, fraction, order)
    if held is None:
        held = []
        groups: dict[Any, list[int]] = defaultdict(list)
        is_classes = isinstance(dataset.task, Classification)
        for index, target in enumerate(dataset.targets() if is_classes else [None] * len(dataset)):
            groups[target].append(index)
        for key in sorted(groups, key=str):
            members = groups[key]
            order.shuffle(members)
            held += members[: round(len(members) * fraction)]
    if not held:
        held = [order.randrange(len(dataset))]
    is_held = set(held)
    kept = [index for index in range(len(dataset)) if index not in is_held]
    return Part(dataset, kept, "training part"), Part(dataset, sorted(held), f"held-out part (seed {seed})")


def _held_identities(dataset: ModalityDataset, fraction: float, order: random.Random) -> list[int] | None:
    """For retrieval, all samples of some identities, at least two of them; None for other tasks."""
    if not isinstance(dataset.task, Retrieval):
        return None
    of_identity: dict[int, list[int]] = defaultdict(list)
    for index, target in enumerate(dataset.targets()):
        if target is not None:
            of_identity[target[0]].append(index)
    identities = sorted(of_identity)
    order.shuffle(identities)
    if len(identities) < 4:
        return None
    return [
        index for identity in identities[: max(2, round(len(identities) * fraction))] for index in of_identity[identity]
    ]


def open_training_data(
    dataset_class: type[ModalityDataset], root: Path, fraction: float, seed: int, **options: Any
) -> tuple[ModalityDataset, ModalityDataset]:
    """The training and the selecting part of a folder: its own "val", or a seeded part of "train"."""
    train = dataset_class.open(root, "train", **options)
    try:
        return train, dataset_class.open(root, "val", task=train.task, **options)
    except MissingSplitError:
        return hold_out(train, fraction, seed)


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
            return error  # raised again in the main process: a reader process would bury it in its own traceback


def prepare(tokenizer: Tokenizer, source: Any, generator: torch.Generator | None = None) -> dict[str, Tensor]:
    """Read and prepare one sample; whatever a plugin raises names the source."""
    try:
        return tokenizer.prepare(tokenizer.read(source), generator)
    except MtError as error:
        raise named(error, source) from error
    except Exception as error:
        raise unexpected(error, source, tokenizer) from error


def named(error: MtError, source: Any) -> MtError:
    """The same error, its message beginning with the source where it does not name it yet."""
    name = name_of(source)
    if name in error.problem:
        return error
    return type(error)(f"{name}: {error.problem}", error.fix)


def unexpected(error: Exception, source: Any, tokenizer: Tokenizer) -> InputError:
    """A plugin let through an exception that is not ours: an error that names the file and the plugin."""
    return InputError(
        f"{name_of(source)}: {type(tokenizer).__name__} failed with {type(error).__name__}: {error}",
        fix=f"check the file; if it is sound, report this to the maintainers of {type(tokenizer).__module__}",
    )


class SeededOrder(Sampler[tuple[int, int]]):
    """(epoch, position) pairs in an order that depends on (seed, epoch) alone."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(hash((self.seed, self.epoch)) % 2**63)
        for position in torch.randperm(self.length, generator=generator).tolist():
            yield self.epoch, position


class SeededIdentities(SeededOrder):
    """The same for retrieval: the samples of an identity come four at a time, so that a batch holds some of each of
    several identities and triplets can be formed.

    Source: Hermans et al. 2017, arXiv:1703.07737, section 2, batches of P identities with K samples.
    """

    def __init__(self, identities: Sequence[int], seed: int) -> None:
        super().__init__(len(identities), seed)
        self.identities = identities

    def __iter__(self) -> Iterator[tuple[int, int]]:
        together: dict[int, list[int]] = defaultdict(list)
        for _, position in super().__iter__():
            together[self.identities[position]].append(position)
        fours = [
            members[first : first + _TOGETHER]
            for members in together.values()
            for first in range(0, len(members), _TOGETHER)
        ]
        random.Random(hash((self.seed, self.epoch))).shuffle(fours)
        for four in fours:
            for position in four:
                yield self.epoch, position


_TOGETHER = 4


def _order(dataset: ModalityDataset, seed: int) -> SeededOrder:
    if isinstance(dataset.task, Retrieval):
        identities = [MISSING_CLASS if target is None else int(target[0]) for target in dataset.targets()]
        return SeededIdentities(identities, seed)
    return SeededOrder(len(dataset), seed)


class _Collate:
    def __init__(self, tokenizer: Tokenizer, task: AnyTask) -> None:
        self.tokenizer = tokenizer
        self.task = task

    def __call__(self, items: Sequence[tuple[dict[str, Tensor], Any] | MtError]) -> Batch:
        failed = [item for item in items if isinstance(item, MtError)]
        sound = [item for item in items if not isinstance(item, MtError)]
        inputs = self.tokenizer.collate([tensors for tensors, _ in sound]) if sound else {}
        return Batch(inputs=inputs, target=self.task.stack([target for _, target in sound]), failed=failed)


def num_readers(wanted: int | None) -> int:
    """Reader processes: as wanted, or one less than the cores that this process may use, 4 at the most."""
    if wanted is not None:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, cores - 1)


def loader(
    dataset: ModalityDataset,
    tokenizer: Tokenizer,
    *,
    batch_size: int,
    readers: int | None = None,
    train_seed: int | None = None,
) -> DataLoader[Any]:
    """Batches of a dataset: in order and deterministic, or with `train_seed` shuffled and augmented by it."""
    workers = num_readers(readers) if len(dataset) > batch_size else 0
    return DataLoader(
        Prepared(dataset, tokenizer, train_seed),
        batch_size=batch_size,
        sampler=_order(dataset, train_seed) if train_seed is not None else None,
        num_workers=workers,
        persistent_workers=workers > 0 and train_seed is not None,
        collate_fn=_Collate(tokenizer, dataset.task),
    )


@contextmanager
def dead_readers_told() -> Iterator[None]:
    """torch tells of a reader process that has died by its number; ours is to say what to do.

    Raises:
        InputError: within, a reader process has died.
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


def sound(batch: Batch, *, skip: bool = False) -> Batch:
    """The batch, unless a sample of it could not be read.

    Args:
        skip: Go on with the others, as long as there is one.

    Raises:
        MtError: of the first sample that could not be read.
    """
    if batch["failed"] and not (skip and batch["inputs"]):
        raise batch["failed"][0]
    return batch

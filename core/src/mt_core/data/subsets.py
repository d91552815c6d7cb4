"""Some of a dataset's examples: the part held out for model selection, and the rest."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from mt_core.contract import AnyTask, Classification, Example, ModalityDataset, Options, Retrieval
from mt_core.errors import MissingSplitError, OptionError


class Subset(ModalityDataset):
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

    def groups(self) -> Sequence[str | None] | None:
        groups = self.whole.groups()
        return None if groups is None else [groups[index] for index in self.indices]

    def summary(self) -> Sequence[str]:
        return self.whole.summary()

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: Options | None = None
    ) -> Self:
        raise OptionError("a part is made of a dataset, not opened", fix="open the whole and split it")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        raise OptionError("a part is made of a dataset, not drawn", fix="draw the whole and split it")


def hold_out(dataset: ModalityDataset, fraction: float, seed: int) -> tuple[Subset, Subset]:
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
    return Subset(dataset, kept, "training part"), Subset(dataset, sorted(held), f"held-out part (seed {seed})")


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
    dataset_class: type[ModalityDataset], root: Path, fraction: float, seed: int, options: Options | None
) -> tuple[ModalityDataset, ModalityDataset]:
    """The training and the selecting part of a folder: its own "val", or a seeded part of "train"."""
    train = dataset_class.open(root, "train", options=options)
    try:
        return train, dataset_class.open(root, "val", task=train.task, options=options)
    except MissingSplitError:
        return hold_out(train, fraction, seed)

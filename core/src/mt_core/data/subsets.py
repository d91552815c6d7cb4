"""Some of a dataset's examples: the part held out for model selection, and the rest."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from mt_core.contract import AnyTask, Classification, Example, ModalityDataset, Options, Retrieval
from mt_core.errors import OptionError


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

    def tokenizer_options(self) -> dict[str, Any]:
        return self.whole.tokenizer_options()

    @classmethod
    def open(
        cls, root: Path, split: str = "train", *, task: AnyTask | None = None, options: Options | None = None
    ) -> Self:
        raise OptionError("a part is made of a dataset, not opened", fix="open the whole and split it")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        raise OptionError("a part is made of a dataset, not drawn", fix="draw the whole and split it")


def hold_out(
    dataset: ModalityDataset, fraction: float, seed: int, names: tuple[str, str] | None = None
) -> tuple[Subset, Subset]:
    """Two disjoint parts, the second about this fraction and at least one example; by class where there
    are classes, by whole groups where the dataset has groups, by whole identities for retrieval.

    A class keeps at least one example in the first part, where no group takes it away.

    Args:
        names: How the parts are called, after the dataset's source.

    Raises:
        OptionError: fewer than two examples, or groups.
    """
    if len(dataset) < 2:
        raise OptionError(
            f"{dataset.source} has {len(dataset)} example(s), too few to hold some out",
            fix="add examples, or give a validation set",
        )
    order = random.Random(seed)
    groups = dataset.groups()
    if isinstance(dataset.task, Retrieval):
        held = _held_identities(dataset, fraction, order)
    elif groups is not None and any(group is not None for group in groups):
        held = _held_groups(_labels(dataset), groups, fraction, order)
    else:
        held = _held_by_class(_labels(dataset), fraction, order)
    held = held or [order.randrange(len(dataset))]
    is_held = set(held)
    kept = [index for index in range(len(dataset)) if index not in is_held]
    first, second = names or ("training part", f"held-out part (seed {seed})")
    return Subset(dataset, kept, first), Subset(dataset, sorted(held), second)


def _labels(dataset: ModalityDataset) -> Sequence[Any]:
    """What parts are stratified by: the class, where there are classes."""
    return dataset.targets() if isinstance(dataset.task, Classification) else [None] * len(dataset)


def _held_by_class(labels: Sequence[Any], fraction: float, order: random.Random) -> list[int]:
    members_of: dict[Any, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members_of[label].append(index)
    held: list[int] = []
    more: list[int] = []  # of each class one more than its share
    for label in sorted(members_of, key=str):
        members = members_of[label]
        order.shuffle(members)
        share = min(round(len(members) * fraction), len(members) - 1)
        held += members[:share]
        more += members[share : share + 1] if len(members) - share > 1 else []
    wanted = round(len(labels) * fraction)
    if len(held) < wanted / 2:  # many classes of few examples each
        order.shuffle(more)
        held += more[: wanted - len(held)]
    return held


def _held_groups(
    labels: Sequence[Any], groups: Sequence[str | None], fraction: float, order: random.Random
) -> list[int]:
    """All examples of some groups, chosen so that of each class about this fraction is held."""
    members_of: dict[Any, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members_of[index if group is None else group].append(index)
    if len(members_of) < 2:
        raise OptionError(
            f"all {len(labels)} examples are of one group, {groups[0]!r}, so that none can be held out",
            fix="add another group, name another column for the groups, or give a val and a test split",
        )
    left = Counter(labels)
    missing = {label: count * fraction for label, count in left.items()}
    names = sorted(members_of, key=str)
    order.shuffle(names)
    held: list[int] = []
    for name in names:
        counts = Counter(labels[index] for index in members_of[name])
        nearer = sum(abs(missing[label]) - abs(missing[label] - count) for label, count in counts.items())
        if nearer > 0 and all(left[label] > count for label, count in counts.items()):
            held += members_of[name]
            for label, count in counts.items():
                missing[label] -= count
                left[label] -= count
    return held or members_of[min(names, key=lambda name: len(members_of[name]))]


def _held_identities(dataset: ModalityDataset, fraction: float, order: random.Random) -> list[int]:
    """All samples of some identities, at least two of them; none where there are few."""
    of_identity: dict[int, list[int]] = defaultdict(list)
    for index, target in enumerate(dataset.targets()):
        if target is not None:
            of_identity[target[0]].append(index)
    identities = sorted(of_identity)
    order.shuffle(identities)
    if len(identities) < 4:
        return []
    return [
        index for identity in identities[: max(2, round(len(identities) * fraction))] for index in of_identity[identity]
    ]

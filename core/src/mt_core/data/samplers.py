"""The order of training samples, from seed and epoch alone."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import torch

from mt_core.contract import MISSING_CLASS, ModalityDataset, Retrieval

SAMPLES_PER_IDENTITY = 4
"""How many samples of one identity stand together, for retrieval."""


class SeededOrder:
    """A permutation of the samples for each epoch."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed

    def positions(self, epoch: int) -> list[int]:
        """The samples' indices in the order of this epoch."""
        generator = torch.Generator().manual_seed(hash((self.seed, epoch)) % 2**63)
        order: list[int] = torch.randperm(self.length, generator=generator).tolist()
        return order


class SeededIdentities(SeededOrder):
    """The same for retrieval: the samples of an identity come four at a time, so that a batch holds some of each of
    several identities and triplets can be formed.

    Source: Hermans et al. 2017, arXiv:1703.07737, section 2, batches of P identities with K samples.
    """

    def __init__(self, identities: Sequence[int], seed: int) -> None:
        super().__init__(len(identities), seed)
        self.identities = identities

    def positions(self, epoch: int) -> list[int]:
        together: dict[int, list[int]] = defaultdict(list)
        for position in super().positions(epoch):
            together[self.identities[position]].append(position)
        groups = [
            members[first : first + SAMPLES_PER_IDENTITY]
            for members in together.values()
            for first in range(0, len(members), SAMPLES_PER_IDENTITY)
        ]
        random.Random(hash((self.seed, epoch))).shuffle(groups)
        return [position for group in groups for position in group]


def training_order(dataset: ModalityDataset, seed: int) -> SeededOrder:
    """The order that suits a dataset's task."""
    if isinstance(dataset.task, Retrieval):
        identities = [MISSING_CLASS if target is None else int(target[0]) for target in dataset.targets()]
        return SeededIdentities(identities, seed)
    return SeededOrder(len(dataset), seed)

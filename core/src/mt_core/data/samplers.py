"""The order of training samples, from seed and epoch alone."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

from mt_core.contract import MISSING_CLASS, ModalityDataset, Retrieval

SAMPLES_PER_IDENTITY = 4
"""How many samples of one identity stand together, for retrieval."""


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
            members[first : first + SAMPLES_PER_IDENTITY]
            for members in together.values()
            for first in range(0, len(members), SAMPLES_PER_IDENTITY)
        ]
        random.Random(hash((self.seed, self.epoch))).shuffle(fours)
        for four in fours:
            for position in four:
                yield self.epoch, position


def training_order(dataset: ModalityDataset, seed: int) -> SeededOrder:
    if isinstance(dataset.task, Retrieval):
        identities = [MISSING_CLASS if target is None else int(target[0]) for target in dataset.targets()]
        return SeededIdentities(identities, seed)
    return SeededOrder(len(dataset), seed)

"""Pairs to batches: what is held out, who reads what, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from mt_core.contract import Tokenizer
from mt_core.data.reading import prepare
from mt_core.errors import DatasetError, MtError
from mt_pretrain.pairs import LeftOut, Pair, Pairs, Stored

SURVEYED, HELD_OUT = 100_000, 1000
"""Pairs that are looked at beforehand, and pairs that are held out, at the most."""

Item = tuple[dict[str, Tensor], dict[str, Tensor]]
"""What the tokenizers prepared of a picture and of its caption."""


class PairBatch(TypedDict):
    """Some pairs as they leave the worker processes, and what was left out on the way to them."""

    image: dict[str, Tensor]
    text: dict[str, Tensor]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class Reading:
    """How pairs become batches.

    Attributes:
        pairs: All of them.
        image, text: The tokenizers.
        batch_size: Pairs in a batch.
        val_fraction: The part that is held out.
        seed: Of order, augmentation and the held-out part.
    """

    pairs: Pairs
    image: Tokenizer
    text: Tokenizer
    batch_size: int
    val_fraction: float
    seed: int

    def is_held_out(self, name: str) -> bool:
        """Told by the name alone, so that it is the same wherever a pair is met."""
        return _drawn(f"{self.seed}/{name}") < self.val_fraction * 2**63

    def is_trained_on(self, name: str) -> bool:
        return not self.is_held_out(name)

    def prepared(self, found: Pair | LeftOut, drawn_from: str | None = None) -> Item | LeftOut:
        """The tensors of a pair, augmented where there is something to draw from; or why there are none."""
        if isinstance(found, LeftOut):
            return found
        generator = None if drawn_from is None else torch.Generator().manual_seed(_drawn(f"{drawn_from}/{found.name}"))
        try:
            picture = found.picture.read() if isinstance(found.picture, Stored) else found.picture
            return prepare(self.image, picture, generator), prepare(self.text, row_of(found.caption), generator)
        except MtError as error:
            return LeftOut(found.name, f"cannot be used: {error.problem}")

    def collate(self, items: Sequence[Item], left_out: Sequence[LeftOut] = ()) -> PairBatch:
        pictures, captions = zip(*items, strict=True)
        return PairBatch(image=self.image.collate(pictures), text=self.text.collate(captions), left_out=[*left_out])


def row_of(caption: str) -> dict[str, str]:
    """A caption for the text tokenizer: as a row of a table, since a string by itself may name a file to be read."""
    return {"text": caption}


def _drawn(text: str) -> int:
    """63 bits, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


# beforehand


@dataclass(frozen=True)
class Survey:
    """What the first `SURVEYED` pairs told.

    Attributes:
        num_pairs: Pairs to train on; estimated where there are more than were looked at.
        captions: Those of the pairs to train on.
        held_out: Pairs that are not trained on.
        left_out: What is no pair.
    """

    num_pairs: int
    captions: list[str] = field(repr=False)
    held_out: list[Pair] = field(repr=False)
    left_out: list[LeftOut]


def survey(reading: Reading) -> Survey:
    """Look at the pairs as they lie, without a look at a picture.

    Raises:
        DatasetError: there are none.
    """
    captions: list[str] = []
    held_out: list[Pair] = []
    left_out: list[LeftOut] = []
    seen = estimate = 0
    for found in reading.pairs.walk():
        if isinstance(found, LeftOut):
            left_out.append(found)
            continue
        seen += 1
        if reading.is_trained_on(found.name):
            captions.append(found.caption)
        elif len(held_out) < HELD_OUT:
            held_out.append(found)
        if seen == SURVEYED:
            estimate = reading.pairs.estimate(seen, found)
            break
    if not seen:
        because = told(left_out) if left_out else "there are none"
        raise DatasetError(f"{reading.pairs.root} holds no pair that can be read: {because}", fix="mend that one first")
    return Survey(max(len(captions), round(estimate * (1 - reading.val_fraction))), captions, held_out, left_out)


@dataclass(frozen=True)
class HeldOut:
    """Pairs that are not trained on, prepared.

    Attributes:
        items: Tensors of picture and caption.
        caption_of: For each the index of its caption among the different ones, which are numbered as they come.
        left_out: Those that could not be read.
    """

    items: list[Item] = field(repr=False)
    caption_of: list[int] = field(repr=False)
    left_out: list[LeftOut]


def prepared_held_out(reading: Reading, pairs: Sequence[Pair]) -> HeldOut:
    """Those pairs, once the tokenizers are ready.

    Raises:
        DatasetError: too few different captions to be told apart.
    """
    prepared = [(reading.prepared(pair), pair.caption) for pair in pairs]
    left_out = [item for item, _ in prepared if isinstance(item, LeftOut)]
    sound = [(item, caption) for item, caption in prepared if not isinstance(item, LeftOut)]
    different = list(dict.fromkeys(caption for _, caption in sound))
    if len(different) < 2:
        because = f" ({told(left_out)})" if left_out else ""
        raise DatasetError(
            f"the {len(sound)} pairs of {reading.pairs.root} that are held out have {len(different)} different "
            f"captions{because}",
            fix=f"raise val_fraction (it is {reading.val_fraction}), or give more pairs",
        )
    return HeldOut([item for item, _ in sound], [different.index(caption) for _, caption in sound], left_out)


def told(left_out: Sequence[LeftOut]) -> str:
    """How many there are, and the first of them."""
    return f"{len(left_out)} left out, the first: {left_out[0].name} {left_out[0].why}"


# while training


class EpochOfPairs(IterableDataset[PairBatch | MtError]):
    """Batches of one epoch, without an end: of each process and each of its readers an own part, over and over.

    What comes is decided by seed, epoch, and the number of processes and readers. Pairs at the end of a part that fill
    no batch have their turn in the next order. An error comes as an item: raised in a worker process, it would be
    buried in a traceback.
    """

    def __init__(self, reading: Reading, epoch: int, rank: int = 0, num_ranks: int = 1) -> None:
        self.reading, self.epoch, self.rank, self.num_ranks = reading, epoch, rank, num_ranks

    def __iter__(self) -> Iterator[PairBatch | MtError]:
        worker = get_worker_info()
        num_workers, reader = (worker.num_workers, worker.id) if worker is not None else (1, 0)
        parts, part = self.num_ranks * num_workers, self.rank * num_workers + reader
        left_out: list[LeftOut] = []
        turn = 0
        while True:
            order = f"{self.reading.seed}/{self.epoch}/{turn}"
            items: list[Item] = []
            num_batches = 0
            for found in self.reading.pairs.walk(order, part, parts, self.reading.is_trained_on):
                item = self.reading.prepared(found, order)
                if isinstance(item, LeftOut):
                    left_out.append(item)
                    continue
                items.append(item)
                if len(items) == self.reading.batch_size:
                    yield self.reading.collate(items, left_out)
                    items, left_out, num_batches = [], [], num_batches + 1
            if not num_batches:
                yield self._too_few(len(items), parts, left_out)
                return
            turn += 1

    def _too_few(self, sound: int, parts: int, left_out: Sequence[LeftOut]) -> DatasetError:
        of = f", shared out among {parts} workers" if parts > 1 else ""
        because = f"; {told(left_out)}" if left_out else ""
        return DatasetError(
            f"{self.reading.pairs.root}{of}: {sound} pairs can be read, a batch has {self.reading.batch_size}{because}",
            fix="use a smaller batch, fewer workers, or more pairs",
        )


@dataclass(frozen=True)
class EpochLoader:
    """As many batches of an epoch as there are steps; its worker processes live from the first to the last."""

    epoch: EpochOfPairs
    steps: int
    num_workers: int

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        yield from islice(DataLoader(self.epoch, batch_size=None, num_workers=self.num_workers), self.steps)

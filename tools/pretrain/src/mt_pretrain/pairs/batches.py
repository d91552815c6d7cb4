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
from mt_pretrain.pairs.pair import ByteRange, Pair, Pairs, Skipped

SURVEYED, HELD_OUT = 100_000, 1000
"""Pairs that are looked at beforehand, and pairs that are held out, at the most."""

Item = tuple[dict[str, Tensor], dict[str, Tensor]]
"""What the tokenizers prepared of a picture and of its caption."""


class PairBatch(TypedDict):
    """Some pairs as they leave the worker processes, and what was skipped on the way to them."""

    picture: dict[str, Tensor]
    caption: dict[str, Tensor]
    skipped: list[Skipped]


@dataclass(frozen=True)
class PairReader:
    """How pairs become batches.

    Attributes:
        pairs: All of them.
        picture, caption: The tokenizers.
        batch_size: Pairs in a batch.
        val_fraction: The part that is held out.
        seed: Of order, augmentation and the held-out part.
    """

    pairs: Pairs
    picture: Tokenizer
    caption: Tokenizer
    batch_size: int
    val_fraction: float
    seed: int

    def is_held_out(self, name: str) -> bool:
        """Decided by the name alone, so that it is the same wherever a pair is met."""
        return _drawn(f"{self.seed}/{name}") < self.val_fraction * 2**63

    def is_trained_on(self, name: str) -> bool:
        return not self.is_held_out(name)

    def prepare(self, found: Pair | Skipped, drawn_from: str | None = None) -> Item | Skipped:
        """The tensors of a pair, augmented where there is something to draw from; or why there are none."""
        if isinstance(found, Skipped):
            return found
        generator = None if drawn_from is None else torch.Generator().manual_seed(_drawn(f"{drawn_from}/{found.name}"))
        try:
            picture = found.picture.read() if isinstance(found.picture, ByteRange) else found.picture
            return prepare(self.picture, picture, generator), prepare(self.caption, row_of(found.caption), generator)
        except MtError as error:
            return Skipped(found.name, f"cannot be used: {error.problem}")

    def collate(self, items: Sequence[Item], skipped: Sequence[Skipped] = ()) -> PairBatch:
        pictures, captions = zip(*items, strict=True)
        return PairBatch(
            picture=self.picture.collate(pictures), caption=self.caption.collate(captions), skipped=[*skipped]
        )


def row_of(caption: str) -> dict[str, str]:
    """A caption for its tokenizer: as a row of a table, since a string by itself may name a file to be read."""
    return {"text": caption}


def _drawn(text: str) -> int:
    """63 bits, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


# beforehand


@dataclass(frozen=True)
class Survey:
    """What the first `SURVEYED` pairs have shown.

    Attributes:
        num_pairs: Pairs to train on; estimated where there are more than were looked at.
        captions: Those of the pairs to train on.
        held_out: Pairs that are not trained on.
        skipped: What is no pair.
    """

    num_pairs: int
    captions: list[str] = field(repr=False)
    held_out: list[Pair] = field(repr=False)
    skipped: list[Skipped]


def survey(reader: PairReader) -> Survey:
    """Walk through the pairs as they lie, without reading a picture.

    Raises:
        DatasetError: there are none.
    """
    captions: list[str] = []
    held_out: list[Pair] = []
    skipped: list[Skipped] = []
    seen = estimate = 0
    for found in reader.pairs.walk():
        if isinstance(found, Skipped):
            skipped.append(found)
            continue
        seen += 1
        if reader.is_trained_on(found.name):
            captions.append(found.caption)
        elif len(held_out) < HELD_OUT:
            held_out.append(found)
        if seen == SURVEYED:
            estimate = reader.pairs.estimate(seen, found)
            break
    if not seen:
        because = summary(skipped) if skipped else "there are none"
        raise DatasetError(
            f"{reader.pairs.root} holds no pair that can be read: {because}", fix="correct that one first"
        )
    return Survey(max(len(captions), round(estimate * (1 - reader.val_fraction))), captions, held_out, skipped)


@dataclass(frozen=True)
class HeldOut:
    """Pairs that are not trained on, prepared.

    Attributes:
        items: Tensors of picture and caption.
        caption_of: For each the index of its caption among the different ones, which are numbered as they come.
        skipped: Those that could not be read.
    """

    items: list[Item] = field(repr=False)
    caption_of: list[int] = field(repr=False)
    skipped: list[Skipped]


def prepare_held_out(reader: PairReader, pairs: Sequence[Pair]) -> HeldOut:
    """Those pairs, once the tokenizers are ready.

    Raises:
        DatasetError: fewer than two different captions.
    """
    prepared = [(reader.prepare(pair), pair.caption) for pair in pairs]
    skipped = [item for item, _ in prepared if isinstance(item, Skipped)]
    usable = [(item, caption) for item, caption in prepared if not isinstance(item, Skipped)]
    different = list(dict.fromkeys(caption for _, caption in usable))
    if len(different) < 2:
        because = f" ({summary(skipped)})" if skipped else ""
        raise DatasetError(
            f"the {len(usable)} pairs of {reader.pairs.root} that are held out have {len(different)} different "
            f"captions{because}",
            fix=f"raise val_fraction (it is {reader.val_fraction}), or give more pairs",
        )
    return HeldOut([item for item, _ in usable], [different.index(caption) for _, caption in usable], skipped)


def summary(skipped: Sequence[Skipped]) -> str:
    """How many there are, and the first of them."""
    return f"{len(skipped)} skipped, the first: {skipped[0].name} {skipped[0].reason}"


# while training


class EpochOfPairs(IterableDataset[PairBatch | MtError]):
    """Batches of one epoch, without an end: of each process and each of its readers an own part, over and over.

    What comes is decided by seed, epoch, and the number of processes and readers. Pairs at the end of a part that fill
    no batch have their turn in the next order. An error comes as an item: raised in a worker process, it would be
    buried in a traceback.
    """

    def __init__(self, reader: PairReader, epoch: int, rank: int = 0, num_ranks: int = 1) -> None:
        self.reader, self.epoch, self.rank, self.num_ranks = reader, epoch, rank, num_ranks

    def __iter__(self) -> Iterator[PairBatch | MtError]:
        worker = get_worker_info()
        num_workers, own = (worker.num_workers, worker.id) if worker is not None else (1, 0)
        parts, part = self.num_ranks * num_workers, self.rank * num_workers + own
        skipped: list[Skipped] = []
        turn = 0
        while True:
            order = f"{self.reader.seed}/{self.epoch}/{turn}"
            items: list[Item] = []
            num_batches = 0
            for found in self.reader.pairs.walk(order, part, parts, self.reader.is_trained_on):
                item = self.reader.prepare(found, order)
                if isinstance(item, Skipped):
                    skipped.append(item)
                    continue
                items.append(item)
                if len(items) == self.reader.batch_size:
                    yield self.reader.collate(items, skipped)
                    items, skipped, num_batches = [], [], num_batches + 1
            if not num_batches:
                yield self._too_few(len(items), parts, skipped)
                return
            turn += 1

    def _too_few(self, usable: int, parts: int, skipped: Sequence[Skipped]) -> DatasetError:
        of = f", shared out among {parts} workers" if parts > 1 else ""
        because = f"; {summary(skipped)}" if skipped else ""
        return DatasetError(
            f"{self.reader.pairs.root}{of}: {usable} pairs can be read, a batch has {self.reader.batch_size}{because}",
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

"""Samples of many sources, read and prepared by several processes, in order and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from mt_core.contract import Tokenizer
from mt_core.errors import MtError
from mt_core.training.loading import named, unexpected

SAMPLES_A_MESSAGE = 64
MESSAGES_AHEAD = 4


@dataclass(frozen=True)
class Read:
    """Consecutive samples of one source.

    Attributes:
        source: Index of the source.
        row: Index within the source of the first of these samples.
        items: What the tokenizer's `prepare` made of each.
        error: What ended the source before its end, if anything did.
        is_last: Whether the source ends here.
    """

    source: int
    row: int
    items: list[dict[str, Tensor]]
    error: MtError | None = None
    is_last: bool = False


def read_source(tokenizer: Tokenizer, source: Any, index: int, first_row: int = 0) -> Iterator[Read]:
    """One source's samples from a row on, some at a time; the last `Read` says that it is the last."""
    items: list[dict[str, Tensor]] = []
    row = error = None
    start = first_row
    try:
        for row, sample in enumerate(tokenizer.stream(source)):
            if row < first_row:
                continue
            items.append(tokenizer.prepare(sample))
            if len(items) == SAMPLES_A_MESSAGE:
                yield Read(index, start, items)
                start, items = row + 1, []
    except MtError as refused:
        error = named(refused, source)
    except Exception as raised:
        error = unexpected(raised, source, tokenizer)
    yield Read(index, start, items, error, is_last=True)


def read_sources(
    tokenizer: Tokenizer, sources: Sequence[Any], readers: int, *, first: tuple[int, int] = (0, 0)
) -> Iterator[Read]:
    """All sources' samples in order.

    Args:
        tokenizer: Does the reading, in `readers` processes of its own; 0: in this one.
        sources: In the order wanted.
        first: Source and row to begin with.

    Source i is read by process i modulo `readers`, each of which is a few messages ahead of the order at the most: that
    keeps memory bounded however long a source is.
    """
    first_source, first_row = first
    remaining = range(first_source, len(sources))
    if not readers:
        for index in remaining:
            yield from read_source(tokenizer, sources[index], index, first_row if index == first_source else 0)
        return
    streams = []
    for reader in range(min(readers, len(remaining))):
        share = [(i, sources[i], first_row if i == first_source else 0) for i in remaining[reader::readers]]
        messages = DataLoader(
            _Share(tokenizer, share),
            batch_size=None,
            num_workers=1,
            prefetch_factor=MESSAGES_AHEAD,
            collate_fn=_as_it_is,  # type: ignore[arg-type]  # without batching it is given one message
        )
        streams.append(iter(messages))
    for index in remaining:
        for message in streams[(index - first_source) % len(streams)]:
            read = Read(message.source, message.row, _to_tensors(message.items), message.error, message.is_last)
            assert read.source == index
            yield read
            if read.is_last:
                break


class _Share(IterableDataset[Read]):
    """The sources of one reader process."""

    def __init__(self, tokenizer: Tokenizer, share: list[tuple[int, Any, int]]) -> None:
        self.tokenizer = tokenizer
        self.share = share

    def __iter__(self) -> Iterator[Read]:
        for index, source, first_row in self.share:
            for read in read_source(self.tokenizer, source, index, first_row):
                yield Read(read.source, read.row, _to_arrays(read.items), read.error, read.is_last)


def _as_it_is(message: Read) -> Read:
    return message


# arrays cross between processes as bytes; tensors would each take a file descriptor and a piece of shared memory
def _to_arrays(items: list[dict[str, Tensor]]) -> Any:
    return [{name: tensor.numpy() for name, tensor in item.items()} for item in items]


def _to_tensors(items: Any) -> list[dict[str, Tensor]]:
    return [{name: torch.from_numpy(array) for name, array in item.items()} for item in items]

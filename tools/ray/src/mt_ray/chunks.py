"""Sources in chunks, and the batches of each: what is sent to readers, to encoders, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mt_core.contract import Tokenizer
from mt_core.data.batches import SampleBatch, SampleRef, gather
from mt_core.data.sources import read_sources

BATCHES_A_CHUNK = 4


@dataclass(frozen=True)
class Chunk:
    """Consecutive sources, read by one reader.

    Attributes:
        number: Of the chunk, from 0.
        begin: Index of the first source among all.
        first_row: Row of that source to begin with.
        sources: Paths or URLs.
    """

    number: int
    begin: int
    first_row: int
    sources: Sequence[str]


@dataclass(frozen=True)
class Piece:
    """A batch of a chunk.

    Attributes:
        chunk: Its number.
        turn: Of the batch within the chunk, from 0.
        is_last: Whether the chunk ends with it.
        batch: Its places count the sources among all.
    """

    chunk: int
    turn: int
    is_last: bool
    batch: SampleBatch


def chunks_of(sources: Sequence[str], first: tuple[int, int], batch_size: int) -> list[Chunk]:
    """All sources from a place on. Of sources with one sample each, batches are those of one machine."""
    begin, first_row = first
    size = batch_size * BATCHES_A_CHUNK
    starts = range(begin, len(sources), size)
    return [
        Chunk(number, at, first_row if at == begin else 0, sources[at : at + size]) for number, at in enumerate(starts)
    ]


def read_chunk(tokenizer: Tokenizer, chunk: Chunk, batch_size: int, reading: Mapping[str, Any]) -> Iterator[Piece]:
    """The batches of a chunk; at least one, which may be empty.

    Args:
        reading: How `read_sources` reads.
    """
    reads = read_sources(tokenizer, chunk.sources, first=(0, chunk.first_row), **reading)
    waiting: SampleBatch | None = None
    turn = 0
    for batch in gather(reads, batch_size):
        if waiting is not None:
            yield Piece(chunk.number, turn, False, _among_all(waiting, chunk.begin))
            turn += 1
        waiting = batch
    last = _among_all(waiting or SampleBatch(), chunk.begin)
    last.next = (chunk.begin + len(chunk.sources), 0)
    yield Piece(chunk.number, turn, True, last)


def _among_all(batch: SampleBatch, begin: int) -> SampleBatch:
    """A batch whose sources are counted among those of all chunks."""
    return replace(
        batch,
        places=[SampleRef(begin + place.source, place.row) for place in batch.places],
        failed=[(begin + source, error) for source, error in batch.failed],
        notices=[(begin + source, notice) for source, notice in batch.notices],
        next=(begin + batch.next[0], batch.next[1]),
    )

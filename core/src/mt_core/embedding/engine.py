"""What computes the vectors of many sources: this process and its workers, or an engine of another distribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mt_core.data.batches import SampleBatch, gather
from mt_core.data.pooled_vectors import PooledVectors, VectorsFrom, vector_width
from mt_core.data.precision import Precision
from mt_core.data.sources import read_sources
from mt_core.embedding.concurrent import map_ordered, num_parallel_batches
from mt_core.model import MetaTransformer


@dataclass(frozen=True)
class Encoding:
    """What is to be embedded, and how.

    Attributes:
        model: Calibrated.
        sources: Paths or URLs, in the order wanted.
        first: Source and row to begin with.
        pool: What makes a vector of features.
        batch_size: Samples encoded at a time.
        precision: As `resolve_precision` gave it.
        reading: How `read_sources` reads: `num_workers`, `seconds_a_sample` and `strict`.
    """

    model: MetaTransformer
    sources: Sequence[str]
    first: tuple[int, int]
    pool: VectorsFrom
    batch_size: int
    precision: Precision
    reading: Mapping[str, Any]


class Engine(Protocol):
    """Embeds somewhere else. Whoever asked writes what it gives, and goes on behind it after an interruption."""

    def encode(self, work: Encoding) -> Iterator[tuple[SampleBatch, np.ndarray]]:
        """Batches in the order of the sources and of their rows, each once, with their (n, width) float32 vectors.

        The `items` of a batch are not needed any more. Its `next` is where to go on behind it; a batch may be empty.
        The iterator is closed when the work ends early.

        Raises:
            MtError: the work cannot go on.
        """
        ...


class Here:
    """The engine of this process: worker processes read, and threads encode."""

    def encode(self, work: Encoding) -> Iterator[tuple[SampleBatch, np.ndarray]]:
        """See `Engine.encode`."""
        width = vector_width(work.model, work.pool)

        def vectors_of(batch: SampleBatch) -> np.ndarray:
            return pooled.of(batch.items) if batch.items else np.zeros((0, width), np.float32)

        reads = read_sources(work.model.tokenizer, work.sources, first=work.first, **work.reading)
        with PooledVectors(work.model, work.pool, work.precision) as pooled:
            lanes = num_parallel_batches(work.model)
            yield from map_ordered(vectors_of, gather(reads, work.batch_size), lanes)

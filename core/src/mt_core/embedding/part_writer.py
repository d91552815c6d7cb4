"""Sources to vectors, written part by part."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from mt_core.contract import Pool, pooled_width
from mt_core.data.batches import SampleBatch, gather
from mt_core.data.pooled_vectors import PooledVectors
from mt_core.data.precision import Precision
from mt_core.data.sources import read_sources
from mt_core.embedding.concurrent import map_ordered, num_parallel_batches
from mt_core.embedding.parts import Parts
from mt_core.io.names import path_of_text
from mt_core.io.notices import Notices
from mt_core.io.progress import Progress
from mt_core.model import MetaTransformer

ROWS_A_PART = 4096
SECONDS_A_PART = 5.0


def encode_to_parts(
    model: MetaTransformer,
    parts: Parts,
    first: tuple[int, int],
    pool: Pool,
    batch_size: int,
    precision: Precision,
    show_progress: bool,
    reading: Mapping[str, Any],
) -> None:
    """Read, encode and write the sources of the parts, from the first place on.

    Args:
        first: Source and row.
        reading: How `read_sources` reads.
    """
    pending = _Pending(parts)
    sources = [path_of_text(source) for source in parts.sources]
    width = pooled_width(model.encoder.feature_width, pool)
    pooled = PooledVectors(model, pool, precision)

    def vectors_of(batch: SampleBatch) -> np.ndarray:
        return pooled.of(batch.items) if batch.items else np.zeros((0, width), np.float32)

    left = len(sources) - first[0]
    reads = read_sources(model.tokenizer, sources, first=first, **reading)
    try:
        with pooled, Progress("embedding", None, unit="samples", enabled=show_progress) as shown:
            for batch, vectors in map_ordered(vectors_of, gather(reads, batch_size), num_parallel_batches(model)):
                pending.add(batch, vectors)
                done = batch.next[0] - first[0]
                total = round((shown.done + len(batch.places)) * left / done) if done else None
                shown.advance(len(batch.places), total)
                if pending.is_due():
                    pending.flush()
        pending.flush()
    except KeyboardInterrupt:
        pending.flush()
        raise KeyboardInterrupt("stopped; the same command goes on where it was") from None


class _Pending:
    """Batches that are encoded and not written yet."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._clear()

    def _clear(self) -> None:
        self.batches: list[tuple[SampleBatch, np.ndarray]] = []
        self.since = time.monotonic()

    def add(self, batch: SampleBatch, vectors: np.ndarray) -> None:
        """A batch and its vectors; it is taken whole or, when interrupted, not at all."""
        batch.items.clear()
        self.batches.append((batch, vectors))

    def is_due(self) -> bool:
        num_rows = sum(len(batch.places) for batch, _ in self.batches)
        return num_rows >= ROWS_A_PART or time.monotonic() - self.since >= SECONDS_A_PART

    def flush(self) -> None:
        if self.batches:
            places = [(place.source, place.row) for batch, _ in self.batches for place in batch.places]
            failed = [
                {"source": self.parts.sources[source], "problem": error.problem, "fix": error.fix}
                for batch, _ in self.batches
                for source, error in batch.failed
            ]
            self.parts.add(
                places,
                np.concatenate([vectors for _, vectors in self.batches]),
                failed,
                list(Notices(notice for batch, _ in self.batches for _, notice in batch.notices)),
                self.batches[-1][0].next,
            )
        self._clear()

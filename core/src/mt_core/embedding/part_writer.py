"""Sources to vectors, written part by part."""

from __future__ import annotations

import contextlib
import time

import numpy as np

from mt_core.data.batches import SampleBatch
from mt_core.embedding.engine import Encoding, Engine
from mt_core.embedding.parts import Parts
from mt_core.io.notices import Notices
from mt_core.io.progress import Progress

ROWS_A_PART = 4096
SECONDS_A_PART = 5.0


def encode_to_parts(work: Encoding, parts: Parts, engine: Engine, show_progress: bool) -> None:
    """Encode the sources of the parts, from the first place on, and write what comes, part by part."""
    pending = _Pending(parts)
    left = len(work.sources) - work.first[0]
    try:
        with (
            Progress("embedding", None, unit="samples", enabled=show_progress) as shown,
            contextlib.closing(engine.encode(work)) as encoded,  # type: ignore[type-var]
        ):
            for batch, vectors in encoded:
                pending.add(batch, vectors)
                done = batch.next[0] - work.first[0]
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

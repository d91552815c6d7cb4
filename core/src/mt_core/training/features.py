"""Vectors of all samples, for what is trained on them alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import ModalityDataset, Pool
from mt_core.data.loader import Batch, Loader
from mt_core.data.pooled_vectors import PooledVectors
from mt_core.data.precision import Precision
from mt_core.data.reading import skipped
from mt_core.data.samplers import SeededOrder
from mt_core.errors import InputError, MtError
from mt_core.io.notices import relay
from mt_core.io.progress import progress
from mt_core.model import MetaTransformer


def pooled_features(
    model: MetaTransformer,
    dataset: ModalityDataset,
    pool: Pool,
    *,
    precision: Precision,
    skip_unreadable: bool,
    show_progress: bool,
    failed: list[MtError],
    until: float | None = None,
    parts: int = 1,
    changed: Callable[[Mapping[str, Tensor]], dict[str, Tensor] | None] | None = None,
    **reading: Any,
) -> tuple[Tensor, Tensor]:
    """(n, P) vectors and (n, …) stacked targets of all samples that can be read, in order.

    Args:
        failed: The errors of the samples that are skipped are added here.
        parts: See `Features.pool`.
        changed: What each prepared sample becomes before it is encoded; None for one that is left out,
            and where all are there are no vectors.
        until: When to stop with the batches so far, as `time.monotonic` tells it; the first batch is always read.
        reading: How the `Loader` reads.
    """
    vectors: list[Tensor] = []
    targets: list[Any] = []
    with (
        Loader(dataset, model.tokenizer, **reading) as batches,
        PooledVectors(model, pool, precision, parts=parts) as pooled,
    ):
        for read, errors in progress(batches.items(), "features", total=len(batches), enabled=show_progress):
            if errors and not skip_unreadable:
                raise errors[0]
            failed += errors
            relay([skipped(error) for error in errors])
            if changed is not None:
                read = [(item, target) for each, target in read if (item := changed(each)) is not None]
            if read:
                vectors.append(torch.from_numpy(pooled.of([item for item, _ in read])))
                targets += [target for _, target in read]
            if until is not None and vectors and time.monotonic() > until:
                break
    if not vectors and changed is not None:
        return torch.empty(0), dataset.task.stack([])
    if not vectors:
        raise InputError(f"{dataset.source}: none of its samples can be read", fix=failed[-1].fix)
    return torch.cat(vectors), dataset.task.stack(targets)


class VectorLoader:
    """Batches of vectors: in order, or with `train_seed` shuffled by it and by the epoch."""

    def __init__(self, vectors: Tensor, targets: Tensor, *, batch_size: int, train_seed: int | None = None) -> None:
        self.vectors, self.targets, self.batch_size = vectors, targets, batch_size
        self._order = SeededOrder(len(vectors), train_seed) if train_seed is not None else None

    def __len__(self) -> int:
        return -(-len(self.vectors) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch(0)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch."""
        order = self._order.positions(epoch) if self._order is not None else range(len(self.vectors))
        for positions in torch.tensor(order).split(self.batch_size):  # type: ignore[no-untyped-call]
            yield Batch(inputs={"pooled": self.vectors[positions]}, target=self.targets[positions], failed=[])

    def close(self) -> None:
        """Nothing is open."""

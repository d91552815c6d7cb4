"""Vectors and predictions of a few sources, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from mt_core import hooks
from mt_core.contract import Features, Pool, name_of
from mt_core.data.batches import SampleRef, encoding, ensure_calibrated, features_of, gather
from mt_core.data.precision import Precision
from mt_core.data.workers import read_sources
from mt_core.errors import MtError
from mt_core.hooks import session
from mt_core.model import MetaTransformer


def embed_in_memory(
    model: MetaTransformer, sources: Sequence[Any], *, pool: Pool = "mean", batch_size: int = 32
) -> np.ndarray:
    """(rows, width) float32 vectors; see `MetaTransformer.embed`."""
    ensure_calibrated(model, sources)
    with session(model.modality, "embed"):
        vectors = [features.pool(pool).float().cpu() for features, _ in _encoded(model, sources, batch_size, "32")]
    if not vectors:
        return np.zeros((0, model.encoder.width), dtype=np.float32)
    stacked: np.ndarray = torch.cat(vectors).numpy()
    return stacked


def predict_in_memory(
    model: MetaTransformer, sources: Sequence[Any], *, batch_size: int = 32, precision: Precision = "32"
) -> list[dict[str, Any]]:
    """One record a sample; see `MetaTransformer.predict`."""
    with session(model.modality, "predict"):
        return list(predictions(model, sources, batch_size=batch_size, precision=precision))


def predictions(
    model: MetaTransformer,
    sources: Sequence[Any],
    *,
    batch_size: int = 32,
    precision: Precision = "32",
    on_error: Callable[[MtError], object] | None = None,
) -> Iterator[dict[str, Any]]:
    """One record a sample, as they come: `source`, `row` and what the head's `decode` gives.

    Args:
        on_error: Is told of each source that cannot be read, and the work goes on; None: the first one ends it.

    Raises:
        MtError: a source that cannot be read, after the records of those before it.
    """
    head = model.require_head()
    for features, places in _encoded(model, sources, batch_size, precision, on_error):
        with encoding(model, precision):
            output = hooks.call("mt_predict", modality=model.modality, head=head, features=features)
        with torch.inference_mode():
            said = head.decode(output)
        for place, decoded in zip(places, said, strict=True):
            yield {"source": name_of(sources[place.source]), "row": place.row, **decoded}


def _encoded(
    model: MetaTransformer,
    sources: Sequence[Any],
    batch_size: int,
    precision: Precision,
    on_error: Callable[[MtError], object] | None = None,
) -> Iterator[tuple[Features, list[SampleRef]]]:
    for batch in gather(read_sources(model.tokenizer, sources, num_workers=0), batch_size):
        if batch.items:
            with encoding(model, precision):
                features = features_of(model, batch.items)
            yield features, batch.places
        for _, error in batch.failed:
            if on_error is None:
                raise error
            on_error(error)

"""Vectors and predictions of a few sources, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Features, Pool, Segmentation, name_of
from mt_core.data.backed_model import with_precision
from mt_core.data.batches import SampleRef, encoding, ensure_calibrated, features_of, gather
from mt_core.data.inputs import as_sources
from mt_core.data.pooled_vectors import vector_width, vectors_from
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.sources import read_sources
from mt_core.data.workers import SECONDS_A_SAMPLE
from mt_core.embedding.contributions import contributions_of
from mt_core.embedding.pooling import for_vectors
from mt_core.errors import MtError, OptionError
from mt_core.hooks import session
from mt_core.io.notices import Notices, collecting, relay
from mt_core.io.progress import Progress, progress
from mt_core.model import MetaTransformer
from mt_core.sdk.steps.segments import joined_segments, step_answers

_Encoded = tuple[Features, list[SampleRef], list[dict[str, Tensor]]]


def embed_in_memory(
    model: MetaTransformer,
    given: Any,
    *,
    pool: Pool | None = None,
    batch_size: int = 32,
    num_workers: int = 0,
    precision: Precision = "32",
    strict: bool = False,
    show_progress: bool = False,
) -> np.ndarray:
    """(rows, width) float32 vectors; see `mt_core.embed`."""
    notices = Notices()
    with session(model.modality, "embed"), collecting(notices):
        sources = _sources(model, given, strict)
        ensure_calibrated(model, sources, num_workers)
        model, made_by = for_vectors(model, pool)
        precision = resolve_precision(model.encoder, precision)
        model = with_precision(model, precision)
        encoded = _encoded(model, sources, batch_size, precision, num_workers, strict=strict)
        vectors = []
        with Progress("embedding", None, unit="samples", enabled=show_progress) as shown:
            for features, places, _ in encoded:
                with encoding(model, precision):
                    vectors.append(vectors_from(model, features, made_by).cpu())
                shown.advance(len(places))
    relay(list(notices))
    if not vectors:
        return np.zeros((0, vector_width(model, made_by)), dtype=np.float32)
    stacked: np.ndarray = torch.cat(vectors).numpy()
    return stacked


def predict_in_memory(
    model: MetaTransformer,
    given: Any,
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    precision: Precision = "32",
    strict: bool = False,
    each: bool = False,
    show_progress: bool = False,
) -> list[dict[str, Any]]:
    """One record a sample; see `mt_core.predict`."""
    notices = Notices()
    with session(model.modality, "predict"), collecting(notices):
        sources = _sources(model, given, strict)
        how: dict[str, Any] = {"num_workers": num_workers, "precision": precision, "strict": strict, "each": each}
        found = predictions(model, sources, batch_size=batch_size, **how)
        records = list(progress(found, "predicting", unit="records", enabled=show_progress))
    relay(list(notices))
    return records


def _sources(model: MetaTransformer, given: Any, strict: bool) -> list[Any]:
    passed_over = Notices(strict=strict)
    with collecting(passed_over):
        sources = as_sources(model, given)
    passed_over.check()
    relay(list(passed_over))
    return sources


def predictions(
    model: MetaTransformer,
    sources: Sequence[Any],
    *,
    batch_size: int = 32,
    num_workers: int = 0,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    precision: Precision = "32",
    on_error: Callable[[MtError], object] | None = None,
    strict: bool = False,
    each: bool = False,
) -> Iterator[dict[str, Any]]:
    """One record a sample, as they come: `source`, `row`, what the head's `decode` gives, and of items that
    have several inputs `inputs`, those that a sample has. Where steps of recordings have classes, one record a
    recording; see `mt_core.sdk.steps.segments.joined_segments`.

    Args:
        num_workers: Worker processes that read; 0: this process reads.
        seconds_a_sample: How long the reading of one sample may take, with workers.
        on_error: Called with the error of each source that cannot be read, and the work goes on; None: the first one
            ends it.
        strict: Whether what was left out of a source or reinterpreted is an error.
        each: Of items that have several inputs also `contributions`; see `contributions_of`.

    Raises:
        OptionError: `each` of samples that have no several inputs.
        MtError: a source that cannot be read, after the records of those before it.
    """
    head = model.require_head()
    if each and len(model.tokenizer.inputs) < 2:
        raise OptionError(
            f"samples of {model.modality} have no several inputs", fix="leave --each out; it is for items"
        )
    precision = resolve_precision(model.encoder, precision)
    model = with_precision(model, precision)
    batch_size = min(batch_size, head.samples_at_once or batch_size)
    encoded = _encoded(model, sources, batch_size, precision, num_workers, seconds_a_sample, on_error, strict)
    records = _records(model, sources, encoded, precision, each)
    yield from _joined(model, records)


def _records(
    model: MetaTransformer, sources: Sequence[Any], encoded: Iterable[_Encoded], precision: Precision, each: bool
) -> Iterator[dict[str, Any]]:
    """One record a sample; of windows whose steps have classes with `of`, the number of their source."""
    for features, places, items in encoded:
        answers = answers_of(model, features, items, precision)
        if each:
            with encoding(model, precision):
                shares = contributions_of(model, items, answers)
            answers = [{**answer, "contributions": share} for answer, share in zip(answers, shares, strict=True)]
        for place, answer in zip(places, answers, strict=True):
            yield _record(name_of(sources[place.source]), place.row, answer, place.source)


def answers_of(
    model: MetaTransformer, features: Features, items: Sequence[dict[str, Tensor]], precision: Precision
) -> list[dict[str, Any]]:
    """What the head's `decode` gives of each sample, and of items that have several inputs `inputs`, those that a
    sample has; of a window whose steps have classes a `StepAnswer`, as `steps`. `records_of` makes records of them.

    Args:
        features: Of the samples, from this model.
        items: The samples, prepared.
        precision: As `resolve_precision` gave it.
    """
    head = model.require_head()
    with encoding(model, precision):
        output = hooks.call("mt_predict", modality=model.modality, head=head, features=features)
    with torch.inference_mode():
        if model.tokenizer.labels_steps and isinstance(head.task, Segmentation):
            return [{"steps": answer} for answer in step_answers(output, items)]
        answers = head.decode(output)
    if not model.tokenizer.inputs:
        return answers
    return [
        {**answer, "inputs": list(model.tokenizer.inputs_in(item))} for answer, item in zip(answers, items, strict=True)
    ]


def records_of(
    model: MetaTransformer, places: Iterable[tuple[str, int]], answers: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Records as `predictions` gives them: one a sample, with `source` and `row`; where steps of recordings have
    classes, one a recording.

    Args:
        places: Of each sample the name of its source, which no other source has, and its row there, in order.
        answers: As `answers_of` gave them.
    """
    placed = zip(places, answers, strict=True)
    return list(_joined(model, (_record(source, row, answer, source) for (source, row), answer in placed)))


def _record(source: str, row: int, answer: Mapping[str, Any], of: int | str) -> dict[str, Any]:
    """An answer with its place; of a window whose steps have classes with `of`, which tells recordings apart."""
    return {"source": source, "row": row, **answer, **({"of": of} if "steps" in answer else {})}


def _joined(model: MetaTransformer, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records; of windows whose steps have classes, one a recording."""
    task = model.require_head().task
    if model.tokenizer.labels_steps and isinstance(task, Segmentation):
        return joined_segments(records, task)
    return records


def _encoded(
    model: MetaTransformer,
    sources: Sequence[Any],
    batch_size: int,
    precision: Precision,
    num_workers: int,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    on_error: Callable[[MtError], object] | None = None,
    strict: bool = False,
) -> Iterator[_Encoded]:
    reads = read_sources(model.tokenizer, sources, num_workers, seconds_a_sample=seconds_a_sample, strict=strict)
    for batch in gather(reads, batch_size):
        relay([notice for _, notice in batch.notices])
        if batch.items:
            with encoding(model, precision):
                features = features_of(model, batch.items)
            yield features, batch.places, batch.items
        for _, error in batch.failed:
            if on_error is None:
                raise error
            on_error(error)

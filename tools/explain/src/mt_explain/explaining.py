"""Explaining the predictions of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import name_of
from mt_core.data.reading import as_input_error, with_source
from mt_core.data.sources import raw_samples
from mt_core.errors import MtError
from mt_core.io.notices import relay
from mt_core.model import MetaTransformer
from mt_explain.explanation import Explanation, Part
from mt_explain.faithfulness import Faithfulness, faithfulness_of
from mt_explain.methods import DEFAULT_METHOD, METHODS, resolved
from mt_explain.names import UNSIGNED
from mt_explain.one_sample import OneSample, explaining
from mt_explain.target import Target, target_of

Sample = tuple[str, int, Any, Mapping[str, Tensor]]
"""Its source, its row there, what `read` gave and what `prepare` made of it."""


def explain(
    model: MetaTransformer,
    sources: Sequence[Any],
    *,
    method: str = DEFAULT_METHOD,
    target: str | None = None,
    max_samples: int | None = None,
    on_error: Callable[[MtError], object] | None = None,
) -> Iterator[Explanation]:
    """What the predictions of samples rest on, one after the other.

    Args:
        model: From `load_run`, or trained by `fit`.
        sources: What the tokenizer reads.
        method: One of `METHODS`.
        target: A class, label, quantity or channel; None: the predicted class, the likeliest label, the quantity, or
            the prediction as a whole.
        max_samples: Further samples are not read.
        on_error: Called with the error of each source that cannot be read, and the work goes on; None: the first one
            ends it.

    Raises:
        OptionError: a model without a head, or a target that the task has not.
        ExplainError: a method that does not fit the encoder.
        MtError: a source that cannot be read.
    """
    model.require_head()
    for source, row, sample, item in islice(samples_of(model, sources, on_error), max_samples):
        with explaining(model):
            yield explain_one(OneSample(model, sample, item), method, target, source=source, row=row)


def explain_one(
    sample: OneSample, method: str = DEFAULT_METHOD, name: str | None = None, *, source: str = "", row: int = 0
) -> Explanation:
    """What the prediction of one sample rests on; to be called within `explaining`."""
    target, method = chosen_target(sample, name), resolved(method, sample)
    attributions = METHODS[method](sample, target).detach().double().cpu()
    sizes = attributions.abs()
    shares = sizes / sizes.sum() if sizes.sum() > 0 else torch.full_like(sizes, 1 / max(1, len(sizes)))
    with torch.no_grad():
        decoded = sample.head.decode(sample.output)[0]
        value = None if target.unit.startswith("share") else float(_shown(target)(sample.output)[0])
    return Explanation(
        source=source,
        row=row,
        decoded=decoded,
        prediction=sample.head.format_prediction(decoded),
        target=target.name,
        value=value,
        method=method,
        unit="" if method in UNSIGNED else target.unit,
        is_signed=method not in UNSIGNED,
        what=sample.found.what,
        parts=tuple(
            Part(region, attribution, share)
            for region, attribution, share in zip(
                sample.parts.regions, attributions.tolist(), shares.tolist(), strict=True
            )
        ),
        panels=sample.found.panels,
    )


def measure_one(
    sample: OneSample, explanation: Explanation, name: str | None = None, *, seed: int = 0
) -> Faithfulness | None:
    """How faithful an explanation is to the prediction; None of a sample of fewer than three parts. To be called within
    `explaining`.

    Args:
        explanation: What `explain_one` gave for the sample and the same name.
    """
    if len(sample.parts) < 3:
        return None
    attributions = torch.tensor([part.attribution for part in explanation.parts], dtype=torch.float64)
    return faithfulness_of(sample, chosen_target(sample, name), attributions, seed=seed)


def chosen_target(sample: OneSample, name: str | None) -> Target:
    """The target of a sample, its prediction held against that for its mean token."""
    with torch.no_grad():
        nothing = sample.computed(sample.mean_token[None])
    return target_of(sample.head, sample.output, nothing, name)


def samples_of(
    model: MetaTransformer, sources: Sequence[Any], on_error: Callable[[MtError], object] | None = None
) -> Iterator[Sample]:
    """The samples of sources, read and prepared one at a time.

    Raises:
        MtError: one that cannot be read, where nobody is to be called with it.
    """
    for read in raw_samples(model.tokenizer, sources, 0):
        relay(read.notices)
        error = read.error
        for offset, sample in enumerate(read.items):
            source = sources[read.source]
            try:
                item = model.tokenizer.prepare(sample)
            except MtError as refused:
                _report(with_source(refused, source), on_error)
            except Exception as failed:
                _report(as_input_error(failed, source, model.tokenizer), on_error)
            else:
                yield name_of(source), read.row + offset, sample, item
        if error is not None:
            _report(error, on_error)


def _report(error: MtError, on_error: Callable[[MtError], object] | None) -> None:
    if on_error is None:
        raise error
    on_error(error)


def _shown(target: Target) -> Callable[[Tensor], Tensor]:
    """What people read of a target: its probability or its number."""
    return target.value if target.unit == "log-odds" else target.score

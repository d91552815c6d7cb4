"""Whether an exported file computes what its model does, sample for sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import Features, Head
from mt_core.heads import DetectionHead
from mt_core.io.counted import counted
from mt_core.model import MetaTransformer
from mt_core.training.metrics import Meter
from mt_export.answers import CANDIDATES, SCORES, Output, difference
from mt_export.errors import ExportError
from mt_export.objects import find_objects
from mt_export.signature import Signature

TOLERANCE = 1e-4
"""How far an output may be from the model's own; numbers with a unit count in standard deviations of the targets."""

_BATCH = 32

Exported = Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]]
"""A file that runs: the inputs in their order, to the outputs in theirs."""


@dataclass(frozen=True)
class Parity:
    """An exported file beside its model, on the same samples.

    Attributes:
        samples: How many.
        max_error: The largest difference of any output; see `TOLERANCE`.
        errors: Of each output.
        same_decisions: Samples with the same prediction; None where predictions are numbers.
        metrics: Of the model and of the file, where the samples have targets; {} else.
    """

    samples: int
    max_error: float
    errors: Mapping[str, float]
    same_decisions: int | None
    metrics: Mapping[str, Mapping[str, float]]

    def lines(self) -> Iterator[str]:
        """For people."""
        decisions = "" if self.same_decisions is None else f", same decision for {self.same_decisions:,}"
        yield f"{counted(self.samples, 'sample')}: largest difference {self.max_error:.1e}{decisions}"


def compare(
    model: MetaTransformer,
    exported: Exported,
    signature: Signature,
    outputs: Sequence[Output],
    samples: Sequence[tuple[Mapping[str, Tensor], Any]],
) -> Parity:
    """Run both on the samples: on the first alone, on two, then on 32 at a time, so that extents vary; where a head is
    `sized_by` something, on samples of one size at a time.

    Args:
        samples: Prepared, each with its target.

    Raises:
        ExportError: the file does not run on a batch.
    """
    errors = dict.fromkeys((output.name for output in outputs), 0.0)
    meters = _meters(model, samples)
    same = 0
    for batch in _batches(samples, model.head):
        inputs = model.tokenizer.collate([item for item, _ in batch])
        expected = _run(model, inputs, outputs)
        try:
            with torch.no_grad():
                computed = exported(signature.complete(inputs))
        except Exception as error:  # whatever the runtime raises
            said = str(error).strip().partition("\n")[0]
            raise ExportError(
                f"the exported file does not run on a batch of {len(batch)} samples: {said[:300]}",
                fix="report this, with the run's modality and options, to the maintainers of mt-export",
            ) from error
        for output, mine, its in zip(outputs, expected, computed, strict=True):
            errors[output.name] = max(errors[output.name], difference(output, mine, its))
        same += _same_decisions(model, expected[0], dict(zip((each.name for each in outputs), computed, strict=True)))
        if meters:
            target = model.require_head().task.stack([target for _, target in batch])
            for meter, scores in zip(meters.values(), (expected[0], computed[0]), strict=True):
                meter.update(scores, target)
    has_decisions = model.head is not None and model.head.task.kind in _DECIDING
    return Parity(
        samples=len(samples),
        max_error=max(errors.values()),
        errors=errors,
        same_decisions=same if has_decisions else None,
        metrics={name: meter.compute() for name, meter in meters.items()},
    )


_DECIDING = ("classification", "multilabel", "segmentation", "detection", "retrieval")


def _same_decisions(model: MetaTransformer, expected: Tensor, computed: Mapping[str, Tensor]) -> int:
    head = model.head
    if head is None or head.task.kind not in _DECIDING:
        return 0
    if isinstance(head, DetectionHead):
        found = (
            find_objects(*(computed[name][row].numpy() for name in CANDIDATES), **head.selection())
            for row in range(len(expected))
        )
        return sum(
            _same_objects(mine.numpy(), its, apart=TOLERANCE * float(expected[row, 0, -2:].max()))
            for row, (mine, its) in enumerate(zip(head.found(expected), found, strict=True))
        )
    pairs = zip(head.decode(expected), head.decode(computed[SCORES]), strict=True)
    return sum(mine["prediction"] == its["prediction"] for mine, its in pairs)


def _same_objects(mine_D6: NDArray[Any], its: tuple[NDArray[Any], ...], apart: float) -> bool:
    """Whether each object of the one is found in the other as well, wherever it stands in the order: of the same class,
    its box at most `apart` pixels away."""
    boxes_D4, scores_D, classes_D = its
    if len(mine_D6) != len(boxes_D4):
        return False
    is_near_DD = (abs(mine_D6[:, None, :4] - boxes_D4) <= apart).all(-1)
    is_near_DD &= abs(mine_D6[:, None, 4] - scores_D) <= TOLERANCE
    is_near_DD &= mine_D6[:, None, 5] == classes_D
    return bool(is_near_DD.any(0).all() and is_near_DD.any(1).all())


def _run(model: MetaTransformer, inputs: Mapping[str, Tensor], outputs: Sequence[Output]) -> tuple[Tensor, ...]:
    """What the model itself gives, as prediction and embedding compute it."""
    with torch.no_grad():
        features: Features = model.encode(inputs)
        scores = model.require_head()(features) if model.head is not None else None
        return tuple(output.compute(features, scores) for output in outputs)


def _meters(model: MetaTransformer, samples: Sequence[tuple[Mapping[str, Tensor], Any]]) -> dict[str, Meter]:
    head = model.head
    if head is None or head.task.kind == "alignment" or all(target is None for _, target in samples):
        return {}
    return {name: Meter(model, head) for name in ("model", "file")}


def _batches(
    samples: Sequence[tuple[Mapping[str, Tensor], Any]], head: Head | None
) -> Iterator[Sequence[tuple[Mapping[str, Tensor], Any]]]:
    of_sizes: dict[Any, list[tuple[Mapping[str, Tensor], Any]]] = {}
    for item, target in samples:
        size = tuple(tuple(item[name].tolist()) for name in (head.sized_by if head is not None else ()))
        of_sizes.setdefault(size, []).append((item, target))
    most = min(_BATCH, (head.samples_at_once if head is not None else None) or _BATCH)
    for alike in of_sizes.values():
        first, count = 0, 1
        while first < len(alike):
            yield alike[first : first + count]
            first, count = first + count, min(most, 2) if count == 1 else most

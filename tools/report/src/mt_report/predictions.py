"""What a run predicts for a part of the data, in one pass.  B samples of a batch, N of all, O outputs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core import hooks
from mt_core.contract import Detection, Forecasting, Head, ModalityDataset, Segmentation, name_of
from mt_core.data.backed_model import with_precision
from mt_core.data.loader import Loader
from mt_core.data.pooled_vectors import PooledVectors
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.errors import InputError, MtError
from mt_core.heads.pooled import parts_of, reads_pooled
from mt_core.io.notices import Notices, collecting
from mt_core.io.progress import progress
from mt_core.model import MetaTransformer
from mt_core.training import Recipe
from mt_core.training.metrics import Meter
from mt_report.boxes import FoundObjects
from mt_report.dense import DenseCounts
from mt_report.part import Part
from mt_report.run_facts import RunFacts
from mt_report.statistics import evenly

MOST_VECTORS = 1500
"""Vectors that are kept for the map, evenly spread over the samples."""

_MOST_FORECAST = 20_000_000
"""Numbers in forecasts that are kept; of more, those of evenly spread windows."""


@dataclass
class Predictions:
    """Outputs and targets of the samples that could be read, in their order.

    Attributes:
        metrics: As `mt_core.evaluate` gives them, over all samples.
        outputs: (N, O), or more axes; empty of a segmentation and of a detection, whose counts are in `dense`.
        targets: As the task stacks them; empty likewise.
        positions: (N,) the places of the rows of `outputs` in the dataset; -1 where it is not known.
        vectors: (M, D) of some samples.
        vector_positions: (M,) their places in the dataset.
        dense: Of a segmentation or a detection.
        failed: The errors of the samples that could not be read.
        seconds: How long the pass took.
    """

    metrics: dict[str, float]
    outputs: Tensor
    targets: Tensor
    positions: NDArray[np.int64]
    vectors: NDArray[np.float32]
    vector_positions: NDArray[np.int64]
    dense: DenseCounts | FoundObjects | None
    failed: list[MtError]
    seconds: float

    def row_of(self) -> dict[int, int]:
        """The row of each place in the dataset."""
        return {int(position): row for row, position in enumerate(self.positions) if position >= 0}


@dataclass
class _Kept:
    outputs: list[Tensor] = field(default_factory=list)
    targets: list[Tensor] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    vector_positions: list[int] = field(default_factory=list)


def predict_as_trained(
    model: MetaTransformer, part: Part, facts: RunFacts, num_workers: int | None, show_progress: bool
) -> Predictions:
    """`predict_part` in the precision, and with the settings of reading, that the run was trained with.

    Args:
        num_workers: None: those of the training.
    """
    recipe = Recipe.parse(facts.record["recipe"])
    return predict_part(
        model,
        part,
        precision=recipe.precision,
        batch_size=max(64, recipe.batch_size),
        num_workers=num_workers if num_workers is not None else recipe.num_workers,
        seconds_a_sample=recipe.seconds_a_sample,
        show_progress=show_progress,
    )


def predict_part(
    model: MetaTransformer,
    part: Part,
    *,
    precision: Precision,
    batch_size: int,
    num_workers: int | None,
    seconds_a_sample: float,
    show_progress: bool = False,
) -> Predictions:
    """One pass over a part; vectors of a fixed tokenizer come from the feature cache, as in `mt_core.evaluate`.

    Args:
        precision: As for `mt_core.evaluate`.

    Raises:
        MtError: a sample that cannot be read, where those are not left out; or none that can.
    """
    started = time.monotonic()
    head, dataset = model.require_head(), part.dataset
    model.eval()
    precision = resolve_precision(model.encoder, precision)
    if head.samples_at_once is not None:
        batch_size = min(batch_size, head.samples_at_once)
    dense = _counts(head)
    of_map = set(evenly(len(dataset), MOST_VECTORS).tolist())
    wanted = _wanted(dataset)
    kept, failed = _Kept(), []
    with (
        collecting(Notices()),  # the training reported them
        hooks.session(model.modality, "evaluate"),
        Loader(
            dataset, model.tokenizer, batch_size=batch_size, num_workers=num_workers, seconds_a_sample=seconds_a_sample
        ) as loader,
        torch.inference_mode(),
    ):
        meter = Meter(model, head)
        computed = _batches(model, loader, precision)
        shown = progress(computed, "predicting", total=len(loader), unit="batches", enabled=show_progress)
        for number, (output, target, vectors, errors) in enumerate(shown):
            if errors and not part.skips_unreadable:
                raise errors[0]
            failed += errors
            if output is None or vectors is None:
                continue
            first = number * batch_size
            positions = _positions(dataset, range(first, min(first + batch_size, len(dataset))), errors)
            meter.update(output, target.to(model.device))
            output = output.float().cpu()
            rows = [row for row, position in enumerate(positions) if position in of_map]
            kept.vectors.append(vectors[rows])
            kept.vector_positions += [positions[row] for row in rows]
            if dense is not None:
                dense.add(output, target, positions)
            else:
                rows = [row for row, position in enumerate(positions) if wanted is None or position in wanted]
                kept.outputs.append(output[rows])
                kept.targets.append(target[rows])
                kept.positions += [positions[row] for row in rows]
    if len(failed) == len(dataset):
        raise InputError(f"{dataset.source}: none of its samples can be read", fix=failed[-1].fix)
    return Predictions(
        metrics={**meter.compute(), "samples": float(len(dataset) - len(failed))},
        outputs=torch.empty(0) if dense is not None else torch.cat(kept.outputs),
        targets=torch.empty(0) if dense is not None else torch.cat(kept.targets),
        positions=np.array(dense.positions if dense is not None else kept.positions, np.int64),
        vectors=np.concatenate(kept.vectors).astype(np.float32),
        vector_positions=np.array(kept.vector_positions, np.int64),
        dense=dense,
        failed=failed,
        seconds=time.monotonic() - started,
    )


def _counts(head: Head) -> DenseCounts | FoundObjects | None:
    """What is counted in place of keeping what the head gives, where that is much a sample."""
    if isinstance(head.task, Segmentation):
        return DenseCounts(head.task)
    return FoundObjects(head.task, head) if isinstance(head.task, Detection) else None


def _wanted(dataset: ModalityDataset) -> set[int] | None:
    """The places of the samples whose outputs are kept; None: of all."""
    if not isinstance(dataset.task, Forecasting):
        return None
    return set(evenly(len(dataset), max(1, _MOST_FORECAST // dataset.task.num_outputs)).tolist())


def _batches(
    model: MetaTransformer, loader: Loader, precision: Precision
) -> Iterator[tuple[Tensor | None, Tensor, NDArray[np.float32] | None, list[MtError]]]:
    """Of each batch what the head gives, the targets, a vector a sample, and the errors of the others."""
    head: Any = model.require_head()
    stack = loader.dataset.task.stack
    if reads_pooled(head) and not hooks.is_wrapped("mt_predict"):
        with PooledVectors(model, head.options.pool, precision, parts=parts_of(head)) as pooled:
            for items, errors in loader.items():
                target = stack([target for _, target in items])
                if not items:
                    yield None, target, None, errors
                    continue
                vectors = pooled.of([item for item, _ in items])
                with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
                    output = head.from_pooled(torch.from_numpy(vectors).to(model.device))
                yield output, target, vectors, errors
        return
    backed = with_precision(model, precision)
    for batch in loader:
        if not batch["inputs"]:
            yield None, batch["target"], None, batch["failed"]
            continue
        inputs = {name: tensor.to(model.device) for name, tensor in batch["inputs"].items()}
        with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
            features = backed.encode(inputs)
            output = hooks.call("mt_predict", modality=model.modality, head=head, features=features)
        vectors = features.pool("mean").float().cpu().numpy()
        yield output, batch["target"], vectors, batch["failed"]


def _positions(dataset: ModalityDataset, batch: range, errors: Sequence[MtError]) -> list[int]:
    """The places in the dataset of the samples of a batch that could be read; -1 for all where it is not known which
    they are, because the errors name no sample or one of several."""
    if not errors:
        return list(batch)
    failed = {error.source for error in errors}
    named = [position for position in batch if _name(dataset, position) not in failed]
    expected = len(batch) - len(errors)
    return named if len(named) == expected else [-1] * expected


def _name(dataset: ModalityDataset, position: int) -> str:
    try:
        return name_of(dataset[position].sample)
    except MtError as error:
        return error.source

"""How good a model is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

import torch
from torch import Tensor

from mt_core.contract import (
    ModalityDataset,
)
from mt_core.data.backed_model import with_precision
from mt_core.data.cache_folder import cache_limit
from mt_core.data.loader import Loader
from mt_core.data.pooled_vectors import PooledVectors
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.reading import skipped
from mt_core.data.workers import SECONDS_A_SAMPLE
from mt_core.errors import InputError, MtError, OptionError
from mt_core.heads.pooled import parts_of, reads_pooled
from mt_core.hooks import is_wrapped, session
from mt_core.io.notebook import ignore_hints
from mt_core.io.notices import Notices, collecting, relay
from mt_core.io.progress import progress
from mt_core.model import MetaTransformer
from mt_core.training.evaluation_data import open_for_evaluation
from mt_core.training.metrics import Meter
from mt_core.training.outputs import HeadOutputs


class EvaluateOptions(TypedDict, total=False):
    """What `evaluate` takes besides the model and the data; see there."""

    batch_size: int
    num_workers: int | None
    seconds_a_sample: float
    precision: Precision
    skip_unreadable: bool
    data_options: Mapping[str, Any] | None
    strict: bool
    show_progress: bool


def evaluate(
    model: MetaTransformer,
    data: str | Path | ModalityDataset,
    split: str | None = None,
    **options: Unpack[EvaluateOptions],
) -> dict[str, float]:
    """The head's metrics, and its loss, on labelled data.

    Args:
        data: A folder in a layout that the plugin knows, or a dataset.
        split: For a folder; None: "test" where there is one, else what the model has not seen, else "val", else
            everything, with a warning where that was trained on.
        options: How samples are read and measured; as for `mt_core.evaluate`.

    Returns:
        Metrics by name, `loss`, and `samples`, the number of samples measured.

    Raises:
        OptionError: a model without a head, or data of another task than the model's.
        MtError: a sample that cannot be read.
    """
    measured, _ = open_and_measure(model, data, split, **options)
    return measured


def open_and_measure(
    model: MetaTransformer,
    data: str | Path | ModalityDataset,
    split: str | None = None,
    *,
    batch_size: int = 64,
    num_workers: int | None = None,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    precision: Precision = "32",
    skip_unreadable: bool = False,
    data_options: Mapping[str, Any] | None = None,
    strict: bool = False,
    show_progress: bool = False,
    keep: HeadOutputs | None = None,
) -> tuple[dict[str, float], ModalityDataset]:
    """What `evaluate` gives, and the dataset that was measured.

    Args:
        keep: What the head puts out is added here.
    """
    model.require_head()
    precision = resolve_precision(model.encoder, precision)
    if strict and skip_unreadable:
        raise OptionError(
            "strict makes a sample that cannot be read an error, and skip_unreadable leaves it out", fix="choose one"
        )
    if isinstance(data, ModalityDataset) and data_options:
        raise OptionError("data_options are for a folder, and a dataset was given", fix="open the dataset with them")
    source = data.source if isinstance(data, ModalityDataset) else str(data)
    notices = Notices(strict=strict, default=source)
    with collecting(notices):
        if not isinstance(data, ModalityDataset):
            data = open_for_evaluation(model, Path(data), split, data_options)
    notices.check()
    failed: list[MtError] = []
    with collecting(notices):
        measured = measure(
            model,
            data,
            failed,
            precision,
            skip_unreadable,
            show_progress,
            keep=keep,
            batch_size=batch_size,
            num_workers=num_workers,
            seconds_a_sample=seconds_a_sample,
        )
    relay([*notices, *map(skipped, failed)])
    return measured, data


def measure(
    model: MetaTransformer,
    dataset: ModalityDataset,
    failed: list[MtError],
    precision: Precision,
    skip_unreadable: bool,
    show_progress: bool,
    *,
    use_cache: bool = True,
    keep: HeadOutputs | None = None,
    **reading: Any,
) -> dict[str, float]:
    """What `evaluate` gives for a dataset.

    Args:
        failed: The errors of samples that are skipped are added here.
        use_cache: Whether vectors are taken from the feature cache and kept there, where they are all the head reads.
        keep: What the head puts out is added here.
        reading: How the `Loader` reads.
    """
    head = model.require_head()
    if dataset.task.kind != head.task.kind:
        raise OptionError(
            f"the model does {head.task.kind}, the data is for {dataset.task.kind}", fix="evaluate on data of its task"
        )
    ignore_hints()
    was_training = model.training
    model.eval()
    if head.samples_at_once is not None:
        reading["batch_size"] = min(reading["batch_size"], head.samples_at_once)
    num_failed = 0
    use_cache = use_cache and reads_pooled(head) and not is_wrapped("mt_predict") and cache_limit() > 0
    outputs = _cached_outputs if use_cache else _outputs
    # samples are prepared in full precision, whether a worker process does it or this one
    with (
        session(model.modality, "evaluate"),
        Loader(dataset, model.tokenizer, **reading) as loader,
        torch.inference_mode(),
    ):
        meter = Meter(model, head)
        batches = outputs(model, loader, precision)
        shown = progress(batches, "evaluating", total=len(loader), unit="batches", enabled=show_progress)
        for output, target, errors in shown:
            if errors and not skip_unreadable:
                raise errors[0]
            failed += errors
            num_failed += len(errors)
            if output is not None:
                meter.update(output, target.to(model.device))
                if keep is not None:
                    keep.add(output, target)
    model.train(was_training)
    if num_failed == len(dataset):
        raise InputError(f"{dataset.source}: none of its samples can be read", fix=failed[-1].fix)
    return {**meter.compute(), "samples": float(len(dataset) - num_failed)}


Outputs = Iterator[tuple[Tensor | None, Tensor, list[MtError]]]
"""Of each batch what the head gives, None where no sample could be read, the targets, and the errors of the others."""


def _outputs(model: MetaTransformer, loader: Loader, precision: Precision) -> Outputs:
    model = with_precision(model, precision)
    for batch in loader:
        output = None
        if batch["inputs"]:
            inputs = {name: tensor.to(model.device) for name, tensor in batch["inputs"].items()}
            with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
                output = model(inputs)
        yield output, batch["target"], batch["failed"]


def _cached_outputs(model: MetaTransformer, loader: Loader, precision: Precision) -> Outputs:
    head: Any = model.require_head()
    with PooledVectors(model, head.options.pool, precision, parts=parts_of(head)) as pooled:
        for items, errors in loader.items():
            output = None
            if items:
                vectors = torch.from_numpy(pooled.of([item for item, _ in items])).to(model.device)
                with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
                    output = head.from_pooled(vectors)
            yield output, loader.dataset.task.stack([target for _, target in items]), errors

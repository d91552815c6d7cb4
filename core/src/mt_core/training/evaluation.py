"""How good a model is, and how good it would be to know nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import (
    MISSING_CLASS,
    AnyTask,
    Classification,
    Forecasting,
    Head,
    ModalityDataset,
    Multilabel,
    Options,
    Regression,
    Segmentation,
)
from mt_core.data.backed_model import with_precision
from mt_core.data.cache_folder import cache_limit
from mt_core.data.dataset_options import dataset_options
from mt_core.data.loader import Loader
from mt_core.data.pooled_vectors import PooledVectors
from mt_core.data.precision import Precision
from mt_core.data.precision_choice import resolve_precision
from mt_core.data.reading import skipped
from mt_core.data.subsets import Subset
from mt_core.data.workers import SECONDS_A_SAMPLE
from mt_core.errors import InputError, MissingSplitError, MtError, MtWarning, OptionError
from mt_core.heads.pooled import reads_pooled
from mt_core.hooks import is_wrapped, session
from mt_core.io.notices import Notices, collecting, relay
from mt_core.io.progress import progress
from mt_core.model import MetaTransformer
from mt_core.plugins import Plugin, get
from mt_core.training.metrics import Meter, values_of
from mt_core.training.outputs import HeadOutputs
from mt_core.training.seen import indices_seen


def evaluate(
    model: MetaTransformer,
    data: str | Path | ModalityDataset,
    split: str | None = None,
    *,
    batch_size: int = 64,
    num_workers: int | None = None,
    precision: Precision = "32",
    skip_unreadable: bool = False,
    seconds_a_sample: float = SECONDS_A_SAMPLE,
    data_options: Mapping[str, Any] | None = None,
    strict: bool = False,
    show_progress: bool = False,
) -> dict[str, float]:
    """The head's metrics, and its loss, on labelled data.

    Args:
        data: A folder in a layout that the plugin knows, or a dataset.
        split: For a folder; None: "test" where there is one, else what the model has not seen, else "val", else
            everything, with a warning where that was trained on.
        skip_unreadable: Leave out samples that cannot be read, with a warning.
        seconds_a_sample: How long the reading of one sample may take.
        strict: Whether it is an error where something is left out of the data or reinterpreted.

    Returns:
        Metrics by name, `loss`, and `samples`, the number of samples measured.

    Raises:
        OptionError: a model without a head, or data of another task than the model's.
        MtError: a sample that cannot be read.
    """
    measured, _ = open_and_measure(
        model,
        data,
        split,
        data_options,
        strict,
        precision,
        skip_unreadable,
        show_progress,
        None,
        batch_size=batch_size,
        num_workers=num_workers,
        seconds_a_sample=seconds_a_sample,
    )
    return measured


def open_and_measure(
    model: MetaTransformer,
    data: str | Path | ModalityDataset,
    split: str | None,
    data_options: Mapping[str, Any] | None,
    strict: bool,
    precision: Precision,
    skip_unreadable: bool,
    show_progress: bool,
    keep: HeadOutputs | None = None,
    **reading: Any,
) -> tuple[dict[str, float], ModalityDataset]:
    """What `evaluate` gives, and the dataset that was measured.

    Args:
        keep: What the head puts out is added here.
        reading: How the `Loader` reads.
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
        measured = measure(model, data, failed, precision, skip_unreadable, show_progress, keep=keep, **reading)
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
    was_training = model.training
    model.eval()
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
        for output, target, errors in progress(batches, "evaluating", total=len(loader), enabled=show_progress):
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
    with PooledVectors(model, head.options.pool, precision) as pooled:
        for items, errors in loader.items():
            output = None
            if items:
                vectors = torch.from_numpy(pooled.of([item for item, _ in items])).to(model.device)
                with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
                    output = head.from_pooled(vectors)
            yield output, loader.dataset.task.stack([target for _, target in items]), errors


def open_for_evaluation(
    model: MetaTransformer, root: Path, split: str | None, options: Mapping[str, Any] | None
) -> ModalityDataset:
    """`open_part` for a model.

    Args:
        options: The dataset's; those that the model was trained with stand unless they are named here.
    """
    task = model.require_head().task
    return open_part(get(model.modality), root, split, task, dataset_options(model, options or {}), model.seen)


def open_part(
    plugin: Plugin, root: Path, split: str | None, task: AnyTask, options: Options, seen: NDArray[np.uint64] | None
) -> ModalityDataset:
    """A folder's split with the classes of a task: the one named, else "test" where it has labels, else what a run has
    not seen, else "val" or all. Samples that it has seen, and that are among them, are reported with a warning.

    Args:
        seen: Hashes of the samples that the run has seen; None where not recorded.
    """

    def open_split(name: str) -> ModalityDataset:
        return plugin.dataset.open(root, name, task=task, options=options)

    if split is not None:
        return open_split(split) if split == "train" else _warned(open_split(split), seen)
    whole: ModalityDataset | None = None
    for candidate in ("test", "val"):
        try:
            opened = open_split(candidate)
        except MissingSplitError:
            pass
        else:
            # a benchmark may keep the labels of its test split to itself; those of points are read with the points
            if isinstance(task, Segmentation) or any(target is not None for target in opened.targets()):
                return _warned(opened, seen)
        if candidate == "test" and seen is not None:
            whole = open_split("all")
            is_new = ~indices_seen(whole, seen)
            if 0 < is_new.sum() < len(whole):
                name = f"the {is_new.sum():,} of its {len(whole):,} samples that the run has not seen"
                return Subset(whole, np.flatnonzero(is_new).tolist(), name)
    return _warned(whole or open_split("all"), seen)


def _warned(dataset: ModalityDataset, seen: NDArray[np.uint64] | None) -> ModalityDataset:
    """The dataset, after a warning where a run has seen some of it."""
    count = int(indices_seen(dataset, seen).sum()) if seen is not None else 0
    if count:
        of = "all" if count == len(dataset) else f"{count:,} of the"
        warnings.warn(
            f"{of} {len(dataset):,} samples measured are the same as some that were trained on, or that selected the "
            "epoch: new ones may fare worse",
            MtWarning,
            stacklevel=3,
        )
    return dataset


def baseline_metrics(head: Head, train_targets: Sequence[Any], test_targets: Sequence[Any]) -> dict[str, float]:
    """The metrics of the constant answer: the most frequent class, or the mean, of the training targets; {} where the
    head knows no such answer.

    Args:
        head: A head calibrated on the training targets, for its metrics and units.
    """
    known, target = (head.task.stack(_some(targets, head.task)) for targets in (train_targets, test_targets))
    device = next(head.buffers(), target).device
    output = head.baseline(known.to(device), target.to(device))
    if output is None:
        return {}
    metrics = head.metrics().to(device)
    predicted, true = head.metric_inputs(output.to(device), target.to(device))
    if not len(true):  # targets that come with the samples, as labels of points do
        return {}
    metrics.update(predicted, true)
    return values_of(metrics)


def baseline_of(model: MetaTransformer, dataset: ModalityDataset) -> dict[str, float]:
    """The metrics, on a dataset, of the constant answer of the data that the model was trained on; {} where there is
    none."""
    head, targets = model.require_head(), dataset.targets()
    is_learned = isinstance(head.task, Classification | Multilabel | Regression)
    if is_learned and model.typical_target is None:
        return {}
    return baseline_metrics(head, [model.typical_target] if is_learned else targets, targets)


def typical_target(task: AnyTask, targets: Sequence[Any]) -> Any:
    """The target that a constant answer is made from: the most frequent class, the mean of numbers or labels.

    None where the head needs no target for it, or none is known.
    """
    stacked = task.stack(_some(targets, task))
    if isinstance(task, Classification):
        known = stacked[stacked != MISSING_CLASS]
        return int(known.bincount(minlength=len(task.classes)).argmax()) if len(known) else None
    if isinstance(task, Multilabel | Regression):
        means = stacked.nanmean(0)
        return None if means.isnan().any() else means.tolist()
    return None


def _some(targets: Sequence[Any], task: AnyTask) -> Sequence[Any]:
    """Of many targets as many as settle what a constant answer is worth, evenly spread."""
    wide = task.num_outputs if isinstance(task, Forecasting) else 1
    step = max(1, len(targets) * wide // _MOST_TARGETS)
    return targets if step == 1 else [targets[index] for index in range(0, len(targets), step)]


_MOST_TARGETS = 10_000_000
"""Numbers in the targets that are looked at."""

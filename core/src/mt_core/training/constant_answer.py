"""How good it would be to know nothing: the most frequent class, the mean, or the most usual boxes, of the training
targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mt_core.contract import (
    MISSING_CLASS,
    Alignment,
    AnyTask,
    Classification,
    Detection,
    Forecasting,
    Head,
    ModalityDataset,
    Multilabel,
    Regression,
    Retrieval,
    Segmentation,
)
from mt_core.heads.dense import class_counts, readable_target
from mt_core.model import MetaTransformer
from mt_core.training.constant_boxes import boxes_metrics, typical_boxes
from mt_core.training.metrics import values_of


def baseline_metrics(head: Head, train_targets: Sequence[Any], test_targets: Sequence[Any]) -> dict[str, float]:
    """The metrics of the constant answer: the most frequent class, the mean, or the most usual boxes, of the training
    targets; {} where the head knows no such answer.

    Args:
        head: A head calibrated on the training targets, for its metrics and units.
    """
    if isinstance(head.task, Detection):
        return boxes_metrics(head, typical_boxes(train_targets), test_targets)
    if isinstance(head.task, Segmentation) and head.task.of != "places":
        return _mask_by_mask(head, train_targets, test_targets)
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


def _mask_by_mask(head: Head, train_targets: Sequence[Any], test_targets: Sequence[Any]) -> dict[str, float]:
    """As `baseline_metrics`, with the labels of one sample in memory at a time; those that cannot be read are passed
    over."""
    counts_K = class_counts(head.task, train_targets)
    if not counts_K.any():
        return {}
    most_frequent = counts_K.argmax()[None]
    metrics = head.metrics()
    for index in range(len(test_targets)):
        target = head.task.stack([readable_target(test_targets[index])])
        predicted, true = head.metric_inputs(head.baseline(most_frequent, target), target)  # type: ignore[arg-type]
        if len(true):
            metrics.update(predicted, true)
    return values_of(metrics)


def baseline_of(model: MetaTransformer, dataset: ModalityDataset) -> dict[str, float]:
    """The metrics, on a dataset, of the constant answer of the data that the model was trained on; {} where there is
    none."""
    head, targets = model.require_head(), dataset.targets()
    if isinstance(head.task, Detection):
        return boxes_metrics(head, model.typical_target, targets)
    is_learned = isinstance(head.task, Classification | Multilabel | Regression)
    if is_learned and model.typical_target is None:
        return {}
    return baseline_metrics(head, [model.typical_target] if is_learned else targets, targets)


def typical_target(task: AnyTask, targets: Sequence[Any]) -> Any:
    """The target that a constant answer is made from: the most frequent class, the mean of numbers or labels, boxes as
    `typical_boxes` gives them.

    None where the head needs no target for it, or none is known.
    """
    if isinstance(task, Detection):
        return typical_boxes(targets)
    if isinstance(task, Segmentation | Forecasting | Retrieval | Alignment):
        return None
    stacked = task.stack(_some(targets, task))
    if isinstance(task, Classification):
        known = stacked[stacked != MISSING_CLASS]
        return int(known.bincount(minlength=len(task.classes)).argmax()) if len(known) else None
    means = stacked.nanmean(0)
    return None if means.isnan().any() else means.tolist()


def _some(targets: Sequence[Any], task: AnyTask) -> Sequence[Any]:
    """Of many targets as many as settle what a constant answer is worth, evenly spread."""
    wide = task.num_outputs if isinstance(task, Forecasting) else 1
    step = max(1, len(targets) * wide // _MOST_TARGETS)
    return targets if step == 1 else [targets[index] for index in range(0, len(targets), step)]


_MOST_TARGETS = 10_000_000
"""Numbers in the targets that are looked at."""

"""How good it would be to know nothing: the most frequent class, or the mean, of the training targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mt_core.contract import (
    MISSING_CLASS,
    AnyTask,
    Classification,
    Forecasting,
    Head,
    ModalityDataset,
    Multilabel,
    Regression,
)
from mt_core.model import MetaTransformer
from mt_core.training.metrics import values_of


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

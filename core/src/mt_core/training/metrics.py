"""A head's metrics, those that plugins add, and the mean loss, over the batches of one pass."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from torch import Tensor

from mt_core.contract import Head
from mt_core.model import MetaTransformer
from mt_core.plugins import hooks

if TYPE_CHECKING:
    import torchmetrics


class Meter:
    """Takes outputs and targets batch by batch; `compute` gives numbers by name."""

    def __init__(self, model: MetaTransformer, head: Head) -> None:
        import torchmetrics

        self.head = head
        metrics = head.metrics()
        for added in hooks.gather("mt_metrics", modality=model.modality, task=head.task):
            metrics.add_metrics(added)
        self.metrics = metrics.to(model.device)
        self.loss = torchmetrics.MeanMetric().to(model.device)

    def update(self, output: Tensor, target: Tensor) -> None:
        """One batch: the head's (B, O) scores and the stacked targets."""
        predicted, true = self.head.measured(output, target)
        if len(true):
            self.metrics.update(predicted, true)
        self.loss.update(self.head.loss(output, target), weight=len(target))

    def compute(self) -> dict[str, float]:
        """Every metric and `loss`. A metric without a known target is NaN."""
        return {**values_of(self.metrics), "loss": float(self.loss.compute())}


def values_of(metrics: torchmetrics.MetricCollection) -> dict[str, float]:
    """The value of each metric; NaN where there were too few targets for it."""
    values = {}
    for name, metric in metrics.items(keep_base=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchmetrics warns of classes that did not occur
            try:
                values[str(name)] = float(metric.compute()) if metric.update_called else math.nan
            except ValueError:
                values[str(name)] = math.nan
    return values

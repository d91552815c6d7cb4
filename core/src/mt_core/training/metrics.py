"""A head's metrics, those that plugins add, and the mean loss, over the batches of one pass."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from torch import Tensor, nn

from mt_core import hooks
from mt_core.contract import Head
from mt_core.model import MetaTransformer

if TYPE_CHECKING:
    import torchmetrics

RESERVED = frozenset({"loss", "samples"})
"""Names beside the metrics' in what an evaluation gives."""


class Meter:
    """Takes outputs and targets batch by batch; `compute` gives numbers by name."""

    def __init__(self, model: MetaTransformer, head: Head) -> None:
        import torchmetrics

        self.head = head
        self.metrics = head.metrics().to(model.device)
        self.loss = torchmetrics.MeanMetric().to(model.device)
        self.added: dict[str, PluginMetric] = {}
        for plugin, metrics in hooks.answers("mt_metrics", modality=model.modality, task=head.task):
            for name, metric in metrics.items():
                with hooks.log_errors(plugin, "mt_metrics"):
                    if not isinstance(metric, torchmetrics.Metric):
                        raise TypeError(f"{name!r} is a {type(metric).__name__}, not a torchmetrics.Metric")
                    if name in {*self.metrics.keys(keep_base=True), *RESERVED, *self.added}:
                        raise ValueError(f"there is a metric {name!r} already")
                    self.added[name] = PluginMetric(plugin, metric.to(model.device))
        for metric in (self.metrics, self.loss, *(added.metric for added in self.added.values())):
            _keep_to_itself(metric)

    def update(self, output: Tensor, target: Tensor) -> None:
        """One batch: the head's (B, O) scores and the stacked targets."""
        predicted, true = self.head.metric_inputs(output, target)
        if len(true):
            self.metrics.update(predicted, true)
            for added in self.added.values():
                added.update(predicted, true)
        self.loss.update(self.head.loss(output, target), weight=len(target))

    def compute(self) -> dict[str, float]:
        """Every metric and `loss`. A metric without a known target is NaN."""
        added = {name: added.compute() for name, added in self.added.items()}
        return {**values_of(self.metrics), **added, "loss": float(self.loss.compute())}


class PluginMetric:
    """A metric of a plugin's. Once it fails it is NaN, and the failure is logged with the plugin's name."""

    def __init__(self, plugin: str, metric: torchmetrics.Metric) -> None:
        self.plugin = plugin
        self.metric = metric
        self.is_sound = True

    def update(self, predicted: Tensor, true: Tensor) -> None:
        if self.is_sound:
            self.is_sound = False
            with hooks.log_errors(self.plugin, "mt_metrics"):
                self.metric.update(predicted, true)
                self.is_sound = True

    def compute(self) -> float:
        value = math.nan
        if self.is_sound:
            with hooks.log_errors(self.plugin, "mt_metrics"):
                value = value_of(self.metric)
        return value


def _keep_to_itself(metric: nn.Module) -> None:
    """Of several processes each one has the rows of all: nothing is to be added up over them."""
    import torchmetrics

    for part in metric.modules():
        if isinstance(part, torchmetrics.Metric):
            part.distributed_available_fn = lambda: False


def values_of(metrics: torchmetrics.MetricCollection) -> dict[str, float]:
    """The value of each metric; NaN where there were too few targets for it."""
    return {str(name): value_of(metric) for name, metric in metrics.items(keep_base=True)}


def value_of(metric: torchmetrics.Metric) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchmetrics warns of classes that did not occur
        try:
            return float(metric.compute()) if metric.update_called else math.nan
        except ValueError:
            return math.nan

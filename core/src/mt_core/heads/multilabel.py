"""Any number of several labels.  B samples, L labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import AnyTask, Multilabel
from mt_core.heads.pooled import PooledHead, PooledOptions, mean_of_known

if TYPE_CHECKING:
    import torchmetrics


class MultilabelOptions(PooledOptions):
    """How labels are predicted."""

    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="balanced: a label that is present weighs absent / present, as counted in the training targets.",
    )


class MultilabelHead(PooledHead):
    """A sigmoid a label; labels that are not known for a sample are left out of its loss and of the metrics."""

    Options = MultilabelOptions
    options: MultilabelOptions
    kinds = ("multilabel",)
    primary = "auroc"

    def __init__(self, width: int, task: AnyTask, options: MultilabelOptions | None = None) -> None:
        super().__init__(width, task, options)
        assert isinstance(task, Multilabel)
        self.labels = task.labels
        self.weight_L: Tensor
        self.register_buffer("weight_L", torch.ones(len(task.labels)))

    def calibrate(self, targets: Sequence[Any]) -> None:
        """Weights of present labels from their frequencies; a label that never or always occurs weighs one."""
        if self.options.class_weights == "balanced":
            target_NL = self.task.stack(targets)
            present_L = (target_NL == 1).sum(0).float()
            absent_L = (target_NL == 0).sum(0).float()
            usable = (present_L > 0) & (absent_L > 0)
            self.weight_L.copy_(torch.where(usable, absent_L / present_L.clamp(min=1), torch.ones_like(present_L)))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Binary cross-entropy of (B, L) logits against (B, L) zeros and ones; NaN adds nothing."""
        known = ~target.isnan()
        losses = nn.functional.binary_cross_entropy_with_logits(
            output.float(), target.nan_to_num(0.0), pos_weight=self.weight_L, reduction="none"
        )
        return mean_of_known(losses, known)

    def decode(self, output: Tensor) -> list[dict[str, Any]]:
        """The labels whose probability is at least a half, and the probability of every label."""
        decoded = []
        for row in output.float().sigmoid().cpu().tolist():
            probabilities = dict(zip(self.labels, row, strict=True))
            decoded.append(
                {
                    "prediction": [label for label, probability in probabilities.items() if probability >= 0.5],
                    "probabilities": probabilities,
                }
            )
        return decoded

    def metrics(self) -> torchmetrics.MetricCollection:
        """auroc and average_precision (means over the labels that have both positive and negative examples) and
        accuracy (share of known labels that are right)."""
        import torchmetrics

        from mt_core.heads.per_label import MeanAUROC, MeanAveragePrecision

        num_labels = len(self.labels)
        return torchmetrics.MetricCollection(
            {
                "auroc": MeanAUROC(),
                "average_precision": MeanAveragePrecision(),
                "accuracy": torchmetrics.classification.MultilabelAccuracy(
                    num_labels, average="micro", ignore_index=_UNKNOWN
                ),
            },
            compute_groups=False,
        )

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """Each label's prevalence."""
        prevalence_L = known.nanmean(0).nan_to_num(0.5).clamp(1e-6, 1 - 1e-6)
        return torch.logit(prevalence_L).expand(len(target), -1)

    def metric_inputs(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return output.float().sigmoid(), target.nan_to_num(_UNKNOWN).to(torch.int64)


_UNKNOWN = -1

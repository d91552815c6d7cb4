"""A head of a plugin's own, as `deliberate_breakage.py` gives one to an official plugin.  B samples, K classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mt_core.contract import MISSING_CLASS, AnyTask
from mt_core.heads import ClassificationHead

if TYPE_CHECKING:
    import torchmetrics


class FocalHead(ClassificationHead):
    """Classes, of which samples that are easy already weigh less.

    Args:
        focus: How much less; 0: not.

    Source: Lin et al. 2017, Focal loss for dense object detection, arXiv:1708.02002, equation 4.
    """

    kinds = ("classification",)
    primary = "accuracy"

    def __init__(self, width: int, task: AnyTask, *, dropout: float = 0.0, focus: float = 2.0) -> None:
        super().__init__(width, task, dropout=dropout)
        self.focus = focus

    def options(self) -> dict[str, Any]:
        return {"dropout": self.dropout, "focus": self.focus}

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean focal loss of the samples whose class is known."""
        known = target != MISSING_CLASS
        losses = nn.functional.cross_entropy(output.float(), target, ignore_index=MISSING_CLASS, reduction="none")
        focused = losses * (1 - torch.exp(-losses)) ** self.focus
        return focused.sum() / known.sum().clamp(min=1)

    def metrics(self) -> torchmetrics.MetricCollection:
        """accuracy (share of samples)."""
        import torchmetrics

        accuracy = torchmetrics.classification.MulticlassAccuracy(max(2, len(self.classes)), average="micro")
        return torchmetrics.MetricCollection({"accuracy": accuracy})

    def baseline(self, known: Tensor, target: Tensor) -> Tensor:
        """The most frequent class."""
        counts_K = torch.bincount(known[known >= 0], minlength=len(self.classes))
        answer_K = nn.functional.one_hot(counts_K.argmax(), len(self.classes)).float()
        return answer_K.expand(len(target), -1)

"""Metrics that are a mean over labels, of those labels that can be measured.

torchmetrics counts a label without a positive example as 0, which says nothing about the model.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelAUROC, MultilabelAveragePrecision


class _OfMeasurable:
    """Counts what is known of each label beside the metric that it is mixed into."""

    positives: Tensor
    negatives: Tensor

    def __init__(self, num_labels: int, unknown: int) -> None:
        super().__init__(num_labels, average=None, ignore_index=unknown)  # type: ignore[call-arg]
        for name in ("positives", "negatives"):
            self.add_state(name, default=torch.zeros(num_labels), dist_reduce_fx="sum")  # type: ignore[attr-defined]

    def update(self, preds: Tensor, target: Tensor) -> None:
        """(B, L) probabilities, and (B, L) zeros, ones, and the number for what is not known."""
        super().update(preds, target)  # type: ignore[misc]
        self.positives += (target == 1).sum(0)
        self.negatives += (target == 0).sum(0)

    def compute(self) -> Tensor:
        """The mean over labels with a positive and a negative example.

        Raises:
            ValueError: there is none, which is shown as NaN.
        """
        measurable = (self.positives > 0) & (self.negatives > 0)
        if not measurable.any():
            raise ValueError("no label has both positive and negative examples")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of labels without a positive, which are left out
            values: Any = super().compute()  # type: ignore[misc]
        return values[measurable].mean()  # type: ignore[no-any-return]


class MeanAUROC(_OfMeasurable, MultilabelAUROC):  # type: ignore[misc]
    """Mean area under the receiver operating characteristic."""


class MeanAveragePrecision(_OfMeasurable, MultilabelAveragePrecision):  # type: ignore[misc]
    """Mean average precision over labels."""

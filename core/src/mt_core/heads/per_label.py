"""Metrics that are a mean over labels, of those labels that can be measured.  B samples, L labels.

torchmetrics' own means count a label without a positive example as 0, which says nothing about the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_auroc, binary_average_precision
from torchmetrics.utilities import dim_zero_cat


class _MeanOverLabels(Metric):
    full_state_update = False
    of_label: ClassVar[Callable[..., Tensor]]
    probabilities: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("probabilities", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, targets: Tensor) -> None:
        """(B, L) probabilities, and (B, L) zeros and ones; anything else is not known."""
        self.probabilities.append(probabilities)
        self.targets.append(targets)

    def compute(self) -> Tensor:
        """The mean over labels with a positive and a negative example.

        Raises:
            ValueError: there is none, which is shown as NaN.
        """
        values = []
        for chance, target in zip(dim_zero_cat(self.probabilities).T, dim_zero_cat(self.targets).T, strict=True):
            known = (target == 0) | (target == 1)
            if len(target[known].unique()) == 2:
                values.append(type(self).of_label(chance[known], target[known]))
        if not values:
            raise ValueError("no label has both positive and negative examples")
        return torch.stack(values).mean()


class MeanAUROC(_MeanOverLabels):
    """Mean area under the receiver operating characteristic."""

    of_label = staticmethod(binary_auroc)


class MeanAveragePrecision(_MeanOverLabels):
    """Mean average precision over labels."""

    of_label = staticmethod(binary_average_precision)

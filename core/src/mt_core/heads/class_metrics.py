"""Metrics of classes that torchmetrics has in another form.  B samples, K classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_auroc, binary_average_precision
from torchmetrics.utilities import dim_zero_cat


class BalancedAccuracy(Metric):
    """Mean over the classes that occur of the share of their samples that is right, as
    `sklearn.metrics.balanced_accuracy_score`."""

    full_state_update = False
    right_K: Tensor
    all_K: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.add_state("right_K", torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("all_K", torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, target: Tensor) -> None:
        """(B, K) probabilities, and (B,) class indices."""
        is_right = probabilities.argmax(-1) == target
        self.right_K += torch.bincount(target[is_right], minlength=len(self.right_K))
        self.all_K += torch.bincount(target, minlength=len(self.all_K))

    def compute(self) -> Tensor:
        occurs = self.all_K > 0
        return (self.right_K[occurs].double() / self.all_K[occurs]).mean()


class PositiveF1(Metric):
    """F1 of one class: 2 TP / (2 TP + FP + FN).

    Args:
        positive: Its index.
    """

    full_state_update = False
    hits: Tensor
    misses: Tensor

    def __init__(self, positive: int) -> None:
        super().__init__()
        self.positive = positive
        self.add_state("hits", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("misses", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, target: Tensor) -> None:
        """(B, K) probabilities, and (B,) class indices."""
        is_predicted, is_true = probabilities.argmax(-1) == self.positive, target == self.positive
        self.hits += (is_predicted & is_true).sum()
        self.misses += (is_predicted ^ is_true).sum()

    def compute(self) -> Tensor:
        """
        Raises:
            ValueError: the class is neither there nor predicted, which is shown as NaN.
        """
        if not self.hits + self.misses:
            raise ValueError("there is no positive sample, and none was predicted")
        return 2 * self.hits.double() / (2 * self.hits + self.misses)


class _OfScores(Metric):
    full_state_update = False
    of: ClassVar[Callable[..., Tensor]]
    scores: list[Tensor]
    truths: list[Tensor]

    def __init__(self, positive: int) -> None:
        super().__init__()
        self.positive = positive
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("truths", default=[], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, target: Tensor) -> None:
        """(B, K) probabilities, and (B,) class indices."""
        self.scores.append(probabilities[:, self.positive])
        self.truths.append(target == self.positive)

    def compute(self) -> Tensor:
        """
        Raises:
            ValueError: all samples are of one class, or a probability is NaN, which is shown as NaN.
        """
        scores, truths = dim_zero_cat(self.scores), dim_zero_cat(self.truths)
        if truths.all() or not truths.any() or scores.isnan().any():
            raise ValueError("it needs samples of both classes")
        return type(self).of(scores, truths.long())


class PositiveAUROC(_OfScores):
    """Area under the receiver operating characteristic of one class against the other."""

    of = staticmethod(binary_auroc)


class PositiveAveragePrecision(_OfScores):
    """Average precision of one class against the other."""

    of = staticmethod(binary_average_precision)

"""Intersection over union of one class."""

from __future__ import annotations

from torch import Tensor
from torchmetrics.classification import MulticlassJaccardIndex


class ClassIoU(MulticlassJaccardIndex):
    """Of one class; a collection counts it together with the mean over classes, from one confusion matrix.

    Args:
        num_classes: Of all.
        index: Of the one.
    """

    def __init__(self, num_classes: int, index: int) -> None:
        super().__init__(num_classes, average="none")
        self.index = index

    def compute(self) -> Tensor:
        """
        Raises:
            ValueError: the class neither occurs nor is predicted, which is shown as NaN.
        """
        if not self.confmat[self.index].any() and not self.confmat[:, self.index].any():
            raise ValueError("the class does not occur and was not predicted")
        of_all: Tensor = super().compute()
        return of_all[self.index]

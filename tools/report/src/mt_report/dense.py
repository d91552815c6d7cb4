"""What is counted of a segmentation, sample by sample.  B samples, P places or H x W pixels, K classes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import MISSING_CLASS
from mt_report.statistics import confusion


class DenseCounts:
    """Places by true and predicted class, over all samples and by sample.

    Attributes:
        cells: (K, K) places by true class (rows) and predicted class.
        positions: The samples' places in the dataset.
        ious: Of each sample the mean IoU over the classes that occur in it or were predicted.
        confidences: Of each sample the mean probability of the predicted classes.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.cells: NDArray[np.int64] = np.zeros((num_classes, num_classes), np.int64)
        self.positions: list[int] = []
        self.ious: list[float] = []
        self.confidences: list[float] = []

    def add(self, output: Tensor, target: Tensor, positions: list[int]) -> None:
        """A batch: (B, …, K) logits, NaN behind a sample's places, and (B, …) class indices."""
        for logits, indices, position in zip(output, target, positions, strict=True):
            if logits.shape[:-1] != indices.shape:
                continue  # a sample without labels
            known = (indices != MISSING_CLASS) & ~logits[..., 0].isnan()
            if not known.any():
                continue
            probabilities = logits[known].softmax(-1)
            best = probabilities.max(-1)
            cells = confusion(indices[known].numpy(), best.indices.numpy(), self.num_classes)
            self.cells += cells
            self.positions.append(position)
            self.ious.append(float(np.nanmean(class_ious(cells))))
            self.confidences.append(float(torch.mean(best.values)))


def class_ious(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K,) intersection over union of each class; NaN of one that neither occurs nor was predicted."""
    overlap = np.diag(cells).astype(np.float64)
    union = cells.sum(0) + cells.sum(1) - overlap
    ious: NDArray[np.float64] = np.divide(overlap, union, out=np.full(len(cells), np.nan), where=union > 0)
    return ious

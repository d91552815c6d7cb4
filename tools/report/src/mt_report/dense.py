"""What is counted of a segmentation, sample by sample.  N samples, P places or H x W pixels, K classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import MISSING_CLASS, Segmentation
from mt_report.statistics import Numbers, confusion, evenly

MOST_PLACES = 20_000
"""Places of a sample that are kept to be shown; of more, evenly spread ones."""


@dataclass(frozen=True)
class Places:
    """Some places of a sample.

    Attributes:
        index: (P,) which of its places they are.
        truth: (P,) class indices, `MISSING_CLASS` where it is not known.
        predicted: (P,) class indices, `MISSING_CLASS` where nothing is predicted.
        probability: (P,) of the predicted class.
    """

    index: NDArray[np.int64]
    truth: NDArray[np.int16]
    predicted: NDArray[np.int16]
    probability: NDArray[np.float16]

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        return np.asarray((self.truth != self.predicted) & (self.truth != MISSING_CLASS))


class DenseCounts:
    """Places by true and predicted class, over all samples and by sample.

    Attributes:
        cells: (K, K) places by true class (rows) and predicted class.
        positions: The samples' places in the dataset.
        confidences: Of each sample the mean probability of the predicted classes.
        places: Of each sample places to be shown; None of pictures.
    """

    def __init__(self, task: Segmentation) -> None:
        self.task = task
        self.num_classes = len(task.classes)
        self.cells: NDArray[np.int64] = np.zeros((self.num_classes, self.num_classes), np.int64)
        self.positions: list[int] = []
        self.confidences: list[float] = []
        self.places: list[Places | None] = []
        self._of_sample: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self.positions)

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
            self._of_sample.append(np.stack([np.diag(cells), cells.sum(1), cells.sum(0)]))
            self.confidences.append(float(torch.mean(best.values)))
            self.places.append(_shown(logits, indices) if self.task.of != "pixels" else None)

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """(N, 3, K) of each sample and class the places that are right, true and predicted, once all were added."""
        return np.stack(self._of_sample)

    def sample_ious(self) -> Numbers:
        """(N,) of each sample the mean IoU over the classes that occur in it or were predicted."""
        return np.asarray(np.nanmean(ious(self.sums), axis=-1))

    def sample_errors(self) -> Numbers:
        """(N,) of each sample the share of its places that are wrong."""
        right, true, _ = self.sums.sum(-1).T
        return np.asarray(1 - right / true)

    def primary(self, rows: NDArray[np.int64]) -> float:
        """The mean IoU over the samples of these rows together."""
        return float(np.nanmean(self.class_ious(rows)))

    def class_ious(self, rows: NDArray[np.int64]) -> Numbers:
        """(K,) likewise of each class; NaN of one that neither occurs nor was predicted."""
        weights_N = np.bincount(rows, minlength=len(self))
        return ious(np.tensordot(weights_N, self.sums, axes=1))

    def usual_classes(self) -> list[int]:
        """Of each sample its most frequent true class."""
        return [int(each) for each in self.sums[:, 1].argmax(-1)]

    def constant_answer(self) -> dict[str, float]:
        """Metrics of the most frequent true class, everywhere."""
        true_K = self.cells.sum(1)
        share = float(true_K.max() / true_K.sum())
        occurring = int(np.count_nonzero(true_K))
        return {"miou": share / occurring, "accuracy": share} | ({"auroc": 0.5} if self.num_classes == 2 else {})


def ious(sums: NDArray[np.int64]) -> Numbers:
    """(…, K) intersection over union of (…, 3, K) places that are right, true and predicted; NaN of a class that
    neither occurs nor was predicted."""
    right, true, predicted = (sums[..., part, :].astype(np.float64) for part in range(3))
    union = true + predicted - right
    found: Numbers = np.divide(right, union, out=np.full(right.shape, np.nan), where=union > 0)
    return found


def class_ious(cells: NDArray[np.int64]) -> Numbers:
    """(K,) likewise, of (K, K) places by true and predicted class."""
    return ious(np.stack([np.diag(cells), cells.sum(1), cells.sum(0)]))


def _shown(logits_PK: Tensor, indices_P: Tensor) -> Places:
    there = np.flatnonzero(~logits_PK[:, 0].isnan().numpy())
    index = there[evenly(len(there), MOST_PLACES)]
    chosen = logits_PK[index]
    best = chosen.softmax(-1).max(-1)
    predicted = np.where(chosen.isneginf().all(-1).numpy(), MISSING_CLASS, best.indices.numpy())
    return Places(
        index,
        indices_P[index].numpy().astype(np.int16),
        predicted.astype(np.int16),
        best.values.nan_to_num().numpy().astype(np.float16),
    )

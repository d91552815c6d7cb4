"""What is computed from predictions and targets beside a head's own metrics.  N samples, K classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A curve and the area that stands for it.

    Attributes:
        x, y: False positive rate and true positive rate, or recall and precision.
        area: Area under the first, average precision of the second.
    """

    x: Numbers
    y: Numbers
    area: float


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """(K, K) samples by true class (rows) and predicted class (columns)."""
    cells = np.bincount(truth * num_classes + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def _cumulated(score: Numbers, is_positive: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """True and false positives at each different score, the highest first."""
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], is_positive[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true = np.cumsum(hits)[last].astype(np.float64)
    return true, 1 + last - true


def roc(score: Numbers, is_positive: NDArray[np.bool_]) -> Curve | None:
    """Receiver operating characteristic; None where only one class occurs.

    Source: Fawcett 2006, An introduction to ROC analysis.
    """
    if not is_positive.any() or is_positive.all():
        return None
    true, false = _cumulated(score, is_positive)
    y, x = np.append(0.0, true / true[-1]), np.append(0.0, false / false[-1])
    return Curve(x, y, float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)))


def precision_recall(score: Numbers, is_positive: NDArray[np.bool_]) -> Curve | None:
    """Precision at each recall, and the average precision, which is the sum of precisions by steps of recall; None
    where only one class occurs."""
    if not is_positive.any() or is_positive.all():
        return None
    true, false = _cumulated(score, is_positive)
    recall, precision = true / true[-1], true / (true + false)
    average = float(np.sum(np.diff(np.append(0.0, recall)) * precision))
    return Curve(np.append(0.0, recall), np.append(precision[:1], precision), average)


@dataclass(frozen=True)
class Reliability:
    """How often predictions of a probability are right.

    Attributes:
        stated: Mean probability of each bin that holds predictions.
        observed: Share of them that is right.
        counts: How many they are.
        error: Expected calibration error: the mean distance of the two, weighted by the counts.
    """

    stated: Numbers
    observed: Numbers
    counts: NDArray[np.int64]
    error: float


def reliability(probability: Numbers, is_right: NDArray[np.bool_], bins: int = 10) -> Reliability:
    """Bins of equal width of the probability.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599, section 2.
    """
    bin_of = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    filled = counts > 0
    stated = np.bincount(bin_of, probability, bins)[filled] / counts[filled]
    observed = np.bincount(bin_of, is_right, bins)[filled] / counts[filled]
    error = float(np.sum(np.abs(stated - observed) * counts[filled]) / counts.sum())
    return Reliability(stated, observed, counts[filled], error)


def principal_plane(vectors: NDArray[np.float32]) -> tuple[Numbers, tuple[float, float]]:
    """(N, 2) vectors on their first two principal axes, and the share of the variance on each. The sign of an axis is
    that by which its largest coordinate is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2))
    plane[:, : min(2, len(lengths))] = (left * lengths)[:, :2]
    signs = np.sign(plane[np.abs(plane).argmax(0), [0, 1]])
    total = float(np.sum(lengths**2)) or 1.0
    shares = [float(length**2) / total for length in lengths[:2]] + [0.0, 0.0]
    return plane * np.where(signs == 0, 1, signs), (shares[0], shares[1])


def thinned(curve: Curve, most: int = 200) -> Curve:
    """The same curve with at most so many points, for drawing."""
    if len(curve.x) <= most:
        return curve
    chosen = np.unique(np.linspace(0, len(curve.x) - 1, most).round().astype(int))
    return Curve(curve.x[chosen], curve.y[chosen], curve.area)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of 0..count-1, evenly spread."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))

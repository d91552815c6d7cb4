"""What is counted of objects that were found, picture by picture.

N pictures, D objects found, M objects there, T thresholds of overlap, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import MISSING_CLASS, Detection, Head
from mt_report.statistics import Curve, Numbers

THRESHOLDS: Numbers = np.linspace(0.5, 0.95, 10)
"""Of the intersection over union from which an object counts as found, in COCO."""

LEAST_SCORE = 0.3
"""The score from which an object counts as an answer, where some have as much."""

_RECALLS: Numbers = np.linspace(0.0, 1.0, 101)
_MOST_OF_A_CLASS = 100


@dataclass(frozen=True)
class Objects:
    """The objects of one picture.

    Attributes:
        found: (D, 6) left, top, right, bottom, score and class, the likeliest first.
        there: (M, 6) left, top, right, bottom, class, and 1 for one that counts neither as found nor as missed.
    """

    found: NDArray[np.float32]
    there: NDArray[np.float32]


@dataclass(frozen=True)
class ClassMatches:
    """Of one class all that was found, the likeliest first.

    Attributes:
        picture: (D,) in which it was.
        score: (D,).
        is_right: (T, D) whether it is an object that is there and that nothing likelier has found.
        is_ignored: (T, D) whether it counts neither as right nor as wrong.
        there: (N,) objects of the class in each picture.
    """

    picture: NDArray[np.int64]
    score: Numbers
    is_right: NDArray[np.bool_]
    is_ignored: NDArray[np.bool_]
    there: NDArray[np.int64]

    def _precision_and_recall(self, weights_N: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """(T, D) each, down to each score; precision is the best that a recall as high has."""
        weights = weights_N[self.picture]
        right = np.cumsum(self.is_right * weights, axis=1)
        wrong = np.cumsum(~self.is_right * ~self.is_ignored * weights, axis=1)
        precision = right / np.maximum(right + wrong, np.spacing(1.0))
        falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        return falling, right / (weights_N @ self.there)

    def average_precision(self, weights_N: NDArray[np.int64]) -> Numbers:
        """(T,) as COCO defines it, a picture counted so many times; NaN where no such object is there."""
        if not weights_N @ self.there:
            return np.full(len(THRESHOLDS), np.nan)
        precision, recall = self._precision_and_recall(weights_N)
        padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
        return np.array(
            [padded[row, np.searchsorted(recall[row], _RECALLS, side="left")].mean() for row in range(len(precision))]
        )

    def curve(self) -> Curve | None:
        """Precision by recall at an overlap of 0.5; None where no such object is there."""
        once = np.ones(len(self.there), np.int64)
        if not self.there.any():
            return None
        precision, recall = (each[0] for each in self._precision_and_recall(once))
        first = precision[:1] if len(precision) else np.zeros(1)
        area = float(self.average_precision(once)[0])
        return Curve(np.append(0.0, recall), np.append(first, precision), area)


@dataclass(frozen=True)
class ByScore:
    """How good the objects from a score on are, at an overlap of 0.5 and of all classes together.

    Attributes:
        score: (D,) from the highest on.
        precision, recall: (D,) of the objects that have it or more.
    """

    score: Numbers
    precision: Numbers
    recall: Numbers

    @property
    def f1(self) -> Numbers:
        both: Numbers = 2 * self.precision * self.recall
        return both / np.maximum(self.precision + self.recall, 1e-12)

    @property
    def best(self) -> float:
        """The score with the highest F1; 0 where nothing was found."""
        return float(self.score[self.f1.argmax()]) if len(self.score) else 0.0


class FoundObjects:
    """The objects of all pictures whose objects are known.

    Attributes:
        positions: The pictures' places in the dataset.
        pictures: The objects of each.
    """

    def __init__(self, task: Detection, head: Head) -> None:
        self.task, self.head = task, head
        self.positions: list[int] = []
        self.pictures: list[Objects] = []

    def __len__(self) -> int:
        return len(self.positions)

    def add(self, output: Tensor, target: Tensor, positions: list[int]) -> None:
        """A batch: what the head gives, and the targets as the task stacks them."""
        for number, position in enumerate(positions):
            found, there = self.head.metric_inputs(output[number : number + 1], target[number : number + 1])
            if not len(there):
                continue  # nobody looked for objects
            rows, known = found[0].float().cpu().numpy(), there[0].float().cpu().numpy()
            self.positions.append(position)
            self.pictures.append(Objects(rows[~np.isnan(rows[:, 0])], known[known[:, 4] >= 0]))

    @cached_property
    def of_class(self) -> list[ClassMatches]:
        return [self._matches(number) for number in range(len(self.task.classes))]

    def primary(self, rows: NDArray[np.int64]) -> float:
        """The mean average precision over the pictures of these rows."""
        return float(np.nanmean(self.average_precisions(rows)))

    def average_precisions(self, rows: NDArray[np.int64]) -> Numbers:
        """(K, T) likewise of each class and threshold; NaN of a class that is not there."""
        weights_N = np.bincount(rows, minlength=len(self))
        return np.stack([each.average_precision(weights_N) for each in self.of_class])

    def by_score(self) -> ByScore:
        scores = np.concatenate([each.score for each in self.of_class])
        right = np.concatenate([each.is_right[0] for each in self.of_class])
        counts = ~np.concatenate([each.is_ignored[0] for each in self.of_class])
        there = sum(int(each.there.sum()) for each in self.of_class)
        order = np.argsort(-scores[counts], kind="stable")
        hits = np.cumsum(right[counts][order])
        return ByScore(scores[counts][order], hits / np.arange(1, len(hits) + 1), hits / max(there, 1))

    def usual_classes(self) -> list[int]:
        """Of each picture the most frequent class of its objects; `MISSING_CLASS` of one without any."""
        counts = [np.bincount(each.there[:, 4].astype(np.int64)) for each in self.pictures]
        return [int(each.argmax()) if len(each) else MISSING_CLASS for each in counts]

    def _matches(self, number: int) -> ClassMatches:
        picture, score, right, ignored, there = [], [], [], [], []
        for row, objects in enumerate(self.pictures):
            found = objects.found[objects.found[:, 5] == number][:_MOST_OF_A_CLASS]
            known = objects.there[objects.there[:, 4] == number]
            is_right, is_ignored = _matched(found, known)
            picture.append(np.full(len(found), row))
            score.append(found[:, 4].astype(np.float64))
            right.append(is_right)
            ignored.append(is_ignored)
            there.append(int((known[:, 5] == 0).sum()))
        scores = np.concatenate(score)
        order = np.argsort(-scores, kind="stable")
        return ClassMatches(
            np.concatenate(picture)[order],
            scores[order],
            np.concatenate(right, axis=1)[:, order],
            np.concatenate(ignored, axis=1)[:, order],
            np.array(there),
        )


def overlaps(found_D4: NDArray[np.float32], there_M4: NDArray[np.float32], of_found: bool = False) -> Numbers:
    """(D, M) intersection over union, or over the area of what was found."""
    one, other = found_D4.astype(np.float64)[:, None], there_M4.astype(np.float64)[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = sides.clip(0).prod(-1)
    area, other_area = ((each[..., 2:] - each[..., :2]).prod(-1) for each in (one, other))
    whole = np.broadcast_to(area, shared.shape) if of_found else area + other_area - shared
    ratio: Numbers = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return ratio


def _matched(found: NDArray[np.float32], there: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(T, D) whether each is right, and whether it is ignored: of one class in one picture.

    Source: pycocotools, cocoeval.py, evaluateImg.
    """
    there = there[np.argsort(there[:, 5], kind="stable")]  # those that are ignored last
    skipped = there[:, 5] > 0
    near = overlaps(found[:, :4], there[:, :4])
    near[:, skipped] = overlaps(found[:, :4], there[skipped, :4], of_found=True)
    right = np.zeros((len(THRESHOLDS), len(found)), bool)
    ignored = np.zeros_like(right)
    if not len(there):
        return right, ignored
    taken = np.zeros((len(THRESHOLDS), len(there)), bool)
    for row in np.flatnonzero(near.max(1) >= THRESHOLDS[0]):
        reached = near[row] >= THRESHOLDS[:, None]
        free = reached & ~skipped & ~taken
        # of equal overlaps the last one
        best = len(there) - 1 - np.where(free, near[row], -1.0)[:, ::-1].argmax(1)
        right[:, row] = free.any(1)
        taken[right[:, row], best[right[:, row]]] = True
        ignored[:, row] = ~right[:, row] & (reached & skipped).any(1)
    return right, ignored


@dataclass(frozen=True)
class Answers:
    """What is said of one picture: its likely objects, each beside the object that it found.

    Attributes:
        found: (D, 6) objects with a score that is high enough.
        there: (M, 6) objects that count.
        partner: (D,) the object that each overlaps by half or more, the likeliest first and whatever its class; -1 for
            none, -2 for one that is ignored.
    """

    found: NDArray[np.float32]
    there: NDArray[np.float32]
    partner: NDArray[np.int64]

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """(D,) whether each has the class of its partner."""
        right = np.zeros(len(self.found), bool)
        for row in np.flatnonzero(self.partner >= 0):
            right[row] = self.found[row, 5] == self.there[self.partner[row], 4]
        return right

    @property
    def is_found(self) -> NDArray[np.bool_]:
        """(M,) whether each was found, with its class."""
        found = np.zeros(len(self.there), bool)
        found[self.partner[self.is_right]] = True
        return found

    @property
    def mistakes(self) -> int:
        """Objects that were missed, and answers that are wrong."""
        return int((~self.is_found).sum() + (~self.is_right & (self.partner > -2)).sum())

    @property
    def f1(self) -> float:
        """NaN of a picture that shows nothing and of which nothing is said."""
        right = int(self.is_right.sum())
        return 2 * right / (2 * right + self.mistakes) if right + self.mistakes else float("nan")

    def cells(self, num_classes: int) -> NDArray[np.int64]:
        """(K + 1, K + 1) objects by true class (rows) and the class that was said (columns); the last row is of what
        was found where nothing is, the last column of what was missed."""
        cells = np.zeros((num_classes + 1, num_classes + 1), np.int64)
        for row, partner in enumerate(self.partner.tolist()):
            if partner > -2:
                true = int(self.there[partner, 4]) if partner >= 0 else num_classes
                cells[true, int(self.found[row, 5])] += 1
        for missed in np.setdiff1d(np.arange(len(self.there)), self.partner):
            cells[int(self.there[missed, 4]), num_classes] += 1
        return cells


def answers(objects: Objects, least: float) -> Answers:
    """The answers for one picture.

    Args:
        least: The score from which an object is one.
    """
    found = objects.found[objects.found[:, 4] >= least]
    there = objects.there[objects.there[:, 5] == 0]
    crowds = objects.there[objects.there[:, 5] > 0]
    near = overlaps(found[:, :4], there[:, :4])
    in_crowd = (overlaps(found[:, :4], crowds[:, :4], of_found=True) >= THRESHOLDS[0]).any(1)
    partner = np.where(in_crowd, -2, -1).astype(np.int64)
    free = np.ones(len(there), bool)
    for row in range(len(found)):
        reachable = np.where(free, near[row], -1.0)
        if len(reachable) and reachable.max() >= THRESHOLDS[0]:
            partner[row] = reachable.argmax()
            free[partner[row]] = False
    return Answers(found, there, partner)

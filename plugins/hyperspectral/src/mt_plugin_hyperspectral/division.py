"""Labelled pixels into training and test pixels, where a scene has no division of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import OptionError
from mt_core.sdk import chosen_splits, folds_of


@dataclass(frozen=True)
class Division:
    """How to divide: each class by itself, at random by a seed.

    Attributes:
        train_fraction: Part of each class that is "train", at least one pixel; the others are "test".
        folds: 0, or so many parts of equal size, of which number `fold` is "test" and the others are "train".

    Raises:
        OptionError: a fraction outside 0 to 1, fewer than two folds, a fold that there is not.
    """

    train_fraction: float = 0.1
    folds: int = 0
    fold: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.train_fraction < 1:
            raise OptionError(f"train_fraction={self.train_fraction}", fix="use a number between 0 and 1, like 0.1")
        if self.folds and (self.folds < 2 or not 0 <= self.fold < self.folds):
            raise OptionError(
                f"folds={self.folds} and fold={self.fold}", fix="use folds of at least 2, and fold from 0 to folds - 1"
            )
        if self.seed < 0:
            raise OptionError(f"seed={self.seed}", fix="use 0 or more")

    def chosen(self, labels: Sequence[int], split: str, root: Path) -> NDArray[np.int64]:
        """Indices of the labels that belong to a split, in order.

        Raises:
            MissingSplitError: "val".
        """
        splits = chosen_splits(split, ("train", "test"), root)
        is_train = self._is_train(np.asarray(labels))
        wanted = np.zeros(len(is_train), dtype=bool)
        for name in splits:
            wanted |= is_train if name == "train" else ~is_train
        return np.flatnonzero(wanted)

    def _is_train(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self.folds:
            return np.not_equal(folds_of(labels.tolist(), self.folds, self.seed), self.fold)
        draw = np.random.default_rng(self.seed)
        is_train = np.zeros(len(labels), dtype=bool)
        for label in np.unique(labels):
            members = draw.permutation(np.flatnonzero(labels == label))
            is_train[members[: max(1, round(len(members) * self.train_fraction))]] = True
        return is_train

"""Labelled pixels into training and test pixels, where a scene has no division of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from mt_core.contract import Options
from mt_core.sdk import assign_folds, known_fold, select_splits, several_folds


class HyperspectralDatasetOptions(Options):
    """Which scene, and which of its pixels are tested: of each class by itself, at random."""

    scene: str = Field(default="", description="Of several scenes in a folder, the name of one.")
    train_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description='Part of each class that is "train", at least one pixel; the others are "test".',
    )
    folds: int = Field(default=0, ge=0, description="In place of `train_fraction`: equal parts, at least 2; 0: none.")
    fold: int = Field(default=1, ge=1, description='Which of the folds is "test", 1 to `folds`.')
    seed: int = Field(default=0, ge=0, description="Of the random division.")

    _folds_are_several = field_validator("folds")(several_folds)
    _fold_is_one_of_them = field_validator("fold")(known_fold)

    def pixels_of(self, split: str, labels: Sequence[int], root: Path) -> NDArray[np.int64]:
        """Indices of the labels that belong to a split, in order.

        Raises:
            MissingSplitError: "val".
        """
        splits = select_splits(split, ("train", "test"), root)
        is_train = self._is_train(np.asarray(labels))
        is_chosen = [is_train if name == "train" else ~is_train for name in splits]
        return np.flatnonzero(np.any(is_chosen, axis=0))

    def _is_train(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self.folds:
            return np.not_equal(assign_folds(labels.tolist(), self.folds, self.seed), self.fold - 1)
        draw = np.random.default_rng(self.seed)
        is_train = np.zeros(len(labels), dtype=bool)
        for label in np.unique(labels):
            members = draw.permutation(np.flatnonzero(labels == label))
            is_train[members[: max(1, round(len(members) * self.train_fraction))]] = True
        return is_train

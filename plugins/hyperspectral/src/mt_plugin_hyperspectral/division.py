"""Labelled pixels into training and test pixels, where a scene has no division of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mt_core.sdk import GroupOptions, select_splits, tested_samples


class HyperspectralDatasetOptions(GroupOptions):
    """Which scene, and which of its pixels are tested: of each class by itself, at random, or by whole groups."""

    group: str | None = Field(
        default=None,
        description="Pixels that must not be trained and tested on. block16: squares of 16 x 16 pixels; scene: all "
        "scenes of the folder, each a group; else the name of an array or file of the groups' numbers (rows, columns), "
        "0 for none, of tables of spectra one a pixel.",
    )
    folds: int = Field(
        default=0,
        ge=0,
        description="In place of `train_fraction`: equal parts, at least 2, of whole groups or by class; 0: none.",
    )

    scene: str = Field(default="", description="Of several scenes in a folder, the name of one.")
    train_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description='Part of each class that is "train", at least one pixel; the others are "test".',
    )
    seed: int = Field(default=0, ge=0, description="Of the random division.")

    @property
    def divides(self) -> bool:
        """False: the layouts divide by these options themselves, see `pixels_of`."""
        return False

    def pixels_of(
        self, split: str, labels: Sequence[int], root: Path, groups: Sequence[str | None] | None = None
    ) -> NDArray[np.int64]:
        """Indices of the labels that belong to a split, in order. With groups that neither `test_group` nor `folds`
        divide, all are "train", of which whole groups can be held out.

        Args:
            groups: Of each pixel; None: there are none.

        Raises:
            MissingSplitError: "val".
            OptionError: groups that there are not, or fewer than folds.
        """
        is_asked = bool(self.test_group or self.folds)
        splits = select_splits(split, ("train", "test") if is_asked or groups is None else (), root)
        if not splits:
            return np.arange(len(labels))
        is_train = ~tested_samples(groups, labels, self) if is_asked else self._drawn(np.asarray(labels))
        is_chosen = [is_train if name == "train" else ~is_train for name in splits]
        return np.flatnonzero(np.any(is_chosen, axis=0))

    def _drawn(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pixels are drawn for the training."""
        draw = np.random.default_rng(self.seed)
        is_train = np.zeros(len(labels), dtype=bool)
        for label in np.unique(labels):
            members = draw.permutation(np.flatnonzero(labels == label))
            is_train[members[: max(1, round(len(members) * self.train_fraction))]] = True
        return is_train

"""A table of training spectra and their labels, as the fixed division of Indian Pines ships.  N pixels, B bands.

`Train_X.mat` holds (N, B) spectra and `TrLabel.mat` their labels from 1; `Test_X.mat` and `TeLabel.mat` likewise. A
TIFF mask of the scene has the label at each training pixel; the rows of the table follow it column by column, as MATLAB
counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import DatasetError, MissingSplitError
from mt_core.sdk import Listing, select_splits
from mt_plugin_hyperspectral.division import HyperspectralDatasetOptions
from mt_plugin_hyperspectral.layouts.arrays import arrays_in, labels_in
from mt_plugin_hyperspectral.layouts.names import INDIAN_PINES_FIXED, INDIAN_PINES_FIXED_COUNTS

_FILES = {"train": ("Train_X.mat", "TrLabel.mat"), "test": ("Test_X.mat", "TeLabel.mat")}


def find_pixel_table(root: Path, split: str, options: HyperspectralDatasetOptions) -> Listing | None:
    """The spectra of a split; None for a folder without `Train_X.mat`.

    Args:
        options: With folds, the training table is divided; else the files are the splits.

    Raises:
        DatasetError: tables that do not belong together.
        MissingSplitError: no such split, or the spectra of the test pixels are not there.
    """
    tables = {name: root / spectra for name, (spectra, _) in _FILES.items() if (root / spectra).is_file()}
    if "train" not in tables:
        return None
    train_spectra, train_labels = _table(root, "train")
    classes = _class_names(train_labels)
    if options.folds:
        chosen = options.pixels_of(split, train_labels.tolist(), root)
        return _listing(train_spectra[chosen], train_labels[chosen], classes)
    if split == "test" and "test" not in tables:
        raise MissingSplitError(
            f"{root} has the spectra of the training pixels only; those of the test pixels (Test_X.mat) are not there",
            fix="divide the training pixels: data options folds=5 fold=1, or download Test_X.mat and TeLabel.mat",
        )
    parts = [_table(root, name) for name in select_splits(split, tables, root)]
    if len({spectra.shape[1] for spectra, _ in parts}) > 1:
        raise DatasetError(f"{root}: the tables have other numbers of bands", fix="download both again")
    return _listing(np.concatenate([spectra for spectra, _ in parts]), np.concatenate([y for _, y in parts]), classes)


def _listing(spectra: NDArray[np.float32], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Listing:
    if labels.max(initial=0) > len(classes):
        raise DatasetError(f"a test pixel has label {labels.max()}, unknown in training", fix="download both again")
    return Listing(list(spectra), [classes[label - 1] for label in labels], classes, "pixel table")


def _table(root: Path, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, B) spectra and (N,) labels from 1."""
    spectra_name, labels_name = _FILES[name]
    spectra = np.asarray(_only(root / spectra_name, is_whole=False), dtype=np.float32)
    in_mask = _in_a_mask(root, len(spectra))
    if (root / labels_name).is_file():
        labels = np.ravel(_only(root / labels_name, is_whole=True))
    elif in_mask is not None:
        labels = in_mask
    else:
        raise DatasetError(f"{root} has {spectra_name} and no {labels_name}", fix="download the labels too")
    if len(labels) != len(spectra) or labels.min() < 1:
        raise DatasetError(
            f"{root}: {len(spectra)} spectra and {len(labels)} labels from {labels.min()}",
            fix="give one label from 1 for each row of the table",
        )
    if in_mask is not None and not np.array_equal(in_mask, labels):
        raise DatasetError(
            f"{root}: the labels in {labels_name} are not those of the mask, read column by column",
            fix="take mask, spectra and labels from one download",
        )
    return spectra, labels


def _only(path: Path, *, is_whole: bool) -> NDArray[Any]:
    """The one array of two axes in a file."""
    keys = [key for key, shape in arrays_in(path).items() if len(shape) == 2]
    if len(keys) != 1:
        raise DatasetError(f"{path} holds {len(keys)} tables", fix="save one array of two axes in it")
    return labels_in(path, keys[0], is_whole=is_whole)


def _in_a_mask(root: Path, count: int) -> NDArray[np.int64] | None:
    """The labels of the mask that marks so many pixels, column by column; None where there is no such mask."""
    for path in sorted(root.glob("*.tif")):
        if len(arrays_in(path)[""]) != 2:
            continue
        labels = np.ravel(labels_in(path, ""), order="F")
        if np.count_nonzero(labels) == count:
            return labels[labels > 0]
    return None


def _class_names(labels: NDArray[np.int64]) -> tuple[str, ...]:
    counts = tuple(np.bincount(labels)[1:].tolist())
    if counts == INDIAN_PINES_FIXED_COUNTS:
        return INDIAN_PINES_FIXED
    return tuple(str(label) for label in range(1, len(counts) + 1))

"""MedMNIST's archives: small pictures and their labels, all splits in one .npz file.

Source: Yang et al. 2023, MedMNIST v2, arXiv:2110.14795.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Multilabel, reading
from mt_core.errors import InputError
from mt_core.sdk import Listing, names_in_npz, read_npz, select_splits
from mt_plugin_xray.layouts.chestxray14 import FINDINGS

_SPLITS = ("train", "val", "test")

_CLASSES: dict[str, tuple[str, ...]] = {"pneumoniamnist": ("normal", "pneumonia")}
"""Names of the classes in place of their numbers, by how the file's name begins."""

_LABELS: dict[str, tuple[str, ...]] = {"chestmnist": FINDINGS}


def find_medmnist(root: Path, split: str) -> Listing | None:
    """The pictures of `pneumoniamnist.npz` and its like; None for another file, or a folder without just one of them.

    Raises:
        InputError: arrays that are not pictures and labels, or too large.
        MissingSplitError: no such split in it.
    """
    files = [root] if root.is_file() else sorted(root.glob("*.npz"))
    names = names_in_npz(files[0]) if len(files) == 1 else ()
    parts = [part for part in _SPLITS if {f"{part}_images", f"{part}_labels"} <= set(names)]
    if not parts:
        return None
    path, chosen = files[0], select_splits(split, parts, root)
    labels = {part: _labels(path, part) for part in parts}
    if len({rows.shape[1] for rows in labels.values()}) > 1:
        raise InputError(f"{path} has another number of labels in each split", fix="download the file again")
    samples: Any = [picture for part in chosen for picture in _pictures(path, part, len(labels[part]))]
    rows_NL = np.concatenate([labels[part] for part in chosen])
    dataset = path.name.split("_")[0].split(".")[0].lower()
    if rows_NL.shape[1] > 1:
        known = _LABELS.get(dataset, ())
        task = Multilabel(labels=known if len(known) == rows_NL.shape[1] else tuple(map(str, range(rows_NL.shape[1]))))
        return Listing(samples, rows_NL.astype(np.float64).tolist(), (), "medmnist", task)
    num_classes = 1 + max(int(some.max()) for some in labels.values())
    known = _CLASSES.get(dataset, ())
    classes = known if len(known) == num_classes else tuple(map(str, range(num_classes)))
    return Listing(samples, [classes[number] for number in rows_NL[:, 0]], classes, "medmnist")


def _labels(path: Path, part: str) -> NDArray[np.integer[Any]]:
    """(N, L) class of each picture (L = 1), or whether it has each label."""
    with reading(path, formats=".npz"):
        rows = read_npz(path, (f"{part}_labels",))
        rows = rows[:, None] if rows.ndim == 1 else rows
        is_good = rows.ndim == 2 and rows.size and rows.dtype.kind in "iu" and rows.min() >= 0
        if not is_good or (rows.shape[1] > 1 and rows.max() > 1) or rows.max() > 1000:
            raise InputError(
                f"{path}: {part}_labels is {rows.shape} {rows.dtype}, and no class or row of zeros and ones a picture",
                fix="download the file again",
            )
        return rows


def _pictures(path: Path, part: str, count: int) -> NDArray[Any]:
    with reading(path, formats=".npz"):
        pictures = read_npz(path, (f"{part}_images",))
        if pictures.ndim not in (3, 4) or len(pictures) != count:
            raise InputError(
                f"{path}: {part}_images is {pictures.shape}, with {count} labels", fix="download the file again"
            )
        return pictures

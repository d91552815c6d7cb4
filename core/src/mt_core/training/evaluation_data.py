"""The part of the data that a model is measured on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import (
    AnyTask,
    ModalityDataset,
    Options,
    Segmentation,
)
from mt_core.data.dataset_options import dataset_options
from mt_core.data.subsets import Subset
from mt_core.errors import MissingSplitError, MtWarning
from mt_core.model import MetaTransformer
from mt_core.plugins import Plugin, get
from mt_core.training.seen import indices_seen


def open_for_evaluation(
    model: MetaTransformer, root: Path, split: str | None, options: Mapping[str, Any] | None
) -> ModalityDataset:
    """`open_part` for a model.

    Args:
        options: The dataset's; those that the model was trained with stand unless they are named here.
    """
    task = model.require_head().task
    return open_part(get(model.modality), root, split, task, dataset_options(model, options or {}), model.seen)


def open_part(
    plugin: Plugin, root: Path, split: str | None, task: AnyTask, options: Options, seen: NDArray[np.uint64] | None
) -> ModalityDataset:
    """A folder's split with the classes of a task: the one named, else "test" where it has labels, else what a run has
    not seen, else "val" or all. Samples that it has seen, and that are among them, are reported with a warning.

    Args:
        seen: Hashes of the samples that the run has seen; None where not recorded.
    """

    def open_split(name: str) -> ModalityDataset:
        return plugin.dataset.open(root, name, task=task, options=options)

    if split is not None:
        return open_split(split) if split == "train" else _warned(open_split(split), seen)
    whole: ModalityDataset | None = None
    for candidate in ("test", "val"):
        try:
            opened = open_split(candidate)
        except MissingSplitError:
            pass
        else:
            # a benchmark may keep the labels of its test split to itself; those of points are read with the points
            if isinstance(task, Segmentation) or any(target is not None for target in opened.targets()):
                return _warned(opened, seen)
        if candidate == "test" and seen is not None:
            whole = open_split("all")
            is_new = ~indices_seen(whole, seen)
            if 0 < is_new.sum() < len(whole):
                name = f"the {is_new.sum():,} of its {len(whole):,} samples that the run has not seen"
                return Subset(whole, np.flatnonzero(is_new).tolist(), name)
    return _warned(whole or open_split("all"), seen)


def _warned(dataset: ModalityDataset, seen: NDArray[np.uint64] | None) -> ModalityDataset:
    """The dataset, after a warning where a run has seen some of it."""
    count = int(indices_seen(dataset, seen).sum()) if seen is not None else 0
    if count:
        of = "all" if count == len(dataset) else f"{count:,} of the"
        warnings.warn(
            f"{of} {len(dataset):,} samples measured are the same as some that were trained on, or that selected the "
            "epoch: new ones may fare worse",
            MtWarning,
            stacklevel=3,
        )
    return dataset

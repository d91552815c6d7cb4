"""The samples that an exported file is held against its model on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mt_core.contract import ModalityDataset
from mt_core.data.loader import Loader
from mt_core.data.subsets import Subset
from mt_core.errors import InputError, OptionError, RunError
from mt_core.model import MetaTransformer
from mt_core.training.evaluation_data import open_for_evaluation
from mt_core.training.trained_on import recorded_parts
from mt_export.errors import ExportError


@dataclass(frozen=True)
class Samples:
    """Prepared samples with their targets, and where they come from."""

    items: list[tuple[dict[str, Tensor], Any]]
    source: str


def validation_samples(
    model: MetaTransformer, data: str | Path | None, at_most: int, num_workers: int | None
) -> Samples:
    """The validation samples of a run, spread evenly over all where there are more than `at_most`.

    Args:
        data: Where the training data lie now, or other labelled data, whose test part is taken then; None: where the
            training data lay.

    Raises:
        OptionError: the data are not there, or the model was trained on samples in memory.
        ExportError: none of them can be read.
    """
    dataset, skips_unreadable = _dataset(model, data)
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(at_most, len(dataset))).round().astype(int)).tolist()
    items: list[tuple[dict[str, Tensor], Any]] = []
    with Loader(
        Subset(dataset, chosen, f"{len(chosen)} samples"), model.tokenizer, batch_size=32, num_workers=num_workers
    ) as loader:
        for read, failed in loader.items():
            if failed and not skips_unreadable:
                raise failed[0]
            items += read
    if not items:
        raise InputError(f"{dataset.source}: none of its samples can be read", fix="name other data (--data)")
    return Samples(items, dataset.source)


def _dataset(model: MetaTransformer, data: str | Path | None) -> tuple[ModalityDataset, bool]:
    """The dataset, and whether samples of it that cannot be read are left out."""
    if model.head is None:
        raise ExportError(
            f"this {model.modality} model has no head, because it has not been trained with labels",
            fix=f"train one that starts from it: mt train {model.modality} --data DIR --out runs/b"
            + (f" --from {model.started_from['run']}" if model.started_from is not None else ""),
        )
    trained = model.trained_on
    if trained is None or (trained.parts is None and trained.root is None):
        if data is None:
            raise OptionError(
                "the validation samples of this run were samples in memory, and the exported file is held against the "
                "model on samples",
                fix="name labelled data of its task (--data, or data=)",
            )
        return open_for_evaluation(model, Path(data), None, None), False
    try:
        recipe, parts = recorded_parts(
            model,
            data,
            needs="an export is held against the model on the validation samples of its training",
            on="the exported file is held against the model on the validation samples of the run",
            by="--data, or data=",
        )
    except RunError:
        if data is None:
            raise
        return open_for_evaluation(model, Path(data), None, None), False
    return parts.val, recipe.skip_unreadable

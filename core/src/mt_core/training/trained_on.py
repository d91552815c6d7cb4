"""What a model was trained on and how, so that its controls are trained on the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.data.training_data import TrainingData, open_training_data
from mt_core.errors import OptionError, RunError
from mt_core.io.notices import Notices, collecting
from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_core.training.recipe import Recipe
from mt_core.training.seen import hashes_of


@dataclass(frozen=True)
class TrainedOn:
    """A training: its settings and its data.

    Attributes:
        recipe: The settings, as `Recipe` writes them.
        root: The folder; None where it was trained on samples in memory or on a dataset.
        parts: The opened data; None of a run that was loaded.
        seconds: How long it took.
    """

    recipe: Mapping[str, Any]
    root: str | None
    parts: TrainingData | None = None
    seconds: float = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        return TrainedOn, (self.recipe, self.root, None, self.seconds)  # a copied model does not take its data along


def training_parts(model: MetaTransformer, root: str | Path | None = None) -> tuple[Recipe, TrainingData]:
    """The recipe and the parts of the data for controls, which train from scratch; see `recorded_parts`.

    Raises:
        OptionError: as `recorded_parts`, or a model whose training started from an adapted tokenizer.
        RunError: as `recorded_parts`.
    """
    if model.trained_on is not None and model.started_from is not None:
        raise OptionError(
            f"controls train from scratch, and this model started from the tokenizer adapted in "
            f"{model.started_from['run']}: they would not be of the same training",
            fix="train without --from where controls are wanted",
        )
    return recorded_parts(
        model,
        root,
        needs="controls need the settings of a training",
        on="controls are trained on the training data of the run",
        by="--train-data, or train_data=",
    )


def recorded_parts(
    model: MetaTransformer, root: str | Path | None = None, *, needs: str, on: str, by: str
) -> tuple[Recipe, TrainingData]:
    """The recipe and the parts of the data that a model was trained with: the very same samples.

    Args:
        root: Where the training data lie now; None: where they lay.
        needs, on, by: For messages: who needs the settings of a training, what for its data, and the option of `root`.

    Raises:
        OptionError: the model was not trained, or on data that are not there any more.
        RunError: the folder holds other samples than those of the training.
    """
    trained: TrainedOn | None = model.trained_on
    if trained is None:
        raise OptionError(f"{needs}, and this model has none", fix="train it with mt.fit or mt train")
    recipe = Recipe.parse({**trained.recipe, "devices": 1, "num_nodes": 1, "shard": False})  # whatever trained it
    if trained.parts is not None and root is None:
        return recipe, trained.parts
    folder = Path(root) if root is not None else Path(trained.root) if trained.root is not None else None
    if folder is None or not folder.exists():
        where = "samples in memory" if folder is None else f"{folder}, which is not there"
        raise OptionError(
            f"{on}: {where}",
            fix=f"name the folder where they lie now ({by})"
            if folder is not None
            else "evaluate the model that mt.fit trained, in the same process",
        )
    with collecting(Notices()):  # the training reported them
        parts = open_training_data(
            get(model.modality).dataset,
            folder,
            model.data_options,
            val_fraction=recipe.val_fraction,
            test_fraction=recipe.test_fraction,
            seed=recipe.seed,
        )
        is_same = model.seen is None or np.array_equal(hashes_of(parts.train, parts.val), model.seen)
    if not is_same:
        raise RunError(
            f"{folder} does not hold the samples that the run was trained on: {on}",
            fix=f"name the folder with the training data as they were ({by})",
        )
    return recipe, parts

"""A folder that is trained on, opened. It needs no model, so that what is wrong with the data is reported before an
encoder is loaded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt_core.data.dataset_options import options_of_both
from mt_core.data.training_data import TrainingData, open_training_data
from mt_core.io.notices import Notices, collecting
from mt_core.plugins import Plugin
from mt_core.training.summary import check_targets

if TYPE_CHECKING:
    from mt_core.contract import Options
    from mt_core.training.recipe import Recipe


def open_folder(plugin: Plugin, root: Path, recipe: Recipe, options: Options, *, strict: bool = False) -> TrainingData:
    """The parts of a folder that a recipe asks for.

    Raises:
        DatasetError: a folder in no known layout, or nothing in it to learn from.
        InputError: something was left out of the data or reinterpreted, and `strict` is set.
    """
    started = time.monotonic()
    notices = Notices(strict=strict, default=str(root))
    with collecting(notices):
        parts = open_training_data(
            plugin.dataset,
            root,
            options,
            val_fraction=recipe.val_fraction,
            test_fraction=recipe.test_fraction,
            seed=recipe.seed,
        )
    notices.check()
    check_targets(parts.train, plugin.name)
    return replace(parts, root=root, options=options, notices=tuple(notices), seconds=time.monotonic() - started)


def open_for_new_model(
    plugin: Plugin,
    root: Path,
    recipe: Recipe,
    *,
    tokenizer_options: Mapping[str, Any],
    data_options: Mapping[str, Any],
    strict: bool = False,
) -> tuple[TrainingData, dict[str, Any]]:
    """A folder's parts, and the tokenizer options that the model is then loaded with: an option that tokenizer and
    dataset both have is given once, to either of them. What the data themselves decide is
    as they say.

    Raises:
        OptionError: an option that does not fit.
        MtError: as `open_folder`.
    """
    for_tokenizer, for_data = options_of_both(plugin, tokenizer_options, data_options)
    parts = open_folder(plugin, root, recipe, for_data, strict=strict)
    return parts, {**for_tokenizer, **parts.train.tokenizer_options()}

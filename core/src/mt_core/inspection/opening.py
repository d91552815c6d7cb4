"""The data that are to be looked at: a folder as `mt train` would take it, or its files where it has no labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mt_core.contract import Classification, Detection, ModalityDataset, Multilabel, Options, Regression, Segmentation
from mt_core.data.dataset_options import dataset_options, options_of_both
from mt_core.data.training_data import TrainingData
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, MtError, OptionError
from mt_core.io.notices import Notices, collecting
from mt_core.io.paths import check_exists, expand, has_suffix
from mt_core.model import MetaTransformer
from mt_core.plugins import Plugin
from mt_core.training import Recipe
from mt_core.training.opening import open_folder
from mt_core.training.summary import data_summary

_LONGEST_FIX = 400  # characters; longer ones list all layouts


@dataclass(frozen=True)
class OpenedData:
    """Data that are to be looked at.

    Attributes:
        root: The folder or file.
        lines: What a training says of them before it begins.
        parts: By name; empty where there are no labels.
        sources: The files, where there are no labels.
        tokenizer_options: What the data decide of the tokenizer.
        notices: What was left out or reinterpreted while they were opened.
        refused: Why they are not to be trained on as they are.
    """

    root: Path
    lines: list[str]
    parts: Mapping[str, ModalityDataset] = field(default_factory=dict)
    sources: Sequence[str] = ()
    tokenizer_options: dict[str, Any] = field(default_factory=dict)
    notices: tuple[DataWarning, ...] = ()
    refused: MtError | None = None


def open_data(
    plugin: Plugin, root: Path, *, tokenizer_options: Mapping[str, Any], data_options: Mapping[str, Any]
) -> OpenedData:
    """Data for a model that is not trained.

    Raises:
        DatasetError: no known layout, and no file of the modality either.
        OptionError: an option that does not fit.
    """
    for_tokenizer, options = options_of_both(plugin, tokenizer_options, data_options)
    opened = _open(plugin, root, Recipe.over(plugin.manifest.recipe, {}), options, bool(data_options))
    return _with_options(opened, for_tokenizer)


def open_data_of_run(
    model: MetaTransformer, plugin: Plugin, root: Path, *, data_options: Mapping[str, Any]
) -> OpenedData:
    """Data as the training of a run takes them.

    Raises:
        MtError: as `open_data`.
    """
    recipe = Recipe.parse(model.trained_on.recipe) if model.trained_on is not None else Recipe()
    return _open(plugin, root, recipe, dataset_options(model, data_options), True)


def _open(plugin: Plugin, root: Path, recipe: Recipe, options: Options, is_asked: bool) -> OpenedData:
    check_exists(root)
    notices = Notices(default=str(root))
    try:
        with collecting(notices):
            data = open_folder(plugin, root, recipe, options)
            parts = _parts(plugin, root, data)
    except (DatasetError, InputError, OptionError) as error:
        if is_asked and isinstance(error, OptionError):
            raise
        return _files(plugin, root, error)
    said_below = ("target: ", "imbalanced: ") if _is_tabled(data.train) else ()
    lines = [line for line in data_summary(data) if not line.startswith(said_below)]
    return OpenedData(
        root, lines, parts, tokenizer_options=data.train.tokenizer_options(), notices=(*data.notices, *notices)
    )


def _with_options(opened: OpenedData, for_tokenizer: Mapping[str, Any]) -> OpenedData:
    options = {**for_tokenizer, **opened.tokenizer_options}
    return replace(opened, tokenizer_options=options)


def _parts(plugin: Plugin, root: Path, data: TrainingData) -> dict[str, ModalityDataset]:
    """Those of a training, and the test split of the data's own, also where it has no labels."""
    parts = {"train": data.train, "val": data.val}
    if data.test is not None:
        parts["test"] = data.test
    try:
        own = plugin.dataset.open(root, "test", task=data.train.task, options=data.options)
    except (MissingSplitError, MtError):
        return parts
    return {**parts, "test" if data.test is None else "test without labels": own}


def _files(plugin: Plugin, root: Path, error: MtError) -> OpenedData:
    """The files below, where they cannot be trained on as they are."""
    try:
        sources = expand([root], plugin.manifest.suffixes)
    except InputError:
        raise error from None
    if root.is_file() and not has_suffix(root, plugin.manifest.suffixes):
        raise error
    fix = error.fix if len(error.fix) <= _LONGEST_FIX else f"`mt info {plugin.name}` lists the layouts"
    why = f"not to be trained on as it is: {error.problem} ({fix})"
    return OpenedData(root, [f"data: {root}, its files without labels", why], sources=sources, refused=error)


def _is_tabled(train: ModalityDataset) -> bool:
    """Whether the target is shown as a table of classes or a histogram, which a line about it would repeat."""
    return isinstance(train.task, Classification | Multilabel | Detection | Regression | Segmentation)

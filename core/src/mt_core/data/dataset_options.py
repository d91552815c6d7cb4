"""What a dataset is opened with. An option that tokenizer and dataset both have is given once, to either of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mt_core.contract import Options
from mt_core.contract.option_types import as_text
from mt_core.errors import OptionError
from mt_core.model import MetaTransformer, check_view, make_tokenizer
from mt_core.plugins import Plugin, get


def dataset_options(model: MetaTransformer, given: Mapping[str, Any]) -> Options:
    """The dataset's options for a model: those that it was trained with, those that its tokenizer has as well, and over
    them those given.

    Raises:
        OptionError: an option that the dataset does not have, or a value of it; or one that the tokenizer has as well,
            with another value.
    """
    own = get(model.modality).dataset.Options
    return combined_options(own, model.tokenizer.options, given, trained_with=model.data_options)


def options_of_both(
    plugin: Plugin, of_tokenizer: Mapping[str, Any], of_data: Mapping[str, Any]
) -> tuple[dict[str, Any], Options]:
    """What a new tokenizer and the data that it is trained on are to be made with, before there is either.

    Args:
        of_tokenizer: What was given for the tokenizer.
        of_data: What was given for the dataset.

    Raises:
        OptionError: an unknown option, or a value of it; or one that both have, with two values.
    """
    check_view(plugin.tokenizer, of_tokenizer)
    own, asked = plugin.dataset.Options, _parsed(plugin.dataset.Options, of_data)
    shared = asked.model_fields_set & plugin.tokenizer.Options.model_fields.keys()
    tokenizer = plugin.tokenizer.Options.parse({**{name: getattr(asked, name) for name in shared}, **of_tokenizer})
    return {**of_tokenizer, **_of_both(tokenizer, own)}, combined_options(own, tokenizer, of_data)


def combined_options(
    own: type[Options], tokenizer: Options, given: Mapping[str, Any], *, trained_with: Options | None = None
) -> Options:
    """The dataset's options: see `dataset_options`, which has them of a model.

    Args:
        own: The dataset's class of options.
        tokenizer: The tokenizer's options.
        given: By name, the options that were given for the data.
        trained_with: The dataset's options of an earlier training.
    """
    of_tokenizer = _of_both(tokenizer, own)
    asked = _parsed(own, given)
    for name in _differing(asked, of_tokenizer):
        of_data, known = as_text(getattr(asked, name)), as_text(of_tokenizer[name])
        raise OptionError(
            f"{name} is {of_data} for the data and {known} for the tokenizer",
            fix=f"give {name} once, as an option of the tokenizer or of the data; a trained model keeps its own",
        )
    before = trained_with.model_dump() if trained_with is not None else {}
    return own.parse({**before, **of_tokenizer, **given})


def share_with_tokenizer(model: MetaTransformer, given: Mapping[str, Any]) -> None:
    """Give a new model's tokenizer the options of the dataset that it has as well, by making it again.

    Left as it is: an option that the tokenizer was made with, and a tokenizer that is not as `load` made it.
    """
    plugin = get(model.modality)
    asked = _parsed(plugin.dataset.Options, given)
    chosen = {name: getattr(model.tokenizer.options, name) for name in model.tokenizer.options.model_fields_set}
    differing = _differing(asked, _of_both(model.tokenizer.options, plugin.dataset.Options))
    if not differing or chosen.keys() & differing:
        return

    def made(options: Mapping[str, Any]) -> MetaTransformer:
        tokenizer = make_tokenizer(plugin.tokenizer, model.encoder, options, model.seed)
        return MetaTransformer(model.modality, tokenizer, model.encoder, seed=model.seed)

    if made(chosen).tokenizer_fingerprint() == model.tokenizer_fingerprint():
        shared = {name: getattr(asked, name) for name in differing}
        model.tokenizer = made({**chosen, **shared}).tokenizer.to(model.device)


def _parsed(own: type[Options], given: Mapping[str, Any]) -> Options:
    """Raises OptionError: also where a task is given, which is no option of any data."""
    if "task" in given and "task" not in own.model_fields:
        raise OptionError(
            f"there is no option 'task' of the data (task={given['task']})",
            fix="leave it out: the task is found from the labels that the data have",
        )
    return own.parse(given)


def _of_both(tokenizer: Options, own: type[Options]) -> dict[str, Any]:
    """The tokenizer's values of the options that the dataset has as well."""
    return {name: getattr(tokenizer, name) for name in own.model_fields if name in type(tokenizer).model_fields}


def _differing(asked: Options, of_tokenizer: Mapping[str, Any]) -> set[str]:
    """The options of both that were given for the dataset with a value that the tokenizer does not have."""
    return {name for name in asked.model_fields_set & of_tokenizer.keys() if getattr(asked, name) != of_tokenizer[name]}

"""How a prediction changes where one input of an item is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mt_core import hooks
from mt_core.data.batches import features_of
from mt_core.model import MetaTransformer


def contributions_of(
    model: MetaTransformer, items: Sequence[dict[str, Tensor]], answers: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Of each item by input: the prediction with all inputs minus that without this one.

    Args:
        items: Prepared samples.
        answers: What the head's `decode` gave for them.

    Returns:
        One mapping a sample, of the inputs it has: for classes the difference in the probability of the predicted
        class, for labels in that of each label, for numbers in the numbers. None for the only input of an item, and for
        a head that gives neither.
    """
    tokenizer, head = model.tokenizer, model.require_head()
    found: list[dict[str, Any]] = [dict.fromkeys(tokenizer.inputs_in(item)) for item in items]
    for name in tokenizer.inputs:
        others = [other for other in tokenizer.inputs if other != name]
        chosen = [at for at, item in enumerate(items) if name in found[at]]
        kept = {at: tokenizer.keep_inputs(items[at], others) for at in chosen}
        there = {at: item for at, item in kept.items() if item is not None}
        if there:
            features = features_of(model, list(there.values()))
            output = hooks.call("mt_predict", modality=model.modality, head=head, features=features)
            for at, without in zip(there, head.decode(output), strict=True):
                found[at][name] = _difference(answers[at], without)
    return found


def _difference(whole: Mapping[str, Any], without: Mapping[str, Any]) -> Any:
    predicted, before, after = whole["prediction"], whole.get("probabilities"), without.get("probabilities")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        if isinstance(predicted, str):
            return before[predicted] - after[predicted]
        return {label: before[label] - after[label] for label in before}
    if isinstance(predicted, float):
        return predicted - without["prediction"]
    if isinstance(predicted, Mapping):
        return {name: value - without["prediction"][name] for name, value in predicted.items()}
    return None

"""What each kind of task promises: of the targets that a dataset gives, and of the predictions that a head decodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import (
    MISSING_CLASS,
    AnyTask,
    Classification,
    Forecasting,
    Multilabel,
    Regression,
    Retrieval,
    Role,
    Segmentation,
)


def known(task: AnyTask, stacked: Tensor) -> Tensor:
    """(B,) bool: the samples of which at least part of the target is known."""
    if isinstance(task, Retrieval):
        return stacked[:, 0] != MISSING_CLASS
    is_known = ~stacked.isnan() if stacked.is_floating_point() else stacked != MISSING_CLASS
    return is_known.flatten(1).any(1) if is_known.ndim > 1 else is_known


def without(task: AnyTask, stacked: Tensor, rows: slice) -> Tensor:
    """Stacked targets, those of some samples not known."""
    missing = stacked.clone()
    if isinstance(task, Retrieval):
        missing[rows, 0] = MISSING_CLASS
    else:
        missing[rows] = math.nan if missing.is_floating_point() else MISSING_CLASS
    return missing


def wrong_with_targets(task: AnyTask, stacked: Tensor) -> str:
    """What a task does not allow of stacked targets and `Task.stack` lets pass; "" for nothing."""
    if not known(task, stacked).any():
        return "no target is known"
    if isinstance(task, Multilabel) and not ((stacked == 0) | (stacked == 1) | stacked.isnan()).all():
        return "a label is neither 0 nor 1 nor NaN"
    if isinstance(task, Regression | Forecasting) and stacked.isinf().any():
        return "a target is infinite"
    if isinstance(task, Retrieval) and not torch.isin(stacked[:, 2], torch.tensor(list(Role))).all():
        return f"a role is none of {', '.join(role.name for role in Role)}"
    return ""


def wrong_with_prediction(task: AnyTask, decoded: Any, target: Tensor) -> str:
    """What is wrong with one prediction of `Head.decode`; "" for nothing.

    Args:
        target: The stacked target of the same sample.
    """
    if not isinstance(decoded, dict) or "prediction" not in decoded:
        return "it is no dict with a key 'prediction'"
    prediction, probability = decoded["prediction"], decoded.get("probability", 1.0)
    if not 0 <= probability <= 1:
        return f"its probability is {probability}"
    test: Callable[[Any], bool]
    if isinstance(task, Classification | Retrieval):
        names = task.classes if isinstance(task, Classification) else task.identities
        test, promise = names.__contains__, "the name of a class, or of an identity"
    elif isinstance(task, Multilabel):
        test, promise = (lambda said: _all_in(said, task.labels)), "a list of labels"
    elif isinstance(task, Segmentation):
        places = int((target != MISSING_CLASS).sum())
        test = lambda said: _all_in(said, task.classes) and len(said) >= places  # noqa: E731
        promise = f"the name of a class for each of {places} places or more"
    elif isinstance(task, Forecasting):
        test = lambda said: _named(said, task.channels, lambda steps: _numbers(steps, task.horizon))  # noqa: E731
        promise = f"for each channel a list of {task.horizon} finite numbers"
    elif len(task.names) == 1:
        test, promise = _is_number, "a finite number"
    else:
        test, promise = (lambda said: _named(said, task.names, _is_number)), "a finite number for each name"
    return "" if test(prediction) else f"the prediction {str(prediction)[:100]!r} is not {promise}"


def _all_in(said: Any, names: tuple[str, ...]) -> bool:
    return isinstance(said, list) and all(name in names for name in said)


def _named(said: Any, names: tuple[str, ...], test: Callable[[Any], bool]) -> bool:
    return isinstance(said, Mapping) and list(said) == list(names) and all(map(test, said.values()))


def _numbers(said: Any, count: int) -> bool:
    return isinstance(said, list) and len(said) == count and all(map(_is_number, said))


def _is_number(said: Any) -> bool:
    return isinstance(said, int | float) and math.isfinite(said)

"""What each kind of task requires of a dataset's targets and of a head's predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mt_core.contract import (
    MISSING_CLASS,
    Alignment,
    AnyTask,
    Classification,
    Detection,
    Forecasting,
    Multilabel,
    Regression,
    Retrieval,
    Role,
    Segmentation,
)


def known(task: AnyTask, stacked: Tensor) -> Tensor:
    """(B,) bool: True for samples of which at least part of the target is known."""
    if isinstance(task, Retrieval):
        return stacked[:, 0] != MISSING_CLASS
    is_known = ~stacked.isnan() if stacked.is_floating_point() else stacked != MISSING_CLASS
    return is_known.flatten(1).any(1) if is_known.ndim > 1 else is_known


def with_missing(task: AnyTask, stacked: Tensor, rows: slice) -> Tensor:
    """Stacked targets in which those of some samples are missing."""
    missing = stacked.clone()
    if isinstance(task, Retrieval):
        missing[rows, 0] = MISSING_CLASS
    else:
        missing[rows] = math.nan if missing.is_floating_point() else MISSING_CLASS
    return missing


def problem_with_targets(task: AnyTask, stacked: Tensor) -> str:
    """What is wrong with stacked targets and was not found by `Task.stack`; "" for nothing."""
    if not known(task, stacked).any():
        return "no target is known"
    if isinstance(task, Multilabel) and not ((stacked == 0) | (stacked == 1) | stacked.isnan()).all():
        return "a label is neither 0 nor 1 nor NaN"
    if isinstance(task, Regression | Forecasting) and stacked.isinf().any():
        return "a target is infinite"
    if isinstance(task, Detection) and (stacked[..., :2] < 0).any():
        return "a box begins left of or above its picture"
    if isinstance(task, Retrieval) and not torch.isin(stacked[:, 2], torch.tensor(list(Role))).all():
        return f"a role is none of {', '.join(role.name for role in Role)}"
    return ""


def problem_with_prediction(task: AnyTask, decoded: Any, target: Tensor) -> str:
    """What is wrong with one prediction of `Head.decode`; "" for nothing.

    Args:
        target: The stacked target of the same sample.
    """
    if not isinstance(decoded, dict) or "prediction" not in decoded:
        return "it is not a dict with a key 'prediction'"
    prediction, probability = decoded["prediction"], decoded.get("probability", 1.0)
    if not 0 <= probability <= 1:
        return f"its probability is {probability}"
    is_valid: Callable[[Any], bool]
    if isinstance(task, Classification | Retrieval):
        names = task.classes if isinstance(task, Classification) else task.identities
        is_valid, expected = names.__contains__, "the name of a class, or of an identity"
    elif isinstance(task, Multilabel):
        is_valid, expected = (lambda value: _all_in(value, task.labels)), "a list of labels"
    elif isinstance(task, Segmentation) and task.of == "pixels":
        is_valid = lambda value: _is_mask(value, target, len(task.classes))  # noqa: E731
        expected = "a mask of the picture: size [H, W], and values and lengths of runs of class indices, row by row"
    elif isinstance(task, Segmentation) and task.of == "points":
        is_valid = lambda value: _are_points(value, target, len(task.classes))  # noqa: E731
        expected = "the points of the scene: size [N], and values and lengths of runs of class indices"
    elif isinstance(task, Segmentation):
        places = int((target != MISSING_CLASS).sum())
        is_valid = lambda value: _all_in(value, task.classes) and len(value) >= places  # noqa: E731
        expected = f"the name of a class for each of {places} places or more"
    elif isinstance(task, Detection):
        is_valid, expected = (
            (lambda value: _objects(value, task.classes)),
            ("a list of objects: class, score of 0 to 1, and box of left, top, right and bottom in pixels"),
        )
    elif isinstance(task, Forecasting):
        is_valid = lambda value: _named(value, task.channels, lambda steps: _numbers(steps, task.horizon))  # noqa: E731
        expected = f"for each channel a list of {task.horizon} finite numbers"
    elif isinstance(task, Alignment):
        is_valid, expected = (lambda value: _numbers(value, task.width)), f"a list of {task.width} finite numbers"
    elif len(task.names) == 1:
        is_valid, expected = _is_number, "a finite number"
    else:
        is_valid, expected = (lambda value: _named(value, task.names, _is_number)), "a finite number for each name"
    return "" if is_valid(prediction) else f"the prediction {str(prediction)[:100]!r} is not {expected}"


def _all_in(value: Any, names: tuple[str, ...]) -> bool:
    return isinstance(value, list) and all(name in names for name in value)


def _is_mask(value: Any, target: Tensor, num_classes: int) -> bool:
    """Whether runs make a mask that has every pixel whose class is known."""
    if not _are_runs(value, num_classes) or len(value["size"]) != 2:
        return False
    height, width = value["size"]
    places = (target != MISSING_CLASS).nonzero()
    most_rows, most_columns = (int(end) + 1 for end in places.max(0).values) if len(places) else (0, 0)
    return bool(most_rows <= height and most_columns <= width)


def _are_points(value: Any, target: Tensor, num_classes: int) -> bool:
    """Whether runs have a class for every point whose class is known."""
    known = (target != MISSING_CLASS).nonzero()
    most = int(known.max()) + 1 if len(known) else 0
    return _are_runs(value, num_classes, least=-1) and len(value["size"]) == 1 and most <= value["size"][0]


def _are_runs(value: Any, num_classes: int, least: int = 0) -> bool:
    """Whether it is runs of class indices, as many together as its size says."""
    if not isinstance(value, Mapping) or not {"size", "values", "lengths"} <= value.keys():
        return False
    values, lengths = value["values"], value["lengths"]
    return (
        len(values) == len(lengths)
        and sum(lengths) == math.prod(value["size"])
        and all(least <= index < num_classes for index in values)
    )


def _objects(value: Any, classes: tuple[str, ...]) -> bool:
    """Whether it is a list of objects, with boxes that have an area and lie right of and below the corner 0, 0."""
    return isinstance(value, list) and all(
        isinstance(each, Mapping)
        and each.get("class") in classes
        and _is_number(each.get("score"))
        and 0 <= each["score"] <= 1
        and _numbers(each.get("box"), 4)
        and 0 <= each["box"][0] < each["box"][2]
        and 0 <= each["box"][1] < each["box"][3]
        for each in value
    )


def _named(value: Any, names: tuple[str, ...], is_valid: Callable[[Any], bool]) -> bool:
    return isinstance(value, Mapping) and list(value) == list(names) and all(map(is_valid, value.values()))


def _numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)

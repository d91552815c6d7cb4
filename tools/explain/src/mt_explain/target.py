"""What is explained of a prediction: one class, one number, or the prediction as a whole.  S variants, K classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mt_core.contract import Classification, Detection, Forecasting, Head, Multilabel, Regression, Segmentation
from mt_core.errors import OptionError

Read = Callable[[Tensor], Tensor]
"""From the head's output (S, …) to one number a variant (S,)."""


@dataclass(frozen=True)
class Target:
    """What is explained.

    Attributes:
        name: The class, label, quantity or channel; "" for the prediction as a whole.
        unit: What attributions are measured in: "log-odds", "units of price", "share of the prediction".
        value: What is held against that of a sample with parts absent: a probability, or how near the output is to that
            of the whole sample, 1 for the same.
        score: What attributions add up to, differentiable.
        is_signed: Whether a part may speak against the target; of numbers and whole predictions both directions count.
    """

    name: str
    unit: str
    value: Read
    score: Read
    is_signed: bool


def target_of(head: Head, whole: Tensor, nothing: Tensor, name: str | None = None) -> Target:
    """What is explained.

    Args:
        whole: (1, …) the output for the sample.
        nothing: (1, …) the output for a sample whose tokens are all their mean, which the prediction is held against.
        name: A class, label, quantity or channel; None: the predicted class, the likeliest label, the only quantity, or
            all of them.

    Raises:
        OptionError: a name that the task does not have.
    """
    task = head.task
    if isinstance(task, Detection):
        return _of_object(task, whole, name)
    if isinstance(task, Classification):
        index = int(whole[0].argmax()) if name is None else _index(name, task.classes, "class")
        return Target(task.classes[index], "log-odds", _probability(index), _log_odds(index), True)
    if isinstance(task, Multilabel):
        index = int(whole[0].argmax()) if name is None else _index(name, task.labels, "label")
        return Target(task.labels[index], "log-odds", lambda o: o[:, index].sigmoid(), lambda o: o[:, index], True)
    if isinstance(task, Regression) and (name is not None or len(task.names) == 1):
        index = 0 if name is None else _index(name, task.names, "quantity")
        return _number(head, whole, index, task.names[index])
    if isinstance(task, Segmentation):
        return _of_places(task, whole, name)
    if isinstance(task, Forecasting) and name is not None:
        return _as_a_whole(whole, nothing, _index(name, task.channels, "channel"), name)
    if name is not None and not isinstance(task, Regression | Forecasting):
        raise OptionError(f"a {task.kind} has no targets with names", fix="leave --target out")
    return _as_a_whole(whole, nothing, None, "")


def _index(name: str, names: tuple[str, ...], what: str) -> int:
    if name not in names:
        raise OptionError(
            f"there is no {what} called {name!r}",
            fix=f"the run has {', '.join(names[:20])}{' and others' if len(names) > 20 else ''}",
        )
    return names.index(name)


def _probability(index: int) -> Read:
    return lambda output: output.softmax(-1)[..., index]


def _log_odds(index: int) -> Read:
    def read(output: Tensor) -> Tensor:
        if output.shape[-1] == 1:
            return output[..., 0]
        others = torch.cat([output[..., :index], output[..., index + 1 :]], dim=-1)
        return output[..., index] - others.logsumexp(-1)

    return read


def _number(head: Head, whole: Tensor, index: int, name: str) -> Target:
    """A number in its own unit, which the head's `decode` knows: it is linear in the output."""
    zero, one = (_decoded(head, torch.full_like(whole, level), name) for level in (0.0, 1.0))
    scale = one - zero

    def score(output: Tensor) -> Tensor:
        return output[:, index] * scale + zero

    reference = score(whole)
    return Target(name, f"units of {name}", _nearness(score, reference, abs(scale)), score, False)


def _decoded(head: Head, output: Tensor, name: str) -> float:
    decoded = head.decode(output)[0]["prediction"]
    return float(decoded[name] if isinstance(decoded, dict) else decoded)


def _nearness(read: Read, reference: Tensor, scale: float) -> Read:
    """1 where the number is that of the whole sample, towards 0 where it is far: a half at one standard deviation."""
    return lambda output: 1 / (1 + (read(output) - reference).abs() / max(scale, 1e-12))


def _as_a_whole(whole: Tensor, nothing: Tensor, column: int | None, name: str) -> Target:
    """How far an output has come from that of the mean token to that of the sample, along the line between them."""

    def chosen(output: Tensor) -> Tensor:
        return (output if column is None else output[..., column]).flatten(1)

    end, start = chosen(whole), chosen(nothing)
    way = end - start
    length = way.square().sum().clamp(min=1e-12)

    def score(output: Tensor) -> Tensor:
        return ((chosen(output) - start) * way).sum(1) / length

    def value(output: Tensor) -> Tensor:
        nearness: Tensor = 1 / (1 + (chosen(output) - end).square().sum(1).sqrt() / length.sqrt())
        return nearness

    return Target(name, "share of the prediction", value, score, False)


def _of_places(task: Segmentation, whole: Tensor, name: str | None) -> Target:
    """A class in the places that have it; logits are (B, P, K), of pixels (B, H, W, K)."""
    logits = whole[0].flatten(0, -2)
    is_there = ~logits.isnan().any(-1)
    predicted = logits.nan_to_num().argmax(-1)
    counts = torch.bincount(predicted[is_there], minlength=len(task.classes))
    index = int(counts.argmax()) if name is None else _index(name, task.classes, "class")
    chosen = is_there & (predicted == index) if counts[index] else is_there

    def at(output: Tensor) -> Tensor:
        return output.flatten(1, -2)[:, chosen]

    probability, log_odds = _probability(index), _log_odds(index)
    return Target(
        task.classes[index],
        "log-odds",
        lambda output: probability(at(output)).mean(1),
        lambda output: log_odds(at(output)).mean(1),
        True,
    )


def _of_object(task: Detection, whole: Tensor, name: str | None) -> Target:
    """The likeliest object, by the logit of its class in its cell; of (B, A, …) the first K numbers are logits."""
    logits_AK = whole[0, :, : len(task.classes)].nan_to_num(-torch.inf)
    column = int(logits_AK.amax(0).argmax()) if name is None else _index(name, task.classes, "class")
    cell = int(logits_AK[:, column].argmax())

    def score(output: Tensor) -> Tensor:
        return output[:, cell, column]

    return Target(task.classes[column], "log-odds", lambda output: score(output).sigmoid(), score, True)

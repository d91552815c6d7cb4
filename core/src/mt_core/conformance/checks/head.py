"""What the head makes of features.  B samples."""

from __future__ import annotations

import inspect
import json
import math
import re
from typing import NamedTuple

import torch
from torch import Tensor

from mt_core import heads
from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import WIDTH, PluginFixture
from mt_core.conformance.task_rules import without, wrong_with_prediction
from mt_core.contract import Head, task_from
from mt_core.training.metrics import values_of


class Answered(NamedTuple):
    """What a new head in evaluation mode makes of the test split.

    Attributes:
        output: (B, …), with its graph.
        target: The stacked targets.
    """

    head: Head
    output: Tensor
    target: Tensor


def answered(subject: PluginFixture) -> Answered:
    """The test split through tokenizer, encoder and a new head."""
    head = subject.head().eval()
    examples = (subject.test[row] for row in range(len(subject.test)))
    return Answered(head, head(subject.test_features), subject.test.task.stack([target for _, target in examples]))


@check()
def the_plugins_own_head_takes_the_demos_task(subject: PluginFixture) -> None:
    """A head that is none of the core's takes tasks of the demonstration's kind: else it is not examined."""
    head, kind = subject.plugin.head, subject.train.task.kind
    is_own = not head.__module__.startswith("mt_core.")
    expect(
        kind in head.kinds or not is_own,
        f"{head.__name__} takes {', '.join(head.kinds)}, and the demonstration is for {kind}: give a demonstration "
        "that shows the head at work",
    )


@check()
def options_that_the_recipe_gives_the_head_are_known(subject: PluginFixture) -> None:
    """Each option of `recipe.head` in plugin.toml is one of the plugin's head or, for tasks of another kind, of one of
    the core's: elsewhere it would be left out without a word."""
    cores = [each for each in vars(heads).values() if isinstance(each, type) and issubclass(each, Head)]
    known = {name for head in (subject.plugin.head, *cores) for name in inspect.signature(head).parameters}
    unknown = subject.manifest.recipe.get("head", {}).keys() - known
    expect(
        not unknown,
        f"recipe.head in plugin.toml has {', '.join(unknown)}; the options of {subject.plugin.head.__name__} are "
        f"{', '.join(list(inspect.signature(subject.plugin.head).parameters)[2:])}",
    )


@check()
def loss_is_finite_and_differentiable(subject: PluginFixture) -> None:
    """The loss of the test split is one finite number, and its gradient reaches parameters of the head, finite."""
    head, output, target = answered(subject)
    loss = head.loss(output, target)
    expect(loss.ndim == 0 and bool(loss.isfinite()), f"the loss is {loss.detach()}, not one finite number")
    expect(loss.requires_grad, "the loss has no gradient")
    torch.autograd.backward(loss)
    gradients = [each.grad for each in head.parameters() if each.grad is not None]
    expect(all(bool(each.isfinite().all()) for each in gradients), "a gradient of the loss is not finite")
    expect(
        any(bool(each.any()) for each in gradients), "the gradient of the loss is zero for each parameter of the head"
    )


@check()
def missing_targets_add_nothing_to_the_loss(subject: PluginFixture) -> None:
    """Where the targets of some samples are not known, the loss is the same whatever the output for them; where none is
    known it is zero and can be differentiated."""
    head, output, target = answered(subject)
    some = slice(0, len(target) // 2)
    partly = without(subject.test.task, target, some)
    nudged = output.detach().clone()
    nudged[some] = nudged[some].flip(-1) + 1
    one, other = (float(head.loss(each, partly)) for each in (output, nudged))
    expect(
        math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6),
        f"with the targets of half the samples missing, the loss is {one:.4g}, and {other:.4g} for another output for "
        "them: leave out what `Task.stack` marks as missing",
    )
    nothing = head.loss(output, without(subject.test.task, target, slice(None)))
    expect(float(nothing) == 0, f"with all targets missing the loss is {float(nothing):.4g}, not zero")
    expect(nothing.requires_grad, "with all targets missing the loss has no gradient: give `output.sum() * 0.0`")


@check()
def decode_gives_what_the_task_promises(subject: PluginFixture) -> None:
    """`decode` gives one prediction a sample that JSON can hold, with the key "prediction": a class of the task, a list
    of its labels, a finite number or one a name, a class a place, or a list of the horizon's length a channel; and
    `line` says it in one line."""
    head, output, target = answered(subject)
    decoded = head.decode(output.detach())
    expect(len(decoded) == len(target), f"decode gives {len(decoded)} predictions of {len(target)} samples")
    for row, prediction in enumerate(decoded):
        try:
            json.dumps(prediction, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Failed(f"the prediction of test sample {row} cannot be written as JSON ({error})") from None
        wrong = wrong_with_prediction(subject.test.task, prediction, target[row])
        expect(not wrong, f"the prediction of test sample {row}: {wrong}")
        line = head.format_prediction(prediction)
        expect(bool(line.strip()) and "\n" not in line, f"`line` says {line!r} of a prediction, which is not one line")


@check()
def metrics_are_named_as_documented(subject: PluginFixture) -> None:
    """Each metric is named in the docstring of `metrics`, `primary` is one of them, and of the test split each can be
    computed and is finite."""
    head, output, target = answered(subject)
    values = _measured(head, output, target)
    said = inspect.getdoc(type(head).metrics) or ""
    unsaid = [name for name in values if not re.search(rf"\b{re.escape(name)}\b", said)]
    expect(not unsaid, f"the docstring of {type(head).__name__}.metrics does not name {', '.join(unsaid)}")
    expect(head.primary in values, f"primary is {head.primary!r}, and the metrics are {', '.join(values)}")
    _expect_finite(values)


@check()
def the_naive_answer_is_measured(subject: PluginFixture) -> None:
    """Where the head has a `baseline` answer from the training targets alone, the metrics of it are finite."""
    head, _, target = answered(subject)
    answer = head.baseline(subject.train.task.stack(subject.train.targets()), target)
    if answer is not None:
        _expect_finite(_measured(head, answer, target))


@check()
def the_head_is_made_again_from_its_options(subject: PluginFixture) -> None:
    """`options` names each keyword argument that the head is made with, JSON can hold them, and a head made from them,
    the task as JSON and the saved state, of weights other than those it began with, gives the same output."""
    head = subject.head().eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    options = json.loads(json.dumps(head.options(), allow_nan=False))
    parameters = inspect.signature(type(head)).parameters.values()
    named = [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    lacking = [name for name in named[2:] if name not in options]
    expect(not lacking, f"options() does not name {', '.join(lacking)}, so that a saved head is made with the default")
    again = type(head)(WIDTH, task_from(json.loads(subject.train.task.model_dump_json())), **options)
    again.load_state_dict(head.state_dict())
    one, other = head(subject.test_features), again.eval()(subject.test_features)
    expect(
        torch.equal(one.nan_to_num(-1e30), other.nan_to_num(-1e30)),
        "a head made again from options, task and state gives another output: keep in buffers what `calibrate` learns",
    )


def _measured(head: Head, output: Tensor, target: Tensor) -> dict[str, float]:
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(output.detach(), target))
    return values_of(metrics)


def _expect_finite(values: dict[str, float]) -> None:
    wrong = [f"{name} is {value}" for name, value in values.items() if not math.isfinite(value)]
    expect(not wrong, f"{', '.join(wrong)}: metrics take what `measured` gives of outputs and targets")

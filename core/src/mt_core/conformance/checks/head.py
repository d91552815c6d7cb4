"""The head: its options, loss, predictions and metrics.  B samples."""

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
from mt_core.conformance.task_rules import problem_with_prediction, with_missing
from mt_core.contract import Head, task_from
from mt_core.training.metrics import values_of


class HeadOutput(NamedTuple):
    """The output of a new head, in evaluation mode, for the test split.

    Attributes:
        output: (B, …), with its autograd graph.
        target: The stacked targets.
    """

    head: Head
    output: Tensor
    target: Tensor


def head_output(plugin: PluginFixture) -> HeadOutput:
    """Run the test split through tokenizer, encoder and a new head."""
    head = plugin.make_head().eval()
    examples = (plugin.test[row] for row in range(len(plugin.test)))
    return HeadOutput(head, head(plugin.test_features), plugin.test.task.stack([target for _, target in examples]))


@check()
def the_plugins_head_accepts_the_demos_task(plugin: PluginFixture) -> None:
    """A head of the plugin's own accepts the kind of task of the demo: else the other checks would not test it."""
    head, kind = plugin.head_class, plugin.train.task.kind
    is_own = not head.__module__.startswith("mt_core.")
    expect(
        kind in head.kinds or not is_own,
        f"{head.__name__} accepts {', '.join(head.kinds)}, and the demo is for {kind}: make a demo that uses the head",
    )


@check()
def head_options_of_the_recipe_exist(plugin: PluginFixture) -> None:
    """Each option of `recipe.head` in plugin.toml is one of the plugin's head or, for tasks of another kind, of one of
    the core's: elsewhere it would be left out without a word."""
    core_heads = [each for each in vars(heads).values() if isinstance(each, type) and issubclass(each, Head)]
    known = {name for head in (plugin.head_class, *core_heads) for name in head.Options.model_fields}
    unknown = plugin.manifest.recipe.get("head", {}).keys() - known
    expect(
        not unknown,
        f"recipe.head in plugin.toml has {', '.join(unknown)}; the options of {plugin.head_class.__name__} are "
        f"{', '.join(plugin.head_class.Options.model_fields)}",
    )


@check()
def loss_is_finite_and_differentiable(plugin: PluginFixture) -> None:
    """The loss of the test split is one finite number; its gradient is finite and not zero for some parameter of the
    head."""
    head, output, target = head_output(plugin)
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
def missing_targets_add_nothing_to_the_loss(plugin: PluginFixture) -> None:
    """If the targets of some samples are missing, the loss does not depend on their outputs; if all are missing, it is
    zero and has a gradient."""
    head, output, target = head_output(plugin)
    some = slice(0, len(target) // 2)
    partial_target = with_missing(plugin.test.task, target, some)
    nudged = output.detach().clone()
    nudged[some] = nudged[some].flip(-1) + 1
    one, other = (float(head.loss(each, partial_target)) for each in (output, nudged))
    expect(
        math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6),
        f"with the targets of half the samples missing, the loss is {one:.4g}, and {other:.4g} for another output for "
        "them: leave out what `Task.stack` marks as missing",
    )
    nothing = head.loss(output, with_missing(plugin.test.task, target, slice(None)))
    expect(float(nothing) == 0, f"with all targets missing the loss is {float(nothing):.4g}, not zero")
    expect(nothing.requires_grad, "with all targets missing the loss has no gradient: give `output.sum() * 0.0`")


@check()
def predictions_fit_the_task(plugin: PluginFixture) -> None:
    """`decode` returns one JSON-compatible dict for each sample. Its "prediction" is a class of the task, a list of
    labels, a finite number or one for each name, a class for each place, a list of objects with their boxes, or
    for each channel a list of the horizon's length. `format_prediction` writes it in one line."""
    head, output, target = head_output(plugin)
    decoded = head.decode(output.detach())
    expect(len(decoded) == len(target), f"decode returns {len(decoded)} predictions for {len(target)} samples")
    for row, prediction in enumerate(decoded):
        try:
            json.dumps(prediction, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Failed(f"the prediction of test sample {row} cannot be written as JSON ({error})") from None
        problem = problem_with_prediction(plugin.test.task, prediction, target[row])
        expect(not problem, f"the prediction of test sample {row}: {problem}")
        line = head.format_prediction(prediction)
        expect(bool(line.strip()) and "\n" not in line, f"`format_prediction` returns {line!r}, which is not one line")


@check()
def metrics_are_documented(plugin: PluginFixture) -> None:
    """The docstring of `metrics` names each metric (those of single classes as in `iou_…`), `primary` is one of them,
    and all are finite for the test split."""
    head, output, target = head_output(plugin)
    values = _metric_values(head, output, target)
    documented = inspect.getdoc(type(head).metrics) or ""
    names = {_without_class(name, head) for name in values}
    missing = [name for name in names if not re.search(rf"\b{re.escape(name)}(?!\w)", documented)]
    expect(not missing, f"the docstring of {type(head).__name__}.metrics does not name {', '.join(missing)}")
    expect(head.primary in values, f"primary is {head.primary!r}, and the metrics are {', '.join(values)}")
    _expect_finite(values, head)


@check()
def the_baseline_has_finite_metrics(plugin: PluginFixture) -> None:
    """If the head has a `baseline`, an answer from the training targets alone, its metrics are finite."""
    head, _, target = head_output(plugin)
    answer = head.baseline(plugin.train.task.stack(plugin.train.targets()), target)
    if answer is not None:
        _expect_finite(_metric_values(head, answer, target), head)


@check()
def a_head_is_restored_from_its_options(plugin: PluginFixture) -> None:
    """The head's options can be written as JSON. A head that is made from them, the task as JSON and the saved state,
    whose weights were changed first, gives the same output."""
    head = plugin.make_head().eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    options = json.loads(json.dumps(head.options.model_dump(mode="json"), allow_nan=False))
    task = task_from(json.loads(plugin.train.task.model_dump_json()))
    restored = type(head)(WIDTH, task, type(head).Options.parse(options))
    restored.load_state_dict(head.state_dict())
    one, other = head(plugin.test_features), restored.eval()(plugin.test_features)
    expect(
        torch.equal(one.nan_to_num(-1e30), other.nan_to_num(-1e30)),
        "a head restored from options, task and state gives another output: keep in buffers what `calibrate` learns",
    )


def _metric_values(head: Head, output: Tensor, target: Tensor) -> dict[str, float]:
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(output.detach(), target))
    return values_of(metrics)


def _without_class(name: str, head: Head) -> str:
    """The name of a metric; of one class's as a docstring has it: "iou_…"."""
    of_class = max(
        (each for each in getattr(head.task, "classes", ()) if name.endswith(f"_{each}")), key=len, default=""
    )
    return f"{name.removesuffix(of_class)}…" if of_class else name


def _expect_finite(values: dict[str, float], head: Head) -> None:
    """All but those of single classes, which need not occur."""
    wanted = {name: value for name, value in values.items() if _without_class(name, head) == name}
    infinite = [f"{name} is {value}" for name, value in wanted.items() if not math.isfinite(value)]
    expect(not infinite, f"{', '.join(infinite)}: metrics are computed from what `metric_inputs` returns")

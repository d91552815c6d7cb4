"""Training changes the tokenizer and the head, and never the encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import WIDTH, PluginFixture, small_encoder
from mt_core.conformance.trial_training import BATCH_SIZE, TrialTraining
from mt_core.contract import Detection, Example, Tokenizer
from mt_core.data.loader import Batch
from mt_core.errors import FingerprintError, MtError
from mt_core.model import seeded

_STEPS, _EVAL_EVERY = 200, 10  # most need 20 to 60, drawn graphs a hundred
_LEARNED = 0.3  # of the loss of the best constant answer
_LEARNED_OF_OBJECTS = 0.6  # the cross-entropy of a centrality, which is a share, is not zero at its best
_NO_LOSS = 1e-3


@check()
def gradients_reach_every_parameter(plugin: PluginFixture) -> None:
    """Tokenizer and head are trained for one augmented epoch of the demo: every parameter of the tokenizer is used in
    the computation, and most of them get a gradient that is not zero."""
    trial = TrialTraining(plugin)
    unused = {name for name, _ in trial.tokenizer.named_parameters()}
    zero, total = set(unused), len(unused)
    expect(total > 0, "the tokenizer has no parameters: let it learn something, at least a linear map")
    for batch in trial.batches():
        trial.step(batch)
        for name, parameter in trial.tokenizer.named_parameters():
            if parameter.grad is not None:
                unused.discard(name)
                if parameter.grad.any():
                    zero.discard(name)
    expect(
        not unused,
        f"no gradient reaches {_some(unused)}: remove what forward does not use, and look for no_grad, detach, .data "
        "and conversions to numbers on the way to the tokens",
    )
    expect(
        len(zero) <= total / 2,
        f"the gradient of {len(zero)} of {total} parameters is always zero ({_some(zero)}): find the cause",
    )


@check(waivable=False)
def no_gradient_reaches_the_encoder(plugin: PluginFixture) -> None:
    """After a training step no parameter of the encoder requires a gradient or has one, and the tokenizer holds none of
    them."""
    encoder = small_encoder(WIDTH)
    trial = TrialTraining(plugin, encoder)
    trial.step(next(trial.batches()))
    own = {id(parameter): name for name, parameter in encoder.named_parameters()}
    held = {name for name, parameter in trial.tokenizer.named_parameters() if id(parameter) in own}
    expect(
        not held,
        f"the tokenizer holds the encoder's parameters as {_some(held)}: copy values instead",
    )
    trained = {name for name, each in encoder.named_parameters() if each.requires_grad or each.grad is not None}
    expect(
        not trained,
        f"the encoder's {_some(trained)} would be trained: do not change a frozen encoder in init_from_encoder",
    )


@check(waivable=False)
def the_encoder_is_unchanged_by_training(plugin: PluginFixture) -> None:
    """`init_from_encoder` and an epoch of training change no bit of the encoder."""
    encoder = small_encoder(WIDTH)
    trial = TrialTraining(plugin, encoder)
    when = "init_from_encoder"
    try:
        encoder.verify()
        when = "training"
        for batch in trial.batches():
            trial.step(batch)
        encoder.verify()
    except FingerprintError:
        raise Failed(
            f"the encoder has changed after {when}: copy its tensors (clone, copy_), and never write to them or "
            "share their memory"
        ) from None
    expect(not any(module.training for module in encoder.modules()), "parts of the encoder are in training mode")


@check()
def a_dozen_samples_can_be_learned(plugin: PluginFixture) -> None:
    """Twelve training samples of the demo, without augmentation, are trained on for at most two hundred steps: in
    evaluation mode the loss falls below 30 % of that of the best constant answer (of objects 60 %: the loss of the best
    boxes is not zero)."""
    trial = TrialTraining(plugin)
    examples = _dozen(plugin)
    inputs = plugin.batch(trial.tokenizer, [example.sample for example in examples])
    target = plugin.train.task.stack([example.target for example in examples])
    batch = Batch(inputs=inputs, target=target, failed=[])
    constant = trial.constant_loss(batch, _STEPS)
    expect(constant > _NO_LOSS, f"a constant answer has a loss of {constant:.2g}: let the demo's targets differ")
    share = _LEARNED_OF_OBJECTS if isinstance(plugin.train.task, Detection) else _LEARNED
    least = float("inf")
    for number in range(_STEPS):
        trial.step(batch)
        if (number + 1) % _EVAL_EVERY == 0:
            least = min(least, trial.loss(batch))
            if least < share * constant:
                return
    raise Failed(
        f"after {_STEPS} steps on {len(examples)} samples their loss is {least:.3g}, a constant answer's "
        f"{constant:.3g}: let tokens differ between samples, and be the same in training "
        "and in evaluation (dropout, batch norms)"
    )


@check()
def calibration_uses_the_given_examples_alone(plugin: PluginFixture) -> None:
    """`calibrate` accepts an iterator of training examples and opens no other data. Called a second time, it gives what
    a new tokenizer would give."""
    examples = plugin.train_examples
    with _no_other_data(plugin):
        expected, again = (plugin.make_tokenizer(calibrated=False) for _ in range(2))
        _calibrate(expected, examples)
        _calibrate(again, examples[: len(examples) // 2])
        _calibrate(again, examples)
    first, second = (json.dumps(each.calibration(), sort_keys=True) for each in (expected, again))
    expect(
        first == second,
        f"the same examples give {_short(first)} the first time and {_short(second)} after other ones: let calibrate "
        "forget what it learned before",
    )


@check(needs="needs_calibration")
def calibration_is_required(plugin: PluginFixture) -> None:
    """Before `calibrate`, making tokens of the test samples raises an error that says what to do."""
    try:
        plugin.tokens(plugin.make_tokenizer(calibrated=False))
    except MtError as error:
        expect(bool(error.fix), f"before calibration the error {error.problem!r} has no fix: say how to calibrate")
    except Exception as error:
        raise Failed(
            f"before calibration it raises {type(error).__name__} ({error}): raise an MtError whose fix says how to "
            "calibrate"
        ) from error
    else:
        raise Failed("it makes tokens before calibration: raise an error, or do not declare needs_calibration")


@check(needs="init_from_encoder")
def init_from_encoder_uses_the_encoder(plugin: PluginFixture) -> None:
    """Two tokenizers for encoders that differ in their weights alone have different states, in one of their views."""

    def differ(**options: Any) -> bool:
        one, other = (
            plugin.make_tokenizer_for(small_encoder(WIDTH, seed), calibrated=False, **options).state_dict()
            for seed in range(2)
        )
        return any(not torch.equal(tensor, other[name]) for name, tensor in one.items())

    has_views = "view" in plugin.tokenizer_class.Options.model_fields
    expect(
        differ() or (has_views and differ(view="picture")),
        "init_from_encoder uses nothing of the encoder's weights: copy its patch embedding or its positions, or do "
        "not declare init_from_encoder",
    )


def _dozen(plugin: PluginFixture) -> list[Example]:
    """Twelve training examples with at least two different targets."""
    examples, targets = plugin.train_examples, [repr(target) for target in plugin.train.targets()]
    others = [example for example, target in zip(examples, targets, strict=True) if target != targets[0]]
    is_constant = len(set(targets[:BATCH_SIZE])) == 1
    return [*examples[: BATCH_SIZE - 1], others[0]] if is_constant and others else examples[:BATCH_SIZE]


def _calibrate(tokenizer: Tokenizer, examples: list[Example]) -> None:
    with seeded(0):
        tokenizer.calibrate(iter(examples))


@contextmanager
def _no_other_data(plugin: PluginFixture) -> Iterator[None]:
    """Make the plugin's datasets unusable."""

    def refuse(*args: Any, **options: Any) -> None:
        raise Failed("calibrate opens data of its own: learn from the examples that it is given, and nothing else")

    dataset = plugin.dataset_class
    with mock.patch.object(dataset, "demo", refuse), mock.patch.object(dataset, "open", refuse):
        yield


def _some(names: set[str]) -> str:
    return f"{', '.join(sorted(names)[:5])}{' …' * (len(names) > 5)}"


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"

"""What training does to a tokenizer, and never to the encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch

from mt_core.conformance.check import Failed, check, expect
from mt_core.conformance.fixture import WIDTH, PluginFixture, small_encoder
from mt_core.conformance.trial_training import BATCH, TrialTraining
from mt_core.contract import Example, Tokenizer
from mt_core.errors import FingerprintError, MtError
from mt_core.model import seeded

_STEPS, _EVERY = 100, 10
_ENOUGH = 0.3  # of the loss of the best constant answer
_NO_LOSS = 1e-3


@check()
def gradients_reach_every_parameter(subject: PluginFixture) -> None:
    """Tokenizer and head take a step on each batch of the demonstration's training split, augmented: every parameter
    of the tokenizer is part of what is computed, and most of them, which samples alone decide, get a gradient."""
    lesson = TrialTraining(subject)
    absent = {name for name, _ in lesson.tokenizer.named_parameters()}
    still, total = set(absent), len(absent)
    expect(total > 0, "the tokenizer has no parameters: let it learn something, a linear map at least")
    for batch in lesson.batches():
        lesson.step(batch)
        for name, parameter in lesson.tokenizer.named_parameters():
            if parameter.grad is not None:
                absent.discard(name)
                if parameter.grad.any():
                    still.discard(name)
    expect(
        not absent,
        f"no gradient reaches {_some(absent)}: take out what forward does not use, and look for no_grad, detach, .data "
        "and conversions to numbers on the way to the tokens",
    )
    expect(
        len(still) <= total / 2,
        f"the gradient of {len(still)} of {total} parameters is always zero ({_some(still)}): find what makes it so",
    )


@check(waivable=False)
def no_gradient_reaches_the_encoder(subject: PluginFixture) -> None:
    """After a step of training, no parameter of the encoder asks for a gradient or has one, and the tokenizer holds
    none of them."""
    encoder = small_encoder(WIDTH)
    lesson = TrialTraining(subject, encoder)
    lesson.step(next(lesson.batches()))
    own = {id(parameter): name for name, parameter in encoder.named_parameters()}
    held = {name for name, parameter in lesson.tokenizer.named_parameters() if id(parameter) in own}
    expect(
        not held,
        f"the tokenizer holds the encoder's parameters as {_some(held)}: copy values and keep nothing",
    )
    touched = {name for name, each in encoder.named_parameters() if each.requires_grad or each.grad is not None}
    expect(
        not touched,
        f"the encoder's {_some(touched)} would be trained: it is frozen, do not change it in init_from_encoder",
    )


@check(waivable=False)
def the_encoder_is_unchanged_by_training(subject: PluginFixture) -> None:
    """Adopting from an encoder, and training on the demonstration's training split, leave every bit of it as it was."""
    encoder = small_encoder(WIDTH)
    lesson = TrialTraining(subject, encoder)
    when = "adopted"
    try:
        encoder.verify()
        when = "trained"
        for batch in lesson.batches():
            lesson.step(batch)
        encoder.verify()
    except FingerprintError:
        raise Failed(
            f"the encoder is another once the tokenizer has {when}: copy its tensors (clone, copy_), and never write "
            "to them or share their memory"
        ) from None
    expect(not any(module.training for module in encoder.modules()), "parts of the encoder are in training mode")


@check()
def a_dozen_samples_can_be_learned(subject: PluginFixture) -> None:
    """Twelve training samples of the demonstration, without augmentation, a hundred steps at most: in evaluation mode
    the loss falls below 30 % of what the best constant answer would have."""
    lesson = TrialTraining(subject)
    examples = _dozen(subject)
    batch = lesson.batch(examples)
    blind = lesson.blind_loss(batch, _STEPS)
    expect(blind > _NO_LOSS, f"a constant answer has a loss of {blind:.2g}: let the demonstration's targets differ")
    least = float("inf")
    for number in range(_STEPS):
        lesson.step(batch)
        if (number + 1) % _EVERY == 0:
            least = min(least, lesson.loss(batch))
            if least < _ENOUGH * blind:
                return
    raise Failed(
        f"after {_STEPS} steps on {len(examples)} samples their loss is {least:.3g}, a constant answer's {blind:.3g}: "
        "let tokens tell samples apart, and be the same in training and in evaluation (dropout, batch norms)"
    )


@check()
def calibration_comes_from_the_given_examples_alone(subject: PluginFixture) -> None:
    """`calibrate` takes an iterator of training examples; called again with others, it ends where a new tokenizer
    would. Meanwhile it opens no data of its own."""
    examples = _train(subject)
    with _no_other_data(subject):
        expected, again = (subject.tokenizer(calibrated=False) for _ in range(2))
        _calibrate(expected, examples)
        _calibrate(again, examples[: len(examples) // 2])
        _calibrate(again, examples)
    first, second = (json.dumps(each.calibration(), sort_keys=True) for each in (expected, again))
    expect(
        first == second,
        f"the same examples give {_short(first)} the first time and {_short(second)} after other ones: let calibrate "
        "start anew",
    )


@check(needs="needs_calibration")
def calibration_comes_before_everything_else(subject: PluginFixture) -> None:
    """Before `calibrate`, making tokens of the test samples is refused by an error that says what to do."""
    try:
        subject.tokens(subject.tokenizer(calibrated=False))
    except MtError as error:
        expect(bool(error.fix), f"before calibration it says {error.problem!r} without a fix: say how to calibrate")
    except Exception as error:
        raise Failed(
            f"before calibration it raises {type(error).__name__} ({error}): raise an MtError whose fix says how to "
            "calibrate"
        ) from error
    else:
        raise Failed("it makes tokens before calibration: refuse to, or do not declare needs_calibration")


@check(needs="init_from_encoder")
def adoption_starts_from_the_encoder(subject: PluginFixture) -> None:
    """The same tokenizer adopted from two encoders, which differ in their weights alone, has two different states."""
    one, other = (subject.tokenizer_for(small_encoder(WIDTH, seed), calibrated=False).state_dict() for seed in range(2))
    expect(
        any(not torch.equal(tensor, other[name]) for name, tensor in one.items()),
        "init_from_encoder takes nothing from the encoder's weights: copy its patch embedding or its positions, or do "
        "not declare init_from_encoder",
    )


def _train(subject: PluginFixture) -> list[Example]:
    return [subject.train[index] for index in range(len(subject.train))]


def _dozen(subject: PluginFixture) -> list[Example]:
    """Twelve training examples that are not all of one target."""
    examples, targets = _train(subject), [repr(target) for target in subject.train.targets()]
    others = [example for example, target in zip(examples, targets, strict=True) if target != targets[0]]
    is_constant = len(set(targets[:BATCH])) == 1
    return [*examples[: BATCH - 1], others[0]] if is_constant and others else examples[:BATCH]


def _calibrate(tokenizer: Tokenizer, examples: list[Example]) -> None:
    with seeded(0):
        tokenizer.calibrate(iter(examples))


@contextmanager
def _no_other_data(subject: PluginFixture) -> Iterator[None]:
    """Within it, the plugin's datasets cannot be opened or made."""

    def refuse(*args: Any, **options: Any) -> None:
        raise Failed("calibrate opens data of its own: learn from the examples that it is given, and nothing else")

    dataset = subject.plugin.dataset
    with mock.patch.object(dataset, "demo", refuse), mock.patch.object(dataset, "open", refuse):
        yield


def _some(names: set[str]) -> str:
    return f"{', '.join(sorted(names)[:5])}{' …' * (len(names) > 5)}"


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"

"""Invalid input of every kind, given to a tokenizer in child processes, because it may crash or hang there."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, is_dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.fixture import PluginFixture, once
from mt_core.conformance.sandbox import TaskFailure, run_in_child
from mt_core.conformance.valid_inputs import beside, files_by_suffix
from mt_core.contract import Tokenizer
from mt_core.contract.sources import or_raise
from mt_core.errors import DatasetError, InputError, MissingDependencyError, MtError

_MAX_SAMPLES = 1000
"""Samples that are taken from the stream of one invalid file."""

_MAX_DEPTH = 5
"""Levels of a nested sample that are searched for numbers."""


@dataclass(frozen=True)
class InvalidInput:
    """One invalid source for a tokenizer.

    Attributes:
        check: The check that it belongs to.
        description: "an empty file empty.wav".
        source: The source itself.
        must_name: The error has to contain one of these words; (): any error will do.
        may_be_used: It need not be refused if its tokens are finite.
        from_demo: It was made from a sample of the demo, so that a calibrated tokenizer can read it.
    """

    check: str
    description: str
    source: Any
    must_name: tuple[str, ...] = ()
    may_be_used: bool = False
    from_demo: bool = False


@dataclass(frozen=True)
class CaseResult:
    """What a tokenizer did with one invalid input.

    Attributes:
        problem: What was wrong with that; "" for nothing.
        timed_out: It took too long and was ended.
    """

    case: InvalidInput
    problem: str
    timed_out: bool = False


@once
def invalid_input_results(plugin: PluginFixture) -> dict[str, list[CaseResult]]:
    """The results of all invalid inputs, by check."""
    cases = [*_files(plugin), *_halves(plugin), *_objects(), *_nonfinite(plugin)]
    calibrated = plugin.make_tokenizer()
    uncalibrated = plugin.make_tokenizer(calibrated=False)
    usable = calibrated if "needs_calibration" in plugin.manifest.capabilities else uncalibrated
    tasks: list[Callable[[], str]] = []
    for case in cases:
        # a calibrated tokenizer could refuse other inputs only because they are unlike the demo
        reader, tokenizer = (calibrated, calibrated) if case.from_demo else (uncalibrated, usable)
        tasks.append(partial(_problem, case, reader, tokenizer))
    results: dict[str, list[CaseResult]] = defaultdict(list)
    for case, result in zip(cases, run_in_child(tasks), strict=True):
        if isinstance(result, TaskFailure):
            problem = f"{case.description}: read {result.message}"
            results[case.check].append(CaseResult(case, problem, result.timed_out))
        else:
            results[case.check].append(CaseResult(case, result))
    return dict(results)


# the inputs


def _files(plugin: PluginFixture) -> Iterator[InvalidInput]:
    folder = plugin.folder("invalid")
    noise = np.random.default_rng(0).bytes(1 << 16)
    for suffix in (*plugin.manifest.suffixes, ".undeclared"):
        empty, missing, random = (folder / f"{name}{suffix}" for name in ("empty", "missing", "random"))
        empty.touch()
        random.write_bytes(noise)
        yield InvalidInput("an_empty_file_is_refused", f"an empty file {empty.name}", empty, (empty.name,))
        yield InvalidInput("a_missing_file_is_refused", f"a missing file {missing.name}", missing, (missing.name,))
        yield InvalidInput("random_bytes_are_refused", f"64 KiB of noise in {random.name}", random, (random.name,))
    nothing = folder / "nothing"
    nothing.mkdir()
    yield InvalidInput("a_missing_file_is_refused", "an empty folder in place of a file", nothing, (nothing.name,))


def _halves(plugin: PluginFixture) -> Iterator[InvalidInput]:
    """One file of each suffix, and in turn each companion file of the same stem, cut in the middle."""
    for suffix, files in files_by_suffix(plugin).items():
        if not files:
            continue
        together = beside(plugin, files[0], files[0].name[: -len(suffix)])
        for cut in together:
            folder = plugin.folder("halves")
            for path in together:
                shutil.copy(path, folder)
            content = cut.read_bytes()
            (folder / cut.name).write_bytes(content[: len(content) // 2])
            what = f"{files[0].name}" + (" cut in the middle" if cut == files[0] else f" with {cut.name} cut beside it")
            must_name = (files[0].name, cut.name)
            yield InvalidInput(
                "a_truncated_file_is_refused_or_read", what, folder / files[0].name, must_name, may_be_used=True
            )


def _objects() -> Iterator[InvalidInput]:
    thing = object()
    for source in (thing, 12, None, object):
        name = type(source).__name__
        yield InvalidInput(
            "other_objects_are_refused", f"an object of type {name}", source, (name.removesuffix("Type"),)
        )
    for many in ({"nonsense": thing}, [thing, thing], np.array([thing, thing])):
        name = type(many).__name__
        yield InvalidInput("other_objects_are_refused", f"a {name} of objects", many, (name, "object"))


def _nonfinite(plugin: PluginFixture) -> Iterator[InvalidInput]:
    check = "nonfinite_values_never_become_tokens"
    for value in (np.nan, np.inf):
        for shape in ((64,), (64, 3), (32, 32, 3), (8, 32, 32, 3)):
            one = np.random.default_rng(0).random(shape, dtype=np.float32)
            one[tuple(length // 2 for length in shape)] = value
            yield InvalidInput(check, f"a float32 array {shape} with one {value}", one, may_be_used=True)
            yield InvalidInput(check, f"a float32 array {shape} of {value}", np.full_like(one, value), may_be_used=True)
        for row, sample in enumerate(plugin.samples[:2]):
            for name, changed in with_nonfinite(sample, value):
                what = f"test sample {row} with {value} in {name}"
                yield InvalidInput(check, what, changed, may_be_used=True, from_demo=True)


def with_nonfinite(sample: Any, value: float) -> Iterator[tuple[str, Any]]:
    """Copies of a sample, in each of which one array, or one number of a list or mapping, holds a value; each with the
    name of the place."""
    for index in range(len(list(_places(sample, "the sample", _MAX_DEPTH)))):
        changed = deepcopy(sample)
        name, set_to = list(_places(changed, "the sample", _MAX_DEPTH))[index]
        set_to(value)
        yield name, changed


def _places(thing: Any, name: str, depth: int) -> Iterator[tuple[str, Callable[[float], None]]]:
    """Where a sample holds floating-point numbers: the name of each place, and a function that sets it."""
    if isinstance(thing, np.ndarray | Tensor):
        is_real = thing.is_floating_point() if isinstance(thing, Tensor) else thing.dtype.kind == "f"
        if is_real and len(thing.shape) and 0 not in thing.shape:
            yield name, partial(thing.__setitem__, tuple(length // 2 for length in thing.shape))
        return
    if depth == 0:
        return
    parts: Sequence[tuple[Any, Any]] = ()
    if isinstance(thing, dict):
        parts = list(thing.items())
    elif isinstance(thing, list | tuple):
        parts = list(enumerate(thing))
    elif is_dataclass(thing) or hasattr(thing, "__dict__"):
        named = vars(thing) if hasattr(thing, "__dict__") else {each: getattr(thing, each) for each in thing.__slots__}
        for part, value in named.items():
            yield from _places(value, f"its {part}", depth - 1)
    for key, value in parts:
        if isinstance(value, float) and isinstance(thing, dict | list):
            yield f"{name}[{key!r}]", partial(thing.__setitem__, key)
        else:
            yield from _places(value, f"{name}[{key!r}]", depth - 1)


# what the tokenizer does with them


def _problem(case: InvalidInput, reader: Tokenizer, tokenizer: Tokenizer) -> str:
    """What a tokenizer does wrong with an invalid input; "" for nothing."""
    steps: dict[str, Callable[[], list[Any]]] = {
        "read": lambda: [reader.read(case.source)],
        "stream": lambda: list(islice(or_raise(reader.stream(case.source)), _MAX_SAMPLES)),
    }
    for step, read in steps.items():
        try:
            samples = read()
        except MtError as error:
            if problem := _problem_with_error(error, case.must_name):
                return f"{case.description}: {step} {problem}"
        except BaseException as error:
            return f"{case.description}: {step} raises {_text_of(error)}, which is no InputError"
        else:
            if not case.may_be_used:
                what = f"{len(samples)} samples" if len(samples) != 1 else f"a {type(samples[0]).__name__}"
                return f"{case.description}: {step} accepts it, and gives {what}"
            if samples and (problem := _problem_with_tokens(tokenizer, samples[0])):
                return f"{case.description}: {problem}"
    return ""


def _problem_with_error(error: MtError, must_name: Sequence[str]) -> str:
    if not isinstance(error, InputError | MissingDependencyError | DatasetError):
        return f"raises {_text_of(error)}, which is no InputError"
    if must_name and not any(word in error.problem for word in must_name):
        return f"raises an error that does not name {' or '.join(dict.fromkeys(must_name))}: {error.problem!r}"
    return "" if error.fix.strip() else f"raises an error without a fix: {error.problem!r}"


def _problem_with_tokens(tokenizer: Tokenizer, sample: Any) -> str:
    try:
        prepared = tokenizer.prepare(sample)
    except MtError as error:
        problem = _problem_with_error(error, ())
        return problem and f"prepare {problem}"
    except BaseException as error:
        return f"prepare raises {_text_of(error)}, which is no InputError"
    try:
        with torch.no_grad():
            tokens = tokenizer(tokenizer.collate([prepared]))
    except BaseException as error:
        return f"prepare accepts it, and then forward raises {_text_of(error)}"
    count = int((~tokens.values[tokens.real()].isfinite()).any(-1).sum())
    return f"it becomes tokens, {count} of them not finite" if count else ""


def _text_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

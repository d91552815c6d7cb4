"""Bad input of every kind, and what becomes of it: tried in processes of their own, for it may end or stop them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, is_dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.sandbox import TaskFailure, in_child
from mt_core.conformance.valid_inputs import files_by_suffix
from mt_core.contract import Tokenizer
from mt_core.errors import DatasetError, InputError, MissingDependencyError, MtError

if TYPE_CHECKING:
    from mt_core.conformance.fixture import PluginFixture

_MOST = 1000
"""Samples that are drawn from the stream of one bad file."""

_NESTED = 5
"""Levels of a sample that are looked into for numbers."""


@dataclass(frozen=True)
class Trial:
    """One bad thing given to a tokenizer.

    Attributes:
        promise: The check that it is for.
        what: It in words: "an empty file empty.wav".
        source: The thing.
        said: The error has to say one of these; (): anything.
        may_be_used: It may also give finite tokens.
        is_of_the_demo: It was made of a sample of the demonstration, which a calibrated tokenizer reads.
    """

    promise: str
    what: str
    source: Any
    said: tuple[str, ...] = ()
    may_be_used: bool = False
    is_of_the_demo: bool = False


@dataclass(frozen=True)
class CaseResult:
    """What became of it.

    Attributes:
        fault: What was wrong with that; "" for nothing.
        is_late: It took so long that it was ended.
    """

    trial: Trial
    fault: str
    is_late: bool = False


def try_all(subject: PluginFixture) -> dict[str, list[CaseResult]]:
    """Every trial of a plugin, by promise."""
    trials = [*_files(subject), *_halves(subject), *_objects(), *_not_finite(subject)]
    calibrated = subject.tokenizer()
    anew = subject.tokenizer(calibrated=False)
    usable = calibrated if "needs_calibration" in subject.manifest.capabilities else anew
    tasks: list[Callable[[], str]] = []
    for trial in trials:
        # elsewhere a calibrated one might refuse what is unlike the demonstration, however bad it is
        reader, tokenizer = (calibrated, calibrated) if trial.is_of_the_demo else (anew, usable)
        tasks.append(partial(_fault, trial, reader, tokenizer))
    tried: dict[str, list[CaseResult]] = defaultdict(list)
    for trial, answer in zip(trials, in_child(tasks), strict=True):
        is_ended = isinstance(answer, TaskFailure)
        fault = f"{trial.what}: read {answer.how}" if is_ended else answer
        tried[trial.promise].append(CaseResult(trial, fault, is_ended and answer.is_late))
    return dict(tried)


# what is bad


def _files(subject: PluginFixture) -> Iterator[Trial]:
    folder = subject.folder("bad")
    noise = np.random.default_rng(0).bytes(1 << 16)
    for suffix in (*subject.manifest.suffixes, ".undeclared"):
        empty, missing, random = (folder / f"{name}{suffix}" for name in ("empty", "missing", "random"))
        empty.touch()
        random.write_bytes(noise)
        yield Trial("an_empty_file_is_refused", f"an empty file {empty.name}", empty, (empty.name,))
        yield Trial("a_missing_file_is_refused", f"a path {missing.name} where nothing is", missing, (missing.name,))
        yield Trial("random_bytes_are_refused", f"64 KiB of noise in {random.name}", random, (random.name,))
    nothing = folder / "nothing"
    nothing.mkdir()
    yield Trial("a_missing_file_is_refused", "an empty folder in place of a file", nothing, (nothing.name,))


def _halves(subject: PluginFixture) -> Iterator[Trial]:
    """One file of each suffix, and in turn each file beside it of the same stem, cut in the middle."""
    for suffix, files in files_by_suffix(subject).items():
        if not files:
            continue
        stem = files[0].name[: -len(suffix)]
        together = [path for path in files[0].parent.glob(f"{stem}*") if path.is_file()] if stem else files[:1]
        together = [path for path in together if path == files[0] or not path.name.endswith(subject.manifest.suffixes)]
        for cut in together:
            folder = subject.folder("halves")
            for path in together:
                shutil.copy(path, folder)
            content = cut.read_bytes()
            (folder / cut.name).write_bytes(content[: len(content) // 2])
            what = f"{files[0].name}" + (" cut in the middle" if cut == files[0] else f" with {cut.name} cut beside it")
            trial = ("a_truncated_file_is_refused_or_read", what, folder / files[0].name, (files[0].name, cut.name))
            yield Trial(*trial, may_be_used=True)


def _objects() -> Iterator[Trial]:
    thing = object()
    for source in (thing, 12, None, object):
        name = type(source).__name__
        yield Trial("other_objects_are_refused", f"an object of type {name}", source, (name.removesuffix("Type"),))
    for many in ({"nonsense": thing}, [thing, thing], np.array([thing, thing])):
        name = type(many).__name__
        yield Trial("other_objects_are_refused", f"a {name} of objects", many, (name, "object"))


def _not_finite(subject: PluginFixture) -> Iterator[Trial]:
    promise = "readings_that_are_not_finite_never_become_tokens"
    for value in (np.nan, np.inf):
        for shape in ((64,), (64, 3), (32, 32, 3), (8, 32, 32, 3)):
            one = np.random.default_rng(0).random(shape, dtype=np.float32)
            one[tuple(length // 2 for length in shape)] = value
            yield Trial(promise, f"a float32 array {shape} with one {value}", one, may_be_used=True)
            yield Trial(promise, f"a float32 array {shape} of {value}", np.full_like(one, value), may_be_used=True)
        for row, sample in enumerate(subject.samples[:2]):
            for name, changed in with_nonfinite(sample, value):
                what = f"test sample {row} with {value} in {name}"
                yield Trial(promise, what, changed, may_be_used=True, is_of_the_demo=True)


def with_nonfinite(sample: Any, value: float) -> Iterator[tuple[str, Any]]:
    """Copies of a sample, in each of which one of its arrays, or of the numbers in its lists and mappings, holds a
    value; with the place of it."""
    for index in range(len(list(_places(sample, "the sample", _NESTED)))):
        changed = deepcopy(sample)
        name, set_to = list(_places(changed, "the sample", _NESTED))[index]
        set_to(value)
        yield name, changed


def _places(thing: Any, name: str, levels: int) -> Iterator[tuple[str, Callable[[float], None]]]:
    """Where a sample holds numbers that need not be whole: how each place is called, and how it is set."""
    if isinstance(thing, np.ndarray | Tensor):
        is_real = thing.is_floating_point() if isinstance(thing, Tensor) else thing.dtype.kind == "f"
        if is_real and len(thing.shape) and 0 not in thing.shape:
            yield name, partial(thing.__setitem__, tuple(length // 2 for length in thing.shape))
        return
    if levels == 0:
        return
    parts: Sequence[tuple[Any, Any]] = ()
    if isinstance(thing, dict):
        parts = list(thing.items())
    elif isinstance(thing, list | tuple):
        parts = list(enumerate(thing))
    elif is_dataclass(thing) or hasattr(thing, "__dict__"):
        named = vars(thing) if hasattr(thing, "__dict__") else {each: getattr(thing, each) for each in thing.__slots__}
        for part, value in named.items():
            yield from _places(value, f"its {part}", levels - 1)
    for key, value in parts:
        if isinstance(value, float) and isinstance(thing, dict | list):
            yield f"{name}[{key!r}]", partial(thing.__setitem__, key)
        else:
            yield from _places(value, f"{name}[{key!r}]", levels - 1)


# what becomes of it


def _fault(trial: Trial, reader: Tokenizer, tokenizer: Tokenizer) -> str:
    """What a tokenizer does with something bad that it may not do; "" for nothing."""
    steps: dict[str, Callable[[], list[Any]]] = {
        "read": lambda: [reader.read(trial.source)],
        "stream": lambda: list(islice(reader.stream(trial.source), _MOST)),
    }
    for step, samples in steps.items():
        try:
            given = samples()
        except MtError as error:
            if wrong := _wrong_with(error, trial.said):
                return f"{trial.what}: {step} {wrong}"
        except BaseException as error:
            return f"{trial.what}: {step} raises {_told(error)}, which is no InputError"
        else:
            if not trial.may_be_used:
                what = f"{len(given)} samples" if len(given) != 1 else f"a {type(given[0]).__name__}"
                return f"{trial.what}: {step} takes it, and gives {what}"
            if given and (wrong := _wrong_with_tokens(tokenizer, given[0])):
                return f"{trial.what}: {wrong}"
    return ""


def _wrong_with(error: MtError, said: Sequence[str]) -> str:
    if not isinstance(error, InputError | MissingDependencyError | DatasetError):
        return f"raises {_told(error)}, which is no InputError"
    if said and not any(word in error.problem for word in said):
        return f"raises an error that does not say {' or '.join(dict.fromkeys(said))}: {error.problem!r}"
    return "" if error.fix.strip() else f"raises an error without a fix: {error.problem!r}"


def _wrong_with_tokens(tokenizer: Tokenizer, sample: Any) -> str:
    try:
        prepared = tokenizer.prepare(sample)
    except MtError as error:
        wrong = _wrong_with(error, ())
        return wrong and f"prepare {wrong}"
    except BaseException as error:
        return f"prepare raises {_told(error)}, which is no InputError"
    try:
        with torch.no_grad():
            tokens = tokenizer(tokenizer.collate([prepared]))
    except BaseException as error:
        return f"prepare takes it, and then forward raises {_told(error)}"
    count = int((~tokens.values[tokens.real()].isfinite()).any(-1).sum())
    return f"it becomes tokens, {count} of them not finite" if count else ""


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

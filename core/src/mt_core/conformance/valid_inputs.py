"""Sound input: files of each suffix and samples of the demonstration, and what reading them does beside."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.sandbox import SideEffectMonitor, TaskFailure, in_child
from mt_core.contract import Tokenizer
from mt_core.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from mt_core.conformance.fixture import PluginFixture

CLOSE = 1e-4
"""Of prepared values that should be the same, relative to the largest: as of tokens."""


@dataclass(frozen=True)
class ValidFiles:
    """The files that can be read.

    Attributes:
        files: Of each suffix the first that gives a sample.
        counts: Of each file, by name, how many samples it gives: 1, or 2 for several.
        excused: Suffixes under which reading says which package is missing, with a fix.
        unread: Of each other suffix, why there is none.
    """

    files: dict[str, Path]
    counts: dict[str, int]
    excused: tuple[str, ...]
    unread: dict[str, str]


@dataclass(frozen=True)
class SideEffects:
    """What reading did beside its work; see `SideEffectMonitor`."""

    asked: list[str]
    written: list[str]


def files_by_suffix(subject: PluginFixture) -> dict[str, list[Path]]:
    """The subject's files of each declared suffix, [] where there is none; ".csv.gz" goes before ".gz"."""
    files: dict[str, list[Path]] = {suffix: [] for suffix in subject.manifest.suffixes}
    for path in subject.demo_files:
        files[max((suffix for suffix in files if path.name.lower().endswith(suffix)), key=len)].append(path)
    return files


def valid_files(subject: PluginFixture) -> ValidFiles:
    """Which files of the declared suffixes can be read."""
    tokenizer, folder = subject.tokenizer(calibrated=False), subject.folder("probe")
    files: dict[str, Path] = {}
    counts: dict[str, int] = {}
    excused: list[str] = []
    unread: dict[str, str] = {}
    for suffix, there in files_by_suffix(subject).items():
        probe = folder / f"probe{suffix}"
        probe.write_bytes(b"?")
        reasons = [] if there else ["example_files and demo write no such file"]
        for path in there or [probe]:
            try:
                count = len(list(islice(tokenizer.stream(path), 2)))
            except MissingDependencyError as error:
                if error.fix:
                    excused.append(suffix)
                else:
                    reasons.append(f"{path.name}: the error for a missing package has no fix")
            except Exception as error:
                reasons.append(f"{path.name}: {type(error).__name__}: {error}")
            else:
                if count and there:
                    counts[path.name] = count
                    files.setdefault(suffix, path)
                else:
                    reasons.append(f"{path.name} gives no sample")
        if suffix not in files and suffix not in excused:
            unread[suffix] = reasons[0]
    return ValidFiles(files, counts, tuple(excused), unread)


def sources(subject: PluginFixture) -> dict[str, Any]:
    """Something of each kind that can be read, by what it is called: a file of each suffix and two demo samples."""
    samples = {f"test sample {row}": subject.test[row].sample for row in range(min(2, len(subject.test)))}
    return {**samples, **{path.name: path for path in subject.valid_files.files.values()}}


def first(tokenizer: Tokenizer, source: Any) -> Any:
    """The first sample of a source.

    Raises:
        InputError: there is none.
    """
    for sample in tokenizer.stream(source):
        return sample
    raise InputError(f"{source} gives no sample", fix="raise an InputError where there is none")


def prepared(tokenizer: Tokenizer, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor] | str:
    """The tensors of a sample; where it cannot be used, what is said of it."""
    try:
        return tokenizer.prepare(sample, generator)
    except InputError as error:
        return error.problem


def same(one: dict[str, Tensor] | str, other: dict[str, Tensor] | str, *, exactly: bool = False) -> bool:
    """Whether two prepared samples are the same, or were refused in the same words."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.keys() == other.keys() and all(_same(one[name], other[name], exactly) for name in one)


def _same(one: Tensor, other: Tensor, exactly: bool) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if exactly or not one.is_floating_point():
        return bool(((one == other) | ((one != one) & (other != other))).all())  # NaN is the same as NaN
    largest = float(one.abs().nan_to_num(0.0, posinf=0.0).max()) if one.numel() else 0.0
    return torch.allclose(one.double(), other.double(), rtol=0.0, atol=CLOSE * largest, equal_nan=True)


def side_effects(subject: PluginFixture) -> SideEffects | TaskFailure:
    """What is done beside, while all sources and demo samples are read and prepared, in a child process."""
    reader, tokenizer = subject.tokenizer(calibrated=False), subject.tokenizer()
    read = [*sources(subject).values(), *(subject.test[row].sample for row in range(len(subject.test)))]
    temporary = subject.folder("temporary")

    def visit() -> SideEffects:
        os.chdir(temporary)
        watch, here = SideEffectMonitor(temporary), os.getcwd()
        for source in read:
            prepared(tokenizer, first(reader, source))
        moved = [] if os.getcwd() == here else [f"the working directory became {os.getcwd()}"]
        return SideEffects(watch.asked, [*(f"{path} was written" for path in watch.written), *moved])

    (answer,) = in_child([visit])
    assert isinstance(answer, SideEffects | TaskFailure)
    return answer


@contextmanager
def kept_random_states() -> Iterator[None]:
    """Within it NumPy's and Python's global random generators may be seeded; torch's is kept around every check."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def seed_all(seed: int) -> None:
    """Seed the global random generators of torch, NumPy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def random_states() -> tuple[bytes, ...]:
    """The states of all three."""
    torch_state = torch.random.get_rng_state().numpy().tobytes()
    return torch_state, pickle.dumps(np.random.get_state()), pickle.dumps(random.getstate())

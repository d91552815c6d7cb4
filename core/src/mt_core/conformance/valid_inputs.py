"""Valid input: files of each suffix and samples of the demo."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core.conformance.fixture import PluginFixture, once
from mt_core.contract import Tokenizer
from mt_core.contract.sources import or_raise
from mt_core.errors import InputError, MissingDependencyError

TOLERANCE = 1e-4
"""Of prepared values that should be equal, relative to the largest: as of tokens."""


@dataclass(frozen=True)
class ValidFiles:
    """The files that can be read.

    Attributes:
        files: For each suffix the first file that gives a sample.
        counts: For each file, by name, how many samples it gives: 1, or 2 for several.
        missing_dependency: Suffixes whose reader says which package to install.
        unreadable: For each other suffix, why no file of it can be read.
    """

    files: dict[str, Path]
    counts: dict[str, int]
    missing_dependency: tuple[str, ...]
    unreadable: dict[str, str]


def files_by_suffix(plugin: PluginFixture) -> dict[str, list[Path]]:
    """The plugin's files of each declared suffix, [] where there is none. A file belongs to the longest suffix."""
    files: dict[str, list[Path]] = {suffix: [] for suffix in plugin.manifest.suffixes}
    for path in plugin.demo_files:
        files[max((suffix for suffix in files if path.name.lower().endswith(suffix)), key=len)].append(path)
    return files


def beside(plugin: PluginFixture, path: Path, stem: str) -> list[Path]:
    """A file and those that belong to it: written with it, of the same stem, and of no suffix that the plugin
    declares."""
    found = path.parent.glob(f"{escape(stem)}*") if stem else [path]
    together = [each for each in found if each == path or (each.is_file() and each in plugin.original_files)]
    return [each for each in together if each == path or not each.name.endswith(plugin.manifest.suffixes)]


@once
def valid_files(plugin: PluginFixture) -> ValidFiles:
    """Which files of the declared suffixes can be read."""
    tokenizer, folder = plugin.make_tokenizer(calibrated=False), plugin.folder("probe")
    files: dict[str, Path] = {}
    counts: dict[str, int] = {}
    missing_dependency: list[str] = []
    unreadable: dict[str, str] = {}
    for suffix, paths in files_by_suffix(plugin).items():
        probe = folder / f"probe{suffix}"
        probe.write_bytes(b"?")
        reasons = [] if paths else ["example_files and demo write no such file"]
        for path in paths or [probe]:
            try:
                count = len(list(islice(or_raise(tokenizer.stream(path)), 2)))
            except MissingDependencyError as error:
                if error.fix:
                    missing_dependency.append(suffix)
                else:
                    reasons.append(f"{path.name}: the error for a missing package has no fix")
            except Exception as error:
                reasons.append(f"{path.name}: {type(error).__name__}: {error}")
            else:
                if count and paths:
                    counts[path.name] = count
                    files.setdefault(suffix, path)
                else:
                    reasons.append(f"{path.name} gives no sample")
        if suffix not in files and suffix not in missing_dependency:
            unreadable[suffix] = reasons[0]
    return ValidFiles(files, counts, tuple(missing_dependency), unreadable)


def sources(plugin: PluginFixture) -> dict[str, Any]:
    """One source of each kind that can be read, by its name in messages: a file of each suffix and two demo samples."""
    samples = {f"test sample {row}": plugin.test[row].sample for row in range(min(2, len(plugin.test)))}
    return {**samples, **{path.name: path for path in valid_files(plugin).files.values()}}


def first_sample(tokenizer: Tokenizer, source: Any) -> Any:
    """The first sample of a source.

    Raises:
        InputError: there is none.
    """
    for sample in or_raise(tokenizer.stream(source)):
        return sample
    raise InputError(f"{source} gives no sample", fix="raise an InputError where there is none")


def prepared(tokenizer: Tokenizer, sample: Any, generator: torch.Generator | None = None) -> dict[str, Tensor] | str:
    """The tensors of a sample; the problem of the InputError where it is refused."""
    try:
        return tokenizer.prepare(sample, generator)
    except InputError as error:
        return error.problem


def same(one: dict[str, Tensor] | str, other: dict[str, Tensor] | str, *, exactly: bool = False) -> bool:
    """Whether two prepared samples are equal, or were refused with the same words."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.keys() == other.keys() and all(_same(one[name], other[name], exactly) for name in one)


def _same(one: Tensor, other: Tensor, exactly: bool) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if exactly or not one.is_floating_point():
        return bool(((one == other) | ((one != one) & (other != other))).all())  # NaN equals NaN
    largest = float(one.abs().nan_to_num(0.0, posinf=0.0).max()) if one.numel() else 0.0
    return torch.allclose(one.double(), other.double(), rtol=0.0, atol=TOLERANCE * largest, equal_nan=True)


@contextmanager
def preserved_random_states() -> Iterator[None]:
    """Restore the states of NumPy's and Python's global random generators; torch's is restored after every check."""
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

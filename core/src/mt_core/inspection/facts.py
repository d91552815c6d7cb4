"""What a sample holds, by what it is made of: arrays, numbers, texts, cells. No modality is known here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Tokenizer
from mt_core.data.sample_hash import NAMES
from mt_core.io.notices import Notices, collecting

_DEEPEST = 4
_MOST_FIELDS = 60

TIME = "time"
_TIMES = ("times", "time")
"""Fields of whole numbers that are microseconds since 1970."""

_UNITS = ("s", "ms", "hz", "khz", "nm", "m", "px", "g")
"""Units that a name of a field may end in: duration_s, rate_hz."""


@dataclass(frozen=True)
class ArrayFact:
    """What an array holds.

    Attributes:
        shape: Of it.
        kind: Its type of numbers; `TIME` for microseconds since 1970.
        low, high: The least and the largest finite value; NaN where there is none.
        missing: How many are no finite number.
    """

    shape: tuple[int, ...]
    kind: str
    low: float
    high: float
    missing: int

    @property
    def is_constant(self) -> bool:
        """Whether several values are all the same, or none of them is known."""
        size = int(np.prod(self.shape))
        return size > 1 and (self.missing == size or self.low == self.high)


@dataclass(frozen=True)
class NumberFact:
    """A number, None where it is not known, and its unit."""

    value: float | None
    unit: str = ""


@dataclass(frozen=True)
class TextFact:
    """A text, "" where it is missing."""

    text: str


Fact = ArrayFact | NumberFact | TextFact


def facts_of(sample: Any) -> dict[str, Fact]:
    """The facts of a sample as a tokenizer's `read` gives it, by the name of what they are of; "" for the sample
    itself."""
    found: dict[str, Fact] = {}
    for name, fact in _facts("", sample, 0):
        if len(found) == _MOST_FIELDS:
            break
        found[name] = fact
    return found


def facts_of_file(tokenizer: Tokenizer, source: Any) -> dict[str, Fact]:
    """What the header of a file says, where the modality looks at it; nothing where that fails."""
    if not isinstance(source, str | Path):
        return {}
    try:
        with collecting(Notices()):
            return facts_of({"file": tokenizer.file_facts(source)})
    except Exception:  # reading the file reports what is wrong
        return {}


def _facts(name: str, value: Any, depth: int) -> Iterator[tuple[str, Fact]]:
    if hasattr(value, "__array__") and not isinstance(value, np.generic | str | bytes):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fiubc":
            yield name, _of_times(value) if name in _TIMES and value.dtype == np.int64 else _of_array(value)
    elif value is None:
        yield _with_unit(name, None)
    elif isinstance(value, bool):
        yield name, TextFact("yes" if value else "no")
    elif isinstance(value, int | float | np.number):
        yield _with_unit(name, float(value))
    elif isinstance(value, str):
        yield name, TextFact(value)
    elif depth < _DEEPEST:
        yield from _parts(name, value, depth)


def _parts(name: str, value: Any, depth: int) -> Iterator[tuple[str, Fact]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            part = getattr(value, field.name)
            is_left_out = part is None and field.default is None  # what few samples have
            if field.name not in NAMES and not is_left_out:
                yield from _facts(_below(name, field.name), part, depth + 1)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _facts(_below(name, str(key)), each, depth + 1)
    elif isinstance(value, list | tuple) and value:
        if all(isinstance(each, str) for each in value):
            yield name, TextFact(f"{len(value)}: {', '.join(value)}")
        elif all(isinstance(each, int | float) for each in value):
            yield name, _of_array(np.asarray(value))
        else:
            for number, each in enumerate(value):
                yield from _facts(name if len(value) == 1 else _below(name, str(number)), each, depth + 1)


def _below(name: str, part: str) -> str:
    return f"{name} {part}".strip()


def _with_unit(name: str, value: float | None) -> tuple[str, NumberFact]:
    stem, _, last = name.rpartition("_")
    if stem and last.lower() in _UNITS:
        return stem, NumberFact(value, {"hz": "Hz", "khz": "kHz"}.get(last, last))
    return name, NumberFact(value)


def _of_times(array: NDArray[Any]) -> ArrayFact:
    return replace(_of_array(array), kind=TIME)


def _of_array(array: NDArray[Any]) -> ArrayFact:
    kind = str(array.dtype)
    if array.dtype.kind in "fc":
        array = np.abs(array) if array.dtype.kind == "c" else array
        is_there = np.isfinite(array)
        missing = int(array.size - np.count_nonzero(is_there))
        there = array[is_there] if missing else array
    else:
        missing, there = 0, array
    low, high = (float(there.min()), float(there.max())) if there.size else (float("nan"), float("nan"))
    return ArrayFact(array.shape, kind, low, high, missing)

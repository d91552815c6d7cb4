"""Samples, as `read` returns them, in which one part is changed: a part that changes nothing prepared is not used."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_PARTS = 4  # of each axis
_MAX_DEPTH = 5  # levels of a nested sample


class Leaf(NamedTuple):
    """Numbers, a text or a path in a sample.

    Attributes:
        path: Where: "values", "channels.intensity"; "" for the sample itself.
        value: An array, a tensor, a picture of Pillow, a number, a text, a path, or a tuple or list of
            numbers.
        replaced: Gives a copy of the sample with another value there.
    """

    path: str
    value: Any
    replaced: Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class Part:
    """A quarter along one axis of an array of this shape; axis None: the whole, a number."""

    path: str
    axis: int | None = None
    index: int = 0
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        what = self.path or "the sample"
        return (
            what
            if self.axis is None
            else f"quarter {self.index + 1} of {_PARTS} along axis {self.axis} of {what} {self.shape}"
        )


def changed_samples(sample: Any) -> Iterator[tuple[Part, Iterator[Any]]]:
    """Each part of the numbers in a sample, with copies of the sample in which this part has other values."""
    for leaf in leaves(sample):
        if isinstance(leaf.value, str) and (sample is leaf.value or _is_record(sample)):
            yield from _changed_text(leaf)
        array = _as_array(leaf.value)
        if array is None or not array.size:
            continue
        if array.ndim == 0:
            yield Part(leaf.path), _copies(leaf, array, ())
        longer = [axis for axis in range(array.ndim) if array.shape[axis] > 1]
        for axis in longer or range(min(1, array.ndim)):
            for index in range(_PARTS):
                first, last = (array.shape[axis] * number // _PARTS for number in (index, index + 1))
                if first < last:
                    place = (*[slice(None)] * axis, slice(first, last))
                    yield Part(leaf.path, axis, index, array.shape), _copies(leaf, array, place)


def _is_record(sample: Any) -> bool:
    """Whether a sample is the row of a table: its texts are no names, but what it says."""
    kinds = (str, int, float, type(None))
    return isinstance(sample, Mapping) and all(isinstance(value, kinds) for value in sample.values())


def _changed_text(leaf: Leaf) -> Iterator[tuple[Part, Iterator[Any]]]:
    """Each quarter of a text; the whole of a value of a record."""
    text, parts = leaf.value, 1 if leaf.path else _PARTS
    for index in range(parts):
        first, last = (len(text) * number // parts for number in (index, index + 1))
        if first < last:
            own = text[first:last]
            others = (str(2 * float(own) + 1) if _is_number(own) else own[::-1], "x" * len(own), "1" * len(own))
            part = Part(leaf.path, 0, index, (len(text),)) if parts > 1 else Part(leaf.path)
            yield part, (leaf.replaced(text[:first] + other + text[last:]) for other in others if other != own)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _copies(leaf: Leaf, array: NDArray[Any], place: tuple[slice, ...]) -> Iterator[Any]:
    for values in _others(array, array[place]):
        if not np.array_equal(values, array[place]):
            changed = array.copy()
            changed[place] = values
            yield leaf.replaced(_like(leaf.value, changed))


def _others(array: NDArray[Any], own: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Other values for a part of an array, like those that it holds; then others."""
    if array.dtype.kind == "b":
        yield ~own
        return
    draw = np.random.default_rng(0)
    known = array[np.isfinite(array)] if array.dtype.kind == "f" else array.reshape(-1)
    if known.size:
        yield draw.choice(known, own.shape)
        with np.errstate(all="ignore"):
            yield (known.max() - own + known.min()).astype(array.dtype)  # mirrored in its range
    with np.errstate(all="ignore"):
        spread = float(np.std(known.astype(np.float64))) if known.size else 1.0
        if array.dtype.kind == "f":
            yield (own + draw.normal(0, spread or 1.0, own.shape)).astype(array.dtype)
        yield (own + 1).astype(array.dtype)
        yield (own * 2 + 1).astype(array.dtype)


def leaves(thing: Any, path: str = "", depth: int = _MAX_DEPTH) -> Iterator[Leaf]:
    """All numbers, arrays and texts in a sample. An array of a subclass may have attributes beside its values."""
    if (
        isinstance(thing, np.ndarray | Tensor | str | PurePath | bool | int | float | np.generic)
        or _is_picture(thing)
        or _is_numbers(thing)
    ):
        yield Leaf(path, thing, lambda value: value)
        if not (isinstance(thing, np.ndarray | Tensor) and getattr(thing, "__dict__", None)):
            return
    if depth == 0:
        return
    for name, part in _inside(thing):
        for leaf in leaves(part, f"{path}.{name}" if path else str(name), depth - 1):
            yield Leaf(leaf.path, leaf.value, partial(_replaced_within, thing, name, leaf.replaced))


def _replaced_within(thing: Any, name: Any, replaced: Callable[[Any], Any], value: Any) -> Any:
    """A copy of a container or an object, in which a part of one of its parts has another value."""
    return _with_part(thing, name, replaced(value))


def _inside(thing: Any) -> Iterator[tuple[Any, Any]]:
    """What a container or an object holds: key, index or name of each part, and the part."""
    if isinstance(thing, Mapping):
        yield from thing.items()
    elif isinstance(thing, list | tuple):
        yield from zip(getattr(thing, "_fields", range(len(thing))), thing, strict=True)
    else:
        yield from ((name, getattr(thing, name)) for name in _attributes(thing))


def _with_part(thing: Any, name: Any, value: Any) -> Any:
    if isinstance(thing, Mapping):
        return {**thing, name: value}
    if isinstance(thing, list | tuple):
        if isinstance(name, str):  # of a named tuple
            return getattr(thing, "_replace")(**{name: value})  # noqa: B009
        return type(thing)([*thing[:name], value, *thing[name + 1 :]])
    return _with_attribute(thing, name, value)


def _attributes(thing: Any) -> list[str]:
    if isinstance(thing, type) or callable(thing):
        return []
    if dataclasses.is_dataclass(thing):
        return [field.name for field in dataclasses.fields(thing) if hasattr(thing, field.name)]
    return list(getattr(thing, "__dict__", ()))


def _with_attribute(thing: Any, name: str, value: Any) -> Any:
    changed = thing.clone() if isinstance(thing, Tensor) else copy.copy(thing)
    if isinstance(thing, np.ndarray | Tensor):
        changed.__dict__.update(thing.__dict__)
    elif dataclasses.is_dataclass(thing):  # without what the old values were computed to
        known = {field.name for field in dataclasses.fields(thing)}
        for cached in set(getattr(changed, "__dict__", ())) - known:
            del changed.__dict__[cached]
    object.__setattr__(changed, name, value)
    return changed


def _is_numbers(thing: Any) -> bool:
    is_list = isinstance(thing, list | tuple) and not hasattr(thing, "_fields")
    return is_list and bool(thing) and all(type(each) in (int, float) for each in thing)


def _is_picture(thing: Any) -> bool:
    return type(thing).__module__.startswith("PIL.") and hasattr(thing, "getbands")


def _as_array(value: Any) -> NDArray[Any] | None:
    """The numbers of a leaf; None where it holds none."""
    if isinstance(value, str | PurePath):
        return None
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    return np.array(array) if array.dtype.kind in "biufc" else None


def _like(value: Any, array: NDArray[Any]) -> Any:
    """Numbers of the type of a leaf."""
    if isinstance(value, Tensor):
        changed = value.clone()
        changed.copy_(torch.from_numpy(array))
        changed.__dict__.update(value.__dict__)
        return changed
    if isinstance(value, np.ndarray):
        copied = value.copy()
        copied[...] = array
        if hasattr(value, "__dict__"):
            copied.__dict__.update(value.__dict__)
        return copied
    if _is_picture(value):
        from PIL import Image

        return Image.fromarray(array)
    if isinstance(value, list | tuple):
        return type(value)(array.tolist())
    return type(value)(array.item())

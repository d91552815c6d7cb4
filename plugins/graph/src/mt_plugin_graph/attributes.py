"""What nodes and edges carry, from records of named values or from arrays."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import is_number
from mt_plugin_graph.graph import MAX_VALUES, MISSING, Attributes

CATEGORY_NAMES = frozenset({"label", "type", "class", "category"})
"""Attributes that are categories, in any case, even where they are whole numbers."""

NAME_NAMES = frozenset({"id", "name"})
"""Attributes that name a single node or edge, in any case, and say nothing about what it is."""


Records = Sequence[Mapping[str, Any]]
"""What nodes or edges carry: of each the values by their names."""

Columns = Callable[[Records], Attributes]
"""Makes columns of records: `attributes_of`, maybe with options."""


_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


def code_of(value: object) -> int:
    """A category as a number, the same on every machine: whole numbers stand for themselves, also as text."""
    if isinstance(value, bool | int | np.integer | np.bool_):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    text = str(value).strip()
    if text.removeprefix("-").isdecimal() and len(text) < 18:
        return int(text)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


def attributes_of(records: Records, *, categorical: Collection[str] = (), ignore: Collection[str] = ()) -> Attributes:
    """Columns from one mapping of names to values a node, or edge.

    Text and booleans are categories, numbers are numbers, except those called as `categorical` or `CATEGORY_NAMES` say.
    Values that are neither (lists, mappings) are left out, and so is what `ignore` and `NAME_NAMES` name. Columns are
    in the order of the alphabet.
    """
    ignored = {name.lower() for name in (*ignore, *NAME_NAMES)}
    categories = {name.lower() for name in (*categorical, *CATEGORY_NAMES)}
    names = sorted({str(name) for record in records for name in record if str(name).lower() not in ignored})
    if len(names) * len(records) > MAX_VALUES:
        raise InputError(
            f"{len(names)} attributes of {len(records):,} nodes or edges are too many", fix="leave some out"
        )
    class_names, classes, number_names, numbers = [], [], [], []
    for name in names:
        values = [record.get(name) for record in records]
        is_text = any(isinstance(value, str | bool | np.bool_) for value in values)
        if is_text or name.lower() in categories:
            codes = [code_of(value) if _is_known(value) else MISSING for value in values]
            if any(code != MISSING for code in codes):
                class_names.append(name)
                classes.append(codes)
        elif any(isinstance(value, int | float | np.number) for value in values):
            number_names.append(name)
            numbers.append([_number(value) for value in values])
    count = len(records)
    return Attributes(
        tuple(class_names),
        np.array(classes, np.int64).reshape(len(class_names), count).T,
        tuple(number_names),
        np.array(numbers, np.float32).reshape(len(number_names), count).T,
    )


def attributes_of_array(array: NDArray[Any] | None, count: int, prefix: str, name: str) -> Attributes:
    """Columns from an array: whole numbers and booleans are categories, floats are numbers.

    Args:
        array: (count, columns) or (count,); None for nothing.
        prefix: What the columns are called, before their number.
        name: The graph's, for messages.

    Raises:
        InputError: another shape, or values that are no real numbers.
    """
    if array is None:
        return Attributes.none(count)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise InputError(f"{name}: {prefix} is {array.shape}, not (rows, columns)", fix="flatten the further axes")
    names = tuple(f"{prefix}{column}" for column in range(array.shape[1]))
    nothing = Attributes.none(len(array))
    if array.dtype.kind in "biu":
        return Attributes(names, array.astype(np.int64), (), nothing.numbers)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return Attributes((), nothing.classes, names, array.astype(np.float32))
    raise InputError(f"{name}: {prefix} holds {array.dtype}", fix="give whole numbers (categories) or floats")


def parse_cell(text: str) -> str | float | None:
    """What a cell of a text file holds: a number, a text, or nothing."""
    text = text.strip()
    number = text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text
    return float(number) if is_number(number) else text or None


def join_columns(parts: Iterable[Attributes], count: int) -> Attributes:
    """The columns of all parts, each of the same nodes or edges."""
    parts = [Attributes.none(count), *parts]
    return Attributes(
        tuple(name for part in parts for name in part.class_names),
        np.concatenate([part.classes for part in parts], axis=1),
        tuple(name for part in parts for name in part.number_names),
        np.concatenate([part.numbers for part in parts], axis=1),
    )


def _is_known(value: object) -> bool:
    if isinstance(value, float | np.floating):
        return math.isfinite(value)
    return isinstance(value, str | int | np.integer | np.bool_) and value != ""


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float | np.number) else math.nan
    except (OverflowError, TypeError):
        return math.nan

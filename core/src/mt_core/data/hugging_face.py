"""Datasets of Hugging Face's `datasets` as samples and targets: a whole one, or a column of it.

Nothing of that library is imported. Pictures, sounds and films stay as they are stored, bytes or a path: the
plugin's own reader reads them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from mt_core.errors import InputError


def is_dataset(given: Any) -> bool:
    """Whether this is a `Dataset` or an `IterableDataset`."""
    return _is_of_that_library(given) and hasattr(given, "column_names")


def is_column(given: Any) -> bool:
    """Whether this is a column of such a dataset: `dataset["image"]`."""
    return _is_of_that_library(given) and hasattr(given, "column_name")


def samples_in(given: Any, can_read: Callable[[Any], bool] | None = None) -> list[Any] | None:
    """The rows of a dataset, the values of a column; None of what is neither.

    Args:
        can_read: As for `samples_of_dataset`.

    Raises:
        InputError: a `DatasetDict`, several datasets by name; or as `samples_of_dataset`.
    """
    if isinstance(given, Mapping) and _is_of_that_library(given):
        names = ", ".join(map(str, given))
        raise InputError(f"a {type(given).__name__} holds datasets: {names}", fix=f"give one: [{next(iter(given))!r}]")
    if is_dataset(given):
        return samples_of_dataset(given, can_read)
    return values_of_column(given) if is_column(given) else None


def samples_of_dataset(dataset: Any, can_read: Callable[[Any], bool] | None = None) -> list[Any]:
    """Its rows, as mappings, or the values of its only column.

    Args:
        can_read: Whether a row can be read as a sample; None: nobody knows, and rows are samples.

    Raises:
        InputError: several columns, of which rows are no samples.
    """
    names = list(dataset.column_names or [])
    if len(names) == 1:
        return values_of_column(dataset[names[0]])
    rows = ({name: _stored(value) for name, value in row.items()} for row in _undecoded(dataset, names))
    first = list(islice(rows, 1))
    if first and can_read is not None and not can_read(first[0]):  # before all others are read
        some = f"dataset[{names[0]!r}]" if names else "dataset['image']"
        raise InputError(
            f"a dataset of the columns {', '.join(names)} holds no samples of this kind", fix=f"give {some}"
        )
    return [*first, *rows]


def values_of_column(column: Any) -> list[Any]:
    """One a row, in order: pictures, sounds and films as bytes or paths."""
    source = column.source
    if not is_dataset(source):  # a field of a column of mappings
        return list(column)
    only = source.select_columns([column.column_name])
    return [_stored(row[column.column_name]) for row in _undecoded(only, [column.column_name])]


def names_of_classes(column: Any) -> list[str] | None:
    """The names behind the whole numbers of a column of classes; None of any other column."""
    names = getattr((column.source.features or {}).get(column.column_name), "names", None)
    return list(names) if names is not None else None


def _undecoded(dataset: Any, names: list[str]) -> Iterator[Mapping[str, Any]]:
    for name in names:
        feature: Any = (dataset.features or {}).get(name)
        if getattr(feature, "decode", False):
            stored = copy.copy(feature)
            stored.decode = False
            dataset = dataset.cast_column(name, stored)
    yield from dataset


def _stored(value: Any) -> Any:
    """What a feature holds that is not decoded: its bytes, else its path."""
    if isinstance(value, Mapping) and set(value) == {"bytes", "path"}:
        return value["bytes"] if value["bytes"] is not None else value["path"]
    return value


def _is_of_that_library(given: Any) -> bool:
    return type(given).__module__.partition(".")[0] == "datasets"

"""What a user gives as sources: paths, folders, patterns, arrays, batches, columns of a table, any sequence of them."""

from __future__ import annotations

import array
import os
from collections.abc import Iterable, Iterator, Mapping, MappingView, Sequence, Set
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from mt_core.contract import Example, ModalityDataset, Tokenizer
from mt_core.data import hugging_face
from mt_core.errors import InputError, MtError
from mt_core.io.notices import Notices, collecting
from mt_core.io.paths import expand
from mt_core.model import MetaTransformer
from mt_core.plugins import get


def as_sources(model: MetaTransformer, given: Any) -> list[Any]:
    """The sources that are meant.

    A folder is its files of the modality's formats (without any it may be a sample itself, as frames of a video are), a
    pattern the files that match. Sequences, sets, iterators and
    columns of text are as many sources, and so is a dataset. A numeric array is one sample where the tokenizer can read
    it so, else a batch along its first axis. A dataset of Hugging Face's is its rows, where the modality reads rows, or
    its only column; a column of one is its values. Anything else (a data frame, a mapping, a picture, a graph) is one
    source.

    Raises:
        InputError: a folder or a pattern without a file.
    """
    suffixes = get(model.modality).manifest.suffixes
    sources: list[Any] = []
    for each in _elements(given, model.tokenizer):
        source = each.sample if isinstance(each, Example) else each
        sources += _files(source, suffixes, model.tokenizer) if isinstance(source, str | Path) else [source]
    return sources


def _files(source: str | Path, suffixes: Sequence[str], tokenizer: Tokenizer) -> list[str]:
    try:
        return expand([source], suffixes)
    except InputError:
        if os.path.isdir(source) and _is_readable(source, tokenizer):  # the frames of a video
            return [str(source)]
        raise


def samples_of(given: Any) -> list[Any]:
    """The samples of which each has a target: the elements of a sequence or an array, the rows of a data frame or of a
    dataset of Hugging Face's, a column of one.

    Raises:
        InputError: a mapping, or something that has no elements.
    """
    if (samples := hugging_face.samples_in(given)) is not None:
        return samples
    if isinstance(given, Mapping) or not (hasattr(given, "__iter__") or hasattr(given, "__len__")):
        raise InputError(
            f"a {type(given).__name__} is no sequence of samples",
            fix="give a list, an array whose first axis is that of the samples, or a data frame",
        )
    if is_frame(given):
        rows: list[Any] = given.to_dict("records") if hasattr(given, "iloc") else given.to_dicts()
        return rows
    if _is_several(given) and not isinstance(given, str | bytes | bytearray):
        return list(given)
    return _column(given) if _is_text_column(given) or not hasattr(given, "shape") else list(given)


def is_frame(given: Any) -> bool:
    """Whether this is a data frame, of pandas or polars."""
    return hasattr(given, "columns") and hasattr(given, "shape") and len(given.shape) == 2


def _elements(given: Any, tokenizer: Tokenizer) -> Iterable[Any]:
    if (samples := hugging_face.samples_in(given, lambda row: _is_readable(row, tokenizer))) is not None:
        return samples
    if isinstance(given, bytes | bytearray | memoryview):
        return [bytes(given)]
    if isinstance(given, str | Path | Mapping | Example):
        return [given]
    if isinstance(given, ModalityDataset):
        return (given[index].sample for index in range(len(given)))
    if isinstance(given, array.array):
        return [np.asarray(given)]
    if _is_several(given):
        return given
    if is_frame(given):
        return [given]
    if _is_text_column(given):
        return _column(given)
    if getattr(given, "ndim", 0) > 1 and _is_batch(given, tokenizer):
        return list(given)
    return [given]


def _is_several(given: Any) -> TypeGuard[Iterable[Any]]:
    return isinstance(given, Sequence | Set | MappingView | Iterator)


def _is_text_column(given: Any) -> bool:
    """Whether this is an array or a column of texts, paths or other objects, and not of numbers."""
    if getattr(given, "ndim", 1) != 1 or not hasattr(given, "dtype"):
        return False
    kind = getattr(given.dtype, "kind", None)
    return kind in "OUST" if kind is not None else str(given.dtype) in ("String", "Object", "Categorical")


def _column(given: Any) -> list[Any]:
    return list(given.to_list() if hasattr(given, "to_list") else given.tolist())


def _is_batch(given: Any, tokenizer: Tokenizer) -> bool:
    """Whether an array cannot be read as it is, and its first element can."""
    return not _is_readable(given, tokenizer) and len(given) > 0 and _is_readable(given[0], tokenizer)


def _is_readable(source: Any, tokenizer: Tokenizer) -> bool:
    with collecting(Notices()):
        try:
            first = next(iter(tokenizer.stream(source)), None)
        except MtError:
            return False
        except Exception:  # a fault of the plugin is reported when the source is read
            return True
    return first is not None and not isinstance(first, MtError)

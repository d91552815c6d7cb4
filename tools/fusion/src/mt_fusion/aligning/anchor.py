"""Vectors of a file that mt embed wrote, as a space that exists: what rows are bound to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mt_core import path_of_text
from mt_core.embedding.spaces import space_of
from mt_core.embedding.vectors import metadata_of
from mt_core.errors import DatasetError, OptionError

NAME = "anchor"
"""The input that stands for it."""


@dataclass(frozen=True)
class Anchor:
    """The vectors of a file.

    Attributes:
        path: The file.
        space: That they are in.
        vectors_NE: (N, E) float32, of length 1.
        at: The row of each source; None of a source that has several.
    """

    path: Path
    space: str
    vectors_NE: Tensor
    at: Mapping[str, int]

    @property
    def width(self) -> int:
        return self.vectors_NE.shape[1]


def read_anchor(path: Path) -> Anchor:
    """The vectors of a file.

    Raises:
        EmbeddingError: no file of vectors.
        DatasetError: it has vectors that are all zeros or not finite.
    """
    import pyarrow.parquet as pq

    if not path.is_file():
        raise OptionError(f"anchor={path} does not exist", fix="make it: mt embed MODALITY FILES -o v.parquet")
    metadata = metadata_of(path)
    table = pq.read_table(path, columns=["source", "vector"])
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors_NE = torch.from_numpy(np.array(flat, np.float32).reshape(len(table), -1))
    lengths_N1 = vectors_NE.norm(dim=1, keepdim=True)
    if not bool((lengths_N1.isfinite() & (lengths_N1 > 0)).all()):
        raise DatasetError(f"{path} has vectors that are zeros or not finite", fix="embed the files again")
    at = {_name(path_of_text(source), Path()): row for row, source in enumerate(table["source"].to_pylist())}
    return Anchor(path, space_of(metadata), vectors_NE / lengths_N1, at)


def joined(anchor: Anchor, rows: Sequence[Mapping[str, Any]], key: str | None, folder: Path) -> list[int | None]:
    """The vector of each row, by its number in the file; None where there is none.

    Args:
        rows: Cells by column.
        key: The column that names sources of the file, or numbers of its rows from 0. None: the column whose cells do;
            where none does and there are as many rows as vectors, in order.
        folder: What relative paths are relative to.

    Raises:
        OptionError: no such column.
        DatasetError: nothing can be joined.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if key is not None and key not in columns:
        raise OptionError(f"the data has no column {key!r}", fix=f"its columns are {', '.join(columns)}")
    found = {column: _by_column(anchor, rows, column, folder) for column in ([key] if key is not None else columns)}
    best = max(found, key=lambda column: sum(each is not None for each in found[column]))
    if any(each is not None for each in found[best]):
        return found[best]
    if key is None and len(rows) == len(anchor.vectors_NE):
        return list(range(len(rows)))
    example = next(iter(anchor.at), "none")
    raise DatasetError(
        f"no row names a source of {anchor.path}, whose first is {example}",
        fix="name the column that does by --key; its cells are paths as mt embed was given them, or row numbers",
    )


def _by_column(anchor: Anchor, rows: Sequence[Mapping[str, Any]], column: str, folder: Path) -> list[int | None]:
    cells = [row.get(column) for row in rows]
    by_name = [
        anchor.at.get(_name(Path(cell), folder), anchor.at.get(_name(Path(cell), Path())))
        if isinstance(cell, str) and "\0" not in cell and len(cell) < 1024
        else None
        for cell in cells
    ]
    if any(each is not None for each in by_name):
        return by_name
    numbers = [int(str(cell)) if str(cell).isdecimal() else None for cell in cells]
    known = [number for number in numbers if number is not None]
    if known and len(known) == sum(cell is not None for cell in cells) and max(known) < len(anchor.vectors_NE):
        return numbers if len(set(known)) > 1 else [None] * len(cells)
    return [None] * len(cells)


def _name(path: str | Path, folder: Path) -> str:
    return str((folder / path).absolute())

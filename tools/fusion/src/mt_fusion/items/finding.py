"""Which columns of a table are inputs, and of which modality, by what their cells hold."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt_core.cli.sorting import modality_of_name
from mt_core.errors import DatasetError, OptionError, did_you_mean
from mt_core.plugins import find, list_modalities
from mt_core.sdk import left_out, some_of
from mt_fusion.items.cells import is_array, names_files
from mt_fusion.items.inputs import Holds, Input, Inputs
from mt_fusion.items.table import Table

_LOOKED_AT = 2000  # cells of a column
_WORDS = 3.0  # in a cell, on average, from which texts are free texts and no categories
_SHARE = 0.5  # of cells that differ, from which texts are


@dataclass(frozen=True)
class Reads:
    """What an installed modality reads of a table, from its manifest alone."""

    suffixes: tuple[str, ...]
    cells: str | None


def what_is_read() -> dict[str, Reads]:
    """Of each installed modality."""
    raw = {name: find(name).raw for name in list_modalities()}
    return {name: Reads(tuple(each.get("suffixes", ())), each.get("cells")) for name, each in raw.items()}


def check_inputs(inputs: Inputs, table: Table) -> dict[str, Input]:
    """The inputs that a user named, with what their columns hold.

    Raises:
        OptionError: a column that the table does not have.
        DatasetError: a column that holds two things, or nothing that its modality reads.
    """
    read, settled = what_is_read(), {}
    for name, each in inputs.items():
        columns = each.columns_of(name)
        for column in columns:
            if column not in table.names:
                raise OptionError(
                    f"{table.path} has no column {column!r}{did_you_mean(column, table.names)}",
                    fix=f"its columns are {', '.join(table.names)}",
                )
        holds = each.holds or _what_is_held(table, columns, each.modality, read[each.modality])
        settled[name] = Input(modality=each.modality, columns=columns, holds=holds, options=each.options)
    return settled


def _what_is_held(table: Table, columns: Sequence[str], modality: str, reads: Reads) -> Holds:
    if len(columns) > 1:
        if reads.cells is None:
            raise OptionError(
                f"{modality} reads files, and {'+'.join(columns)} are several columns",
                fix=f"name one column of files for each input, as in {columns[0]}={modality},{columns[1]}={modality}",
            )
        return "cells"
    (column,) = columns
    cells = _cells(table, column)
    if cells and reads.cells != "row" and _holds_files(table, column, cells, reads.suffixes):
        return "files"
    if cells and reads.cells is None and not all(map(is_array, cells)):
        raise DatasetError(
            f"{table.path}: the column {column!r} names no files that {modality} reads, but {str(cells[0])[:60]!r}",
            fix=f"give names of files with their suffix: {' '.join(reads.suffixes[:12])}",
        )
    return "cells"


def _cells(table: Table, column: str) -> list[Any]:
    """The first cells of a column that are not empty."""
    found = (row[column] for row in table.rows if row[column] is not None)
    return [cell for cell, _ in zip(found, range(_LOOKED_AT), strict=False)]


def _holds_files(table: Table, column: str, cells: Sequence[Any], suffixes: Sequence[str]) -> bool:
    """Whether a column is of files.

    Raises:
        DatasetError: some of its cells are, and some are not.
    """
    are_files = [names_files(cell, suffixes, table.path.parent) for cell in cells]
    if all(are_files) or not any(are_files):
        return all(are_files)
    file = next(cell for cell, is_file in zip(cells, are_files, strict=True) if is_file)
    others = [str(cell)[:40] for cell, is_file in zip(cells, are_files, strict=True) if not is_file]
    if sum(are_files) < len(cells) / 10 and not isinstance(file, bytes | Mapping | list):
        return False  # a text that happens to end as a file does
    raise DatasetError(
        f"{table.path}: the column {column!r} is two things at once: {sum(are_files):,} of its cells name files "
        f"({str(file)[:60]}), {len(others):,} do not ({some_of(others)})",
        fix="correct these cells, leave them empty, or put them into a column of their own",
    )


def find_inputs(table: Table, besides: Collection[str]) -> dict[str, Input]:
    """The inputs of a table that names none: columns of files each by itself, columns of free text, and all other
    columns as one row of numbers and categories.

    Args:
        besides: Columns that are no inputs: the target, the groups, the split.

    Raises:
        DatasetError: nothing that an installed modality reads; or files that several modalities read.
    """
    read = what_is_read()
    for_text = next((name for name, each in read.items() if each.cells == "text"), None)
    for_rows = next((name for name, each in read.items() if each.cells == "row"), None)
    suffixes_of = {name: each.suffixes for name, each in read.items()}
    every = sorted({suffix for each in read.values() for suffix in each.suffixes})
    inputs: dict[str, Input] = {}
    others: list[str] = []
    for column in table.names:
        cells = _cells(table, column)
        if column in besides or not cells:
            continue
        if _holds_files(table, column, cells, every):
            modality = _modality_of(table.path, column, cells, suffixes_of)
            inputs[column] = Input(modality=modality, columns=(column,), holds="files")
        elif for_text is not None and _is_free_text(cells):
            inputs[column] = Input(modality=for_text, columns=(column,), holds="cells")
        elif any(isinstance(cell, list | Mapping | bytes) for cell in cells):
            left_out(str(table.path), f"the column {column}, whose cells are lists or objects and no files")
        else:
            others.append(column)
    if others and for_rows is not None:
        name = for_rows if for_rows not in inputs else f"{for_rows}_row"
        inputs[name] = Input(modality=for_rows, columns=tuple(others), holds="cells")
    if not inputs:
        raise DatasetError(
            f"{table.path}: no column holds what an installed modality reads ({', '.join(read)})",
            fix="name the inputs, as in --inputs photo=image,description=text; `mt list` shows what can be installed",
        )
    return inputs


def _is_free_text(cells: Sequence[Any]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) < len(cells):
        return False
    words = statistics.fmean(len(text.split()) for text in texts)
    return words >= _WORDS and len(set(texts)) >= _SHARE * len(texts)


def _modality_of(path: Path, column: str, cells: Sequence[Any], suffixes_of: Mapping[str, Sequence[str]]) -> str:
    """The one modality that reads the files of a column."""
    found: Counter[str] = Counter()
    for cell in cells:
        parts = cell if isinstance(cell, list) else [cell]
        for part in parts:
            name = part.get("path") or "" if isinstance(part, Mapping) else part
            if isinstance(name, str):
                modality, candidates = modality_of_name(name.split(";")[0], suffixes_of)
                found[modality or " or ".join(candidates) or "a suffix that none reads"] += 1
    if len(found) == 1 and next(iter(found)) in suffixes_of:
        return next(iter(found))
    kinds = ", ".join(f"{count:,} of {name}" for name, count in found.most_common(4)) or "bytes without a name"
    raise DatasetError(
        f"{path}: the modality of the files in the column {column!r} is not known ({kinds})",
        fix=f"say it: --inputs {column}=MODALITY,…",
    )

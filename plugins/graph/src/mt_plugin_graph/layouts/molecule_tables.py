"""Tables of molecules: a column of SMILES and one or several of targets, as MoleculeNet and PCQM4Mv2 ship them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import AnyTask, Multilabel, Regression
from mt_core.errors import DatasetError, MtError, OptionError
from mt_core.sdk import (
    MISSING_MARKS,
    Delimited,
    Listing,
    NumberFormat,
    left_out,
    number_format,
    sorted_names,
    text_lines,
)
from mt_plugin_graph.layouts.columns import Table, read_table
from mt_plugin_graph.layouts.held_out import chosen_rows
from mt_plugin_graph.layouts.molecule_parts import SPLIT_NAMES, groups_of, parts_of
from mt_plugin_graph.layouts.options import GraphDatasetOptions
from mt_plugin_graph.reading import TableMolecule
from mt_plugin_graph.reading.columns import is_smiles_name, smiles_column
from mt_plugin_graph.reading.molecule_files import LOOKED_AT, column_by_content

TARGET_NAMES = (
    "measured log solubility in mols per litre",  # ESOL
    "expt",  # FreeSolv
    "exp",  # Lipophilicity
    "p_np",  # BBBP
    "Class",  # BACE
    "HIV_active",  # HIV
    "homolumogap",  # PCQM4Mv2
    "target",
    "label",
)
"""Columns known to be the target, the first of them that a table has."""

_NOT_TARGETS = ("id", "idx", "index", "num", "cid", "mol_id", "unnamed: 0", "")
_PREDICTIONS = ("predicted", "calc")
"""Words in the names of columns that hold another model's answers: never a target unless asked for by name."""

_OF_FILES = frozenset(("path", "file", "filename", "file_name"))
"""Columns of tables that list files."""

_PLAIN = NumberFormat()


def find_molecule_table(root: Path, split: str, options: GraphDatasetOptions) -> Listing | None:
    """The molecules of a split of a CSV file, or of the only one with a SMILES column in a folder; None for none.

    Raises:
        DatasetError: a damaged table, or one without targets.
        MissingSplitError: no such split.
        OptionError: a column that there is not.
    """
    files = [root] if root.is_file() else sorted(path for path in root.iterdir() if _is_table(path))
    found = {path: column for path in files if _is_table(path) and (column := _smiles_column(path, options.smiles))}
    if not found:
        return None
    if len(found) > 1:
        raise DatasetError(
            f"{root} holds several tables of molecules: {', '.join(path.name for path in list(found)[:2])}",
            fix="name one file",
        )
    ((path, column),) = found.items()
    table = read_table(path, column)
    targets, classes, task = targets_of(table, options)
    groups = groups_of(table, options)
    chosen = chosen_rows(parts_of(table, options, groups), len(table), split, root)
    return listing_of(table, targets, chosen, classes, "molecules", task, groups)


def listing_of(
    table: Table,
    targets: Sequence[Any],
    chosen: Sequence[int],
    classes: tuple[str, ...],
    layout: str,
    task: AnyTask | None,
    groups: Sequence[str | None] | None,
) -> Listing:
    """Some rows of a table; those without a molecule are left out, with a warning."""
    smiles = table.columns[table.smiles]
    whole = [at for at in chosen if smiles[at].strip()]
    if len(whole) < len(chosen):
        left_out(str(table.path), f"{len(chosen) - len(whole):,} of {len(chosen):,} rows have no SMILES string")
    samples = _Molecules(table, whole)
    own = None if groups is None else [groups[at] for at in whole]
    return Listing(samples, [targets[at] for at in whole], classes, layout, task, groups=own)


class _Molecules(Sequence[TableMolecule]):
    """The molecules of some rows of a table."""

    def __init__(self, table: Table, rows: Sequence[int]) -> None:
        self._path, self._smiles, self._lines = str(table.path), table.columns[table.smiles], table.lines
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> TableMolecule: ...
    @overload
    def __getitem__(self, index: slice) -> list[TableMolecule]: ...
    def __getitem__(self, index: int | slice) -> TableMolecule | list[TableMolecule]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        row = self._rows[index]
        return TableMolecule(self._smiles[row].strip(), self._path, self._lines[row])


def targets_of(table: Table, options: GraphDatasetOptions) -> tuple[list[Any], tuple[str, ...], AnyTask | None]:
    """Targets in the order of the rows, with the classes or the task.

    Which columns: those of `options.target`; else the first of `TARGET_NAMES`; else all that hold nothing but 0, 1 and
    blanks, where there are several; else the last that is numbers. One column of 0 and 1, or of text, is classes.
    """
    names = _target_names(table, options)
    if len(names) == 1 and options.kind in (None, "classification"):
        cells = [cell.strip() for cell in table.columns[names[0]]]
        numbers = _numbers(cells)
        if options.kind == "classification" or numbers is None or _is_binary(numbers):
            labels = [_class_name(cell) for cell in cells]
            return labels, sorted_names(label for label in labels if label is not None), None
    columns = [_numbers(table.columns[name]) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column is None:
            raise OptionError(
                f"{table.path}: the column {name!r} holds text", fix="use kind=classification, or another target"
            )
    rows = np.stack([column for column in columns if column is not None], axis=1)
    is_binary = all(_is_binary(column) for column in rows.T)
    if options.kind == "classification":
        raise OptionError(
            f"classification has one target, not {len(names)}", fix="name one column, or use kind=multilabel"
        )
    if options.kind == "multilabel" or (options.kind is None and is_binary):
        if not is_binary:
            raise OptionError(f"{table.path}: labels are 0, 1 or blank", fix="use kind=regression, or other targets")
        return rows.tolist(), (), Multilabel(labels=tuple(names))
    return (rows[:, 0] if len(names) == 1 else rows).tolist(), (), Regression(names=tuple(names))


def _target_names(table: Table, options: GraphDatasetOptions) -> list[str]:
    if options.target:
        whole = ",".join(options.target)
        asked = [whole] if whole in table.columns else list(options.target)
        lacking = [name for name in asked if name not in table.columns]
        if lacking:
            raise OptionError(
                f"{table.path} has no column {lacking[0]!r}", fix=f"target is of: {', '.join(table.columns)}"[:500]
            )
        return asked
    group = None if options.group is None else table.named(options.group)
    known = next((name for name in TARGET_NAMES if name in table.columns and name != group), None)
    if known is not None:
        return [known]
    possible = {}
    for name, cells in table.columns.items():
        lowered = name.strip().lower()
        is_other = (
            name in (table.smiles, group)
            or is_smiles_name(name)
            or lowered in (*SPLIT_NAMES, *_NOT_TARGETS)
            or any(word in lowered for word in _PREDICTIONS)
        )
        numbers = None if is_other else _numbers(cells)
        if numbers is not None and not np.isnan(numbers).all():
            possible[name] = numbers
    binary = [name for name, numbers in possible.items() if _is_binary(numbers)]
    if len(binary) > 1:
        return binary
    if not possible:
        raise DatasetError(
            f"{table.path} has no column of numbers beside the molecules", fix="name one by the option target"
        )
    return [list(possible)[-1]]


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """NaN for what is missing or infinite; None where a cell is text."""
    try:
        return np.array([_PLAIN.parse(cell) for cell in cells])
    except ValueError:
        found = number_format(cells)
    return None if found is None else np.array([found.parse(cell) for cell in cells])


def _is_binary(numbers: NDArray[np.float64]) -> bool:
    known = numbers[~np.isnan(numbers)]
    return bool(len(known)) and bool(np.isin(known, (0.0, 1.0)).all())


def _class_name(cell: str) -> str | None:
    """ "1" for "1.0"; None where it is missing."""
    if cell in MISSING_MARKS:
        return None
    try:
        number = float(cell)
        return str(int(number)) if number.is_integer() else cell
    except (ValueError, OverflowError):
        return cell


def _smiles_column(path: Path, wanted: str | None) -> str | None:
    """The column of SMILES strings of a table, by its name, else by what is in it; None for none, and for what is no
    table, whatever it is."""
    names: Sequence[str] = ()
    with suppress(MtError, OSError), path.open("rb") as file:
        table = Delimited(text_lines(file, str(path)), str(path), separators=",;\t", header=True)
        names = table.names
        if wanted is None and (column := smiles_column(names)) is not None:
            return column
        if wanted is None and not _OF_FILES.intersection(map(str.lower, names)):
            return column_by_content(names, list(islice(table, LOOKED_AT)), str(path))
    if wanted is not None and wanted not in names:
        raise OptionError(f"{path} has no column {wanted!r}", fix=f"smiles is one of: {', '.join(names)}"[:500])
    return wanted


def _is_table(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith((".csv", ".csv.gz")) and not path.name.startswith(".")

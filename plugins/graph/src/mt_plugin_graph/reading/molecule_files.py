"""Files of many molecules: SMILES a line, SDF, tables. One that cannot be read is an error in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO

from mt_core.errors import InputError
from mt_core.sdk import Delimited, reinterpreted, text_lines
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.reading.columns import is_smiles_name, smiles_column
from mt_plugin_graph.reading.molecules import are_smiles, is_smiles, molecule, molecule_of_block

MAX_RECORD = 2**26
"""Bytes of one molecule of an SDF file."""

LOOKED_AT = 50
"""Rows by which a column of SMILES strings is told where no name tells it."""

_LONGEST_LINE = 2**20


def molecules_of_lines(file: BinaryIO, name: str) -> Iterator[Graph | InputError]:
    """A SMILES string a line, and what is behind a blank or a comma is a name.

    A first line that names columns ("zinc_id smiles") says which of them is meant; lines that begin with # are
    comments.

    Raises:
        InputError: no molecule at all.
    """
    column, is_empty, is_first = 0, True, True
    for number, line in enumerate(text_lines(file, name), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        words = re.split(r"[\s,;]+", line.strip())
        if is_first and (titled := smiles_column(words)) is not None:
            column, is_first = words.index(titled), False
            continue
        is_first = is_empty = False
        where = f"{name}, line {number}"
        text = line if not column else words[column] if column < len(words) else ""
        yield _or_error(text, where)
    if is_empty:
        raise InputError(f"{name} holds no SMILES string", fix="give a file with one a line")


def molecules_of_sdf(file: BinaryIO, name: str) -> Iterator[Graph | InputError]:
    """All molecules of an SDF or MOL file, in order; coordinates are left out.

    Raises:
        InputError: no molecule at all.
        MissingDependencyError: RDKit is not installed.
    """
    number = 0
    for number, block in enumerate(_blocks(file, name), start=1):
        title = block.lstrip("\ufeff").partition("\n")[0].strip()[:60]
        record = f"{name}, molecule {number}" + (f" ({title})" if title.isprintable() and title else "")
        try:
            yield molecule_of_block(block, record)
        except InputError as error:
            yield error
    if not number:
        raise InputError(f"{name} holds no molecule", fix="check that it is an SDF or MOL file, and whole")


def molecules_of_table(table: Delimited, name: str) -> Iterator[Graph | InputError]:
    """The molecules of a table with a column of SMILES strings, a row each.

    Raises:
        InputError: no such column, by name or by what is in it.
    """
    rows = ((table.line, cells) for cells in table)
    start = list(islice(rows, LOOKED_AT))
    column = smiles_column(table.names) or column_by_content(table.names, [cells for _, cells in start], name)
    if column is None:
        raise InputError(
            f"{name} has the columns {', '.join(table.names)[:200]}: neither SMILES strings nor the ends of edges",
            fix="call the column of SMILES strings smiles, or those of an edge source and target; "
            "an edge list without a header has the suffix .edges",
        )
    if len(several := [each for each in table.names if is_smiles_name(each)]) > 1:
        reinterpreted(name, f"of the columns {', '.join(several)} the molecules of {column} taken")
    place = table.names.index(column)
    if is_smiles(column):  # there is no header: it is the first molecule
        start.insert(0, (1, list(table.names)))
    for line, cells in chain(start, rows):
        yield _or_error(cells[place], f"{name}, line {line}")


def column_by_content(names: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> str | None:
    """The only column whose cells are SMILES strings, whatever it is called, which is then told; None for none."""
    found = [column for place, column in enumerate(names) if are_smiles([row[place] for row in rows])]
    if len(found) != 1:
        return None
    reinterpreted(name, f"the column {found[0]} taken for SMILES strings")
    return found[0]


def _or_error(text: str, where: str) -> Graph | InputError:
    if not text.strip():
        return InputError(f"{where} has no SMILES string", fix="complete or remove the row")
    try:
        return molecule(text, where)
    except InputError as error:
        return error


def _blocks(file: BinaryIO, name: str) -> Iterator[str]:
    """The records between the lines of four dollars; Latin-1 takes any byte that names and remarks may hold."""
    lines: list[bytes] = []
    size = 0
    while line := file.readline(_LONGEST_LINE):
        if line.startswith(b"$$$$"):
            yield b"".join(lines).decode("latin-1")
            lines, size = [], 0
            continue
        lines.append(line)
        size += len(line)
        if size > MAX_RECORD:
            raise InputError(
                f"{name} holds a molecule of more than {MAX_RECORD >> 20} MiB", fix="check that it is an SDF file"
            )
    if any(line.strip() for line in lines):
        yield b"".join(lines).decode("latin-1")

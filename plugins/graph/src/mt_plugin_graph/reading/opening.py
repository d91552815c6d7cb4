"""Graphs from files, bytes, strings and objects in memory."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import declared_suffixes
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.reading.arrays import graph_of_arrays, is_arrays
from mt_plugin_graph.reading.edge_lists import graph_of_edge_list
from mt_plugin_graph.reading.molecules import MAX_SMILES, graph_of_mol, molecule, molecules_of_sdf
from mt_plugin_graph.reading.networks import graph_of_network, graph_of_xml

SUFFIXES = declared_suffixes("mt_plugin_graph")
"""Of the files that are read; and .csv, which holds molecules or edges as its header says."""

SMILES_COLUMNS = ("smiles", "mol", "canonical_smiles")
"""Names of a column of SMILES strings, in any case."""

MAX_BYTES = 2**28
"""Of a file that holds one graph."""

_FORMATS = " ".join((*SUFFIXES, ".csv"))
_MAX_LINE = 2 * MAX_SMILES


def graphs(source: Any, columns: Columns = attributes_of) -> Iterator[Graph]:
    """All graphs of a source, in order.

    Args:
        source: The path of a file; a SMILES string (a `str` that is no existing path and has no known suffix); the
            bytes of a file; a networkx graph; a PyG object or a mapping (see `graph_of_arrays`); an RDKit molecule; a
            `Graph`.
        columns: What becomes of attributes that have names.

    Raises:
        InputError: none of these, or a file that is damaged; maybe after some graphs.
        MissingDependencyError: molecules without RDKit.
    """
    name = name_of(source)
    if isinstance(source, Graph):
        yield source
    elif isinstance(source, str) and not _is_path(source):
        yield molecule(source)
    elif isinstance(source, str | Path):
        with reading(source, formats=_FORMATS):
            yield from _of_file(Path(source), name, columns)
    elif isinstance(source, bytes):
        with reading(source, formats=_FORMATS):
            yield from _of_bytes(source, name, columns)
    elif is_arrays(source):
        with reading(source, formats=_FORMATS, fix="give arrays called edge_index, x, edge_attr"):
            yield graph_of_arrays(source, name)
    elif hasattr(source, "nodes") and hasattr(source, "is_directed") and hasattr(source, "edges"):
        with reading(source, formats=_FORMATS, fix="check the attributes of the networkx graph"):
            yield graph_of_network(source, name, columns)
    elif hasattr(source, "GetAtoms") and hasattr(source, "GetBonds"):
        with reading(source, formats=_FORMATS, fix="sanitise the molecule first: Chem.SanitizeMol(mol)"):
            yield graph_of_mol(source, name)
    else:
        raise InputError(
            f"{name} is no graph",
            fix=f"give a SMILES string, a file ({_FORMATS}), a networkx or PyG graph, or a mapping with edge_index",
        )


def only_graph(source: Any, columns: Columns = attributes_of) -> Graph:
    """The graph of a source that holds exactly one.

    Raises:
        InputError: as `graphs`; also more than one.
    """
    return only_one(graphs(source, columns), source, "graph")


def _is_path(text: str) -> bool:
    return os.path.exists(text) or text.lower().endswith((*SUFFIXES, ".csv"))


def _of_file(path: Path, name: str, columns: Columns) -> Iterator[Graph]:
    match path.suffix.lower():
        case ".smi" | ".smiles":
            with path.open(encoding="utf-8-sig") as text:
                yield from _of_smiles_lines(text, name)
        case ".sdf" | ".mol":
            with path.open("rb") as file:
                yield from molecules_of_sdf(file, name)
        case ".csv" if (column := _smiles_column(path)) is not None:
            yield from _of_smiles_column(path, column)
        case ".graphml" | ".gexf":
            yield graph_of_xml(_content(path, name), name, columns)
        case ".edges" | ".edgelist" | ".csv":
            yield graph_of_edge_list(_content(path, name).decode("utf-8-sig"), name, path, columns)
        case _:
            raise InputError(f"{name} has a suffix of no known format", fix=f"rename it to one of {_FORMATS}")


def _content(path: Path, name: str) -> bytes:
    """Of a file that holds one graph."""
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{name} has more than {MAX_BYTES >> 20} MiB", fix="cut the graph into smaller ones")
    return path.read_bytes()


def _of_bytes(content: bytes, name: str, columns: Columns) -> Iterator[Graph]:
    """XML, SDF or MOL, and otherwise SMILES, a line each."""
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        if len(content) > MAX_BYTES:
            raise InputError(f"{name} are more than {MAX_BYTES >> 20} MiB", fix="cut the graph into smaller ones")
        yield graph_of_xml(content, name, columns)
    elif b"M  END" in content or b"V2000" in content or b"V3000" in content:
        yield from molecules_of_sdf(io.BytesIO(content), name)
    else:
        yield from _of_smiles_lines(io.StringIO(content.decode("utf-8-sig")), name)


def _of_smiles_lines(text: TextIO, name: str) -> Iterator[Graph]:
    number, is_empty = 0, True
    while line := text.readline(_MAX_LINE):
        number += 1
        words = line.split(maxsplit=1)
        if not words or (number == 1 and words[0].lower() in SMILES_COLUMNS):
            continue
        is_empty = False
        yield molecule(line, f"{name}, line {number}")
    if is_empty:
        raise InputError(f"{name} holds no SMILES string", fix="give a file with one a line")


def _smiles_column(path: Path) -> str | None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader([file.readline(_MAX_LINE)]), [])
    return next((name for name in header if name.strip().lower() in SMILES_COLUMNS), None)


def _of_smiles_column(path: Path, column: str) -> Iterator[Graph]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            yield molecule(row[column] or "", f"{path}, line {rows.line_num}")

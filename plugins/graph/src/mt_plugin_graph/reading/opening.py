"""Graphs from files, bytes, strings and objects in memory."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import Delimited, declared_suffixes, text_lines
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.reading.arrays import graph_of_arrays, is_arrays
from mt_plugin_graph.reading.edge_lists import graph_of_edge_list
from mt_plugin_graph.reading.molecules import graph_of_mol, molecule, molecules_of_sdf
from mt_plugin_graph.reading.networks import graph_of_network, graph_of_xml

SUFFIXES = declared_suffixes("mt_plugin_graph")
"""Of the files that are read; and .csv, which holds molecules or edges as its header says."""

SMILES_COLUMNS = ("smiles", "mol", "canonical_smiles")
"""Names of a column of SMILES strings, in any case."""

MAX_BYTES = 2**28
"""Of a file that holds one graph."""

_FORMATS = " ".join((*SUFFIXES, ".csv"))


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
    with path.open("rb") as file:
        match path.suffix.lower():
            case ".smi" | ".smiles":
                yield from _of_smiles_lines(file, name)
            case ".sdf" | ".mol":
                yield from molecules_of_sdf(file, name)
            case ".graphml" | ".gexf":
                yield graph_of_xml(_content(file, name), name, columns)
            case ".edges" | ".edgelist":
                yield graph_of_edge_list(text_lines(file, name, largest=MAX_BYTES), name, path, columns)
            case ".csv":
                table = Delimited(text_lines(file, name), name, separators=",;\t", header=True)
                if (column := smiles_column(table.names)) is not None:
                    for cells in table:
                        yield molecule(cells[table.names.index(column)], f"{name}, line {table.line}")
                else:
                    file.seek(0)
                    yield graph_of_edge_list(text_lines(file, name, largest=MAX_BYTES), name, path, columns)
            case _:
                raise InputError(f"{name} has a suffix of no known format", fix=f"rename it to one of {_FORMATS}")


def _of_bytes(content: bytes, name: str, columns: Columns) -> Iterator[Graph]:
    """XML, SDF or MOL, and otherwise SMILES, a line each."""
    file = io.BytesIO(content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        yield graph_of_xml(_content(file, name), name, columns)
    elif b"M  END" in content or b"V2000" in content or b"V3000" in content:
        yield from molecules_of_sdf(file, name)
    else:
        yield from _of_smiles_lines(file, name)


def _content(file: BinaryIO, name: str) -> bytes:
    """Of a file that holds one graph."""
    if file.seek(0, io.SEEK_END) > MAX_BYTES:
        raise InputError(f"{name} has more than {MAX_BYTES >> 20} MiB", fix="cut the graph into smaller ones")
    file.seek(0)
    return file.read()


def _of_smiles_lines(file: BinaryIO, name: str) -> Iterator[Graph]:
    is_empty = True
    for number, line in enumerate(text_lines(file, name), start=1):
        words = line.split(maxsplit=1)
        if words and (number > 1 or words[0].lower() not in SMILES_COLUMNS):
            is_empty = False
            yield molecule(line, f"{name}, line {number}")
    if is_empty:
        raise InputError(f"{name} holds no SMILES string", fix="give a file with one a line")


def smiles_column(names: Sequence[str]) -> str | None:
    """Which of a table's columns holds SMILES strings, by its name; None for none."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    return next((lower[name] for name in SMILES_COLUMNS if name in lower), None)

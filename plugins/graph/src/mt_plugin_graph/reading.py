"""Graphs from files, bytes, strings and objects in memory."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_plugin_graph.arrays import graph_of_arrays, is_arrays
from mt_plugin_graph.edge_lists import graph_of_edge_list
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.molecules import MAX_SMILES, graph_of_mol, molecule, molecules_of_sdf
from mt_plugin_graph.networks import graph_of_network, graph_of_xml

SMILES_SUFFIXES = (".smi", ".smiles")
MOLFILE_SUFFIXES = (".sdf", ".mol")
XML_SUFFIXES = (".graphml", ".gexf")
EDGE_SUFFIXES = (".edges", ".edgelist")
SUFFIXES = (*SMILES_SUFFIXES, *MOLFILE_SUFFIXES, *XML_SUFFIXES, *EDGE_SUFFIXES)
"""Of the files that are read; and .csv, which holds molecules or edges as its header says."""

SMILES_COLUMNS = ("smiles", "mol", "canonical_smiles")
"""Names of a column of SMILES strings, in any case."""

MAX_BYTES = 2**28
"""Of a file that holds one graph."""

_FORMATS = " ".join((*SUFFIXES, ".csv"))
_MAX_LINE = 2 * MAX_SMILES


def graphs(source: Any, *, categorical: Collection[str] = (), ignore: Collection[str] = ()) -> Iterator[Graph]:
    """All graphs of a source, in order.

    Args:
        source: The path of a file; a SMILES string (a `str` that is no existing path and has no known suffix); the
            bytes of a file; a networkx graph; a PyG object or a mapping (see `graph_of_arrays`); an RDKit molecule; a
            `Graph`.
        categorical, ignore: See `attributes_of`.

    Raises:
        InputError: none of these, or a file that is damaged; maybe after some graphs.
        MissingDependencyError: molecules without RDKit.
    """
    if isinstance(source, Graph):
        yield source
    elif isinstance(source, str) and not _is_path(source):
        yield molecule(source)
    elif isinstance(source, str | Path):
        yield from _of_file(Path(source), str(source), categorical, ignore)
    elif isinstance(source, bytes):
        with reading(source, formats=_FORMATS):
            yield from _of_bytes(source, name_of(source), categorical, ignore)
    elif is_arrays(source):
        with reading(source, formats=_FORMATS, fix="give arrays called edge_index, x, edge_attr"):
            yield graph_of_arrays(source, name_of(source))
    elif hasattr(source, "nodes") and hasattr(source, "is_directed") and hasattr(source, "edges"):
        with reading(source, formats=_FORMATS, fix="check the attributes of the networkx graph"):
            yield graph_of_network(source, name_of(source), categorical=categorical, ignore=ignore)
    elif hasattr(source, "GetAtoms") and hasattr(source, "GetBonds"):
        with reading(source, formats=_FORMATS, fix="sanitise the molecule first: Chem.SanitizeMol(mol)"):
            yield graph_of_mol(source, name_of(source))
    else:
        raise InputError(
            f"{name_of(source)} is no graph",
            fix=f"give a SMILES string, a file ({_FORMATS}), a networkx or PyG graph, or a mapping with edge_index",
        )


def only_graph(source: Any, *, categorical: Collection[str] = (), ignore: Collection[str] = ()) -> Graph:
    """The graph of a source that holds exactly one.

    Raises:
        InputError: as `graphs`; also more than one.
    """
    return only_one(graphs(source, categorical=categorical, ignore=ignore), source, "graph")


def _is_path(text: str) -> bool:
    return os.path.exists(text) or text.lower().endswith((*SUFFIXES, ".csv"))


def _of_file(path: Path, name: str, categorical: Collection[str], ignore: Collection[str]) -> Iterator[Graph]:
    suffix = path.suffix.lower()
    with reading(path, formats=_FORMATS):
        if suffix in SMILES_SUFFIXES:
            with path.open(encoding="utf-8-sig") as text:
                yield from _of_smiles_lines(text, name)
        elif suffix in MOLFILE_SUFFIXES:
            with path.open("rb") as file:
                yield from molecules_of_sdf(file, name)
        elif suffix == ".csv" and (column := _smiles_column(path)) is not None:
            yield from _of_smiles_column(path, column)
        elif suffix in (*XML_SUFFIXES, *EDGE_SUFFIXES, ".csv"):
            if path.stat().st_size > MAX_BYTES:
                raise InputError(f"{name} has more than {MAX_BYTES >> 20} MiB", fix="cut the graph into smaller ones")
            if suffix in XML_SUFFIXES:
                yield graph_of_xml(path.read_bytes(), name, categorical=categorical, ignore=ignore)
            else:
                text_of_list = path.read_text(encoding="utf-8-sig")
                yield graph_of_edge_list(text_of_list, name, path, categorical=categorical, ignore=ignore)
        else:
            raise InputError(f"{name} has a suffix of no known format", fix=f"rename it to one of {_FORMATS}")


def _of_bytes(content: bytes, name: str, categorical: Collection[str], ignore: Collection[str]) -> Iterator[Graph]:
    """XML, SDF or MOL, and otherwise SMILES, a line each."""
    import io

    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        if len(content) > MAX_BYTES:
            raise InputError(f"{name} are more than {MAX_BYTES >> 20} MiB", fix="cut the graph into smaller ones")
        yield graph_of_xml(content, name, categorical=categorical, ignore=ignore)
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

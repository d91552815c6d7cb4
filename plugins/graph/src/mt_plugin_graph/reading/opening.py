"""Graphs from files, bytes, strings and objects in memory."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from mt_core.contract import name_of, only_one, reading
from mt_core.errors import InputError
from mt_core.sdk import Delimited, declared_suffixes, text_chunks, text_lines
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.reading.arrays import graph_of_arrays, is_arrays
from mt_plugin_graph.reading.columns import edge_columns, smiles_column
from mt_plugin_graph.reading.edge_lists import graph_of_edge_list, graph_of_edge_table
from mt_plugin_graph.reading.molecule_files import molecules_of_lines, molecules_of_sdf, molecules_of_table
from mt_plugin_graph.reading.molecules import molecule, molecule_of_object
from mt_plugin_graph.reading.networks import graph_of_gml, graph_of_network
from mt_plugin_graph.reading.node_link import graph_of_json
from mt_plugin_graph.reading.xml import graph_of_xml

SUFFIXES = declared_suffixes("mt_plugin_graph")
"""Of the files that are read; and those of `_FURTHER`, which other modalities have too."""

_FURTHER = (".csv", ".tsv", ".json", ".gz")

_REFUSED = {
    **dict.fromkeys((".mol2", ".pdb", ".cif", ".xyz"), "convert it to SDF, for instance: obabel FILE -O FILE.sdf"),
    **dict.fromkeys((".dot", ".gv"), "convert it: networkx.write_graphml(networkx.nx_pydot.read_dot(FILE), OUT)"),
    ".net": "convert it: networkx.write_graphml(networkx.read_pajek(FILE), OUT)",
    ".adjlist": "convert it: networkx.write_edgelist(networkx.read_adjlist(FILE), OUT)",
    ".mtx": "write its entries as an edge list, two names and a weight a line",
}
"""What to do with files of other formats."""

MAX_BYTES = 2**28
"""Of a file that holds one graph."""

_PART = 2**20

_FORMATS = " ".join((*SUFFIXES, *_FURTHER))


class TableMolecule(str):
    """A SMILES string that knows where it stands, so that messages name it.

    Attributes:
        path, line: The table, and the line in it.
    """

    __slots__ = ("line", "path")
    path: str
    line: int

    def __new__(cls, smiles: str, path: str = "", line: int = 0) -> Self:
        molecule = super().__new__(cls, smiles)
        molecule.path, molecule.line = path, line
        return molecule


def graphs(source: Any, columns: Columns = attributes_of) -> Iterator[Graph | InputError]:
    """All graphs of a source, in order; in place of a molecule that cannot be read among others, its error.

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
    elif isinstance(source, TableMolecule):
        yield molecule(str(source), f"{source.path}, line {source.line}")
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
            yield molecule_of_object(source, name)
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
    return os.path.exists(text) or text.lower().endswith((*SUFFIXES, *_FURTHER, *_REFUSED))


def _of_file(path: Path, name: str, columns: Columns) -> Iterator[Graph | InputError]:
    with path.open("rb") as opened:
        suffix, file = path.suffix.lower(), cast(BinaryIO, opened)
        if suffix == ".gz":
            suffix, file = Path(path.stem).suffix.lower(), cast(BinaryIO, gzip.open(opened))
        match suffix:
            case ".smi" | ".smiles" | ".ism" | ".inchi":
                yield from molecules_of_lines(file, name)
            case ".sdf" | ".mol" | ".sd":
                yield from molecules_of_sdf(file, name)
            case ".graphml" | ".gexf":
                yield graph_of_xml(_content(file, name), name, columns)
            case ".gml":
                yield graph_of_gml(_text(file, name), name, columns)
            case ".json":
                yield graph_of_json(_text(file, name), name, columns)
            case ".edges" | ".edgelist":
                yield graph_of_edge_list(text_lines(file, name, largest=MAX_BYTES), name, path, columns)
            case ".csv" | ".tsv":
                table = Delimited(text_lines(file, name), name, separators=",;\t", header=True)
                if smiles_column(table.names) is None and edge_columns(table.names) is not None:
                    yield graph_of_edge_table(table, name, path, columns)
                else:
                    yield from molecules_of_table(table, name)
            case _:
                fix = _REFUSED.get(suffix, f"rename it to one of {_FORMATS}").replace("FILE", path.stem)
                raise InputError(f"{name} has a suffix of no known format", fix=fix)


def _of_bytes(content: bytes, name: str, columns: Columns) -> Iterator[Graph | InputError]:
    """XML, SDF or MOL, and otherwise SMILES, a line each."""
    file = io.BytesIO(content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        yield graph_of_xml(_content(file, name), name, columns)
    elif b"M  END" in content or b"V2000" in content or b"V3000" in content:
        yield from molecules_of_sdf(file, name)
    else:
        yield from molecules_of_lines(file, name)


def _content(file: BinaryIO, name: str) -> bytes:
    """Of a file that holds one graph."""
    parts, size = [], 0
    while part := file.read(_PART):  # a read of MAX_BYTES would allocate as many, however small the file is
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise InputError(f"{name} has more than {MAX_BYTES >> 20} MiB", fix="cut the graph into smaller ones")
    return b"".join(parts)


def _text(file: BinaryIO, name: str) -> str:
    return "".join(text_chunks(file, name, largest=MAX_BYTES))

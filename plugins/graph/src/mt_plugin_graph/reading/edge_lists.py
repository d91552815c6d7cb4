"""Edge lists: one undirected edge a line, maybe with a table of the nodes beside them."""

from __future__ import annotations

import ast
import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_core.sdk import Delimited, text_lines
from mt_plugin_graph.attributes import Columns, attributes_of, parse_cell
from mt_plugin_graph.graph import Graph, check_size, make_graph

_COMMENTS = ("#", "%", "//")
_SOURCE_NAMES = ("source", "src", "from", "u", "node1", "source_id")
_TABLE_SUFFIXES = (".nodes.csv", ".nodes")


def graph_of_edge_list(lines: Iterable[str], name: str, path: Path, columns: Columns = attributes_of) -> Graph:
    """The graph of an edge list.

    Two names a line, with commas, tabs or blanks between them, then maybe a weight and further values, or what networkx
    writes there, `{'weight': 2}`. A first line that begins with "source" or the like names the columns. Lines that
    begin with # or % or // are comments. Beside `x.edges` may stand `x.nodes.csv` (or `x.nodes`): a CSV table with a
    header, whose first column is the node's name; nodes without an edge stand there alone.

    Args:
        path: Of the list, to look beside.

    Raises:
        InputError: a line without two names, or too many of them.
    """
    nodes: dict[str, Mapping[str, Any]] = _nodes_beside(path)
    place = {node: index for index, node in enumerate(nodes)}
    ends: list[tuple[int, int]] = []
    records: list[Mapping[str, Any]] = []
    header: list[str] = []
    for number, cells in _rows(lines, name):
        if not ends and not header and cells[0].lower() in _SOURCE_NAMES:
            header = cells
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise InputError(f"{name}, line {number}: an edge is two names", fix="write one edge a line: first second")
        first, second = (place.setdefault(end, len(place)) for end in cells[:2])
        ends.append((first, second))
        records.append(_record(cells[2:], header[2:] if header else None, f"{name}, line {number}"))
        check_size(len(place), len(ends), name)
    return make_graph(
        len(place),
        np.array(ends, np.int64).reshape(-1, 2).T,
        node_attributes=columns([nodes.get(node, {}) for node in place]),
        edge_attributes=columns(records),
        is_directed=False,
        name=name,
    )


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line.startswith(_COMMENTS):
            continue
        front, brace, mapping = line.partition("{")
        delimiter = next((mark for mark in ("\t", ";", ",") if mark in front), None)
        try:
            cells = front.split() if delimiter is None else next(csv.reader([front], delimiter=delimiter))
        except csv.Error as error:
            raise InputError(f"{name}, line {number}: {error}", fix="export the list again") from None
        cells = [one.strip() for one in cells]
        yield number, [*cells[:2], brace + mapping] if brace else cells


def _record(cells: list[str], header: list[str] | None, where: str) -> Mapping[str, Any]:
    """What an edge carries. Without a header, the first value is its weight."""
    if cells and cells[0].startswith("{"):
        try:
            found = ast.literal_eval(cells[0][:10_000])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InputError(
                f"{where}: {cells[0][:60]!r} is no mapping of values", fix="write {'weight': 2}, or weights"
            )
        return found
    names = header if header is not None else ["weight", *(f"value_{number}" for number in range(2, len(cells) + 1))]
    if len(cells) > len(names):
        raise InputError(f"{where}: more values than the header names", fix="name every column in the header")
    return dict(zip(names, map(parse_cell, cells), strict=False))


def _nodes_beside(path: Path) -> dict[str, Mapping[str, Any]]:
    stem = os.path.splitext(path)[0]
    table = next((Path(stem + suffix) for suffix in _TABLE_SUFFIXES if os.path.isfile(stem + suffix)), None)
    if table is None:
        return {}
    with reading(table, formats=" ".join(_TABLE_SUFFIXES)), table.open("rb") as file:
        rows = Delimited(text_lines(file, str(table)), str(table), separators=",;\t", header=True)
        nodes: dict[str, Mapping[str, Any]] = {}
        for name, *values in rows:
            if name.strip() in nodes:
                raise InputError(f"{table}, line {rows.line}: {name!r} stands twice", fix="write each node once")
            nodes[name.strip()] = dict(zip(rows.names[1:], map(parse_cell, values), strict=True))
            check_size(len(nodes), 0, str(table))
    return nodes

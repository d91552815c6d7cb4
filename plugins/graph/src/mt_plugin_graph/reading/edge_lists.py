"""Edge lists: one undirected edge a line, maybe with a table of the nodes beside them."""

from __future__ import annotations

import ast
import csv
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import reading
from mt_core.errors import InputError
from mt_core.sdk import Delimited, left_out, reinterpreted, text_lines
from mt_plugin_graph.attributes import Columns, attributes_of, parse_cell
from mt_plugin_graph.graph import Graph, check_size, make_graph
from mt_plugin_graph.reading.columns import edge_columns, is_source_name

_HEAD = 20  # lines, in which comments say what it is
_DIRECTED = re.compile(r"#+ *directed graph\b|% *asym\b", re.IGNORECASE)
_COMMENTS = ("#", "%", "//")
_LISTS = (".edges", ".edgelist", ".csv", ".tsv", ".txt")
_TABLE_SUFFIXES = (".nodes.csv", ".nodes")


def node_tables_of(name: str) -> list[str]:
    """What the table of the nodes of an edge list may be called, whether it is there or not."""
    stem, suffix = os.path.splitext(name)
    return [stem + end for end in _TABLE_SUFFIXES] if suffix.lower() in _LISTS else []


def graph_of_edge_list(lines: Iterable[str], name: str, path: Path, columns: Columns = attributes_of) -> Graph:
    """The graph of an edge list.

    Two names a line, with commas, tabs or blanks between them, then maybe a weight and further values, or what networkx
    writes there, `{'weight': 2}`. A first line that begins with "source" or the like names the columns. Lines that
    begin with # or % or // are comments; of them "# Directed graph" (SNAP) and "% asym" (KONECT) make it directed.
    Beside `x.edges` may stand `x.nodes.csv` (or `x.nodes`): a CSV table with a header, whose first column is the node's
    name; nodes without an edge stand there alone.

    Args:
        path: Of the list, to look beside.

    Raises:
        InputError: a line without two names, too many of them, an adjacency list or matrix.
    """
    lines = iter(lines)
    start = list(islice(lines, _HEAD))
    rows = _rows(chain(start, lines), name)
    nodes, header = _node_table(path), None
    first = next(rows, None)
    if first is not None and start[0].startswith("%%MatrixMarket"):  # its first row is its size
        nodes = {**{str(node): {} for node in range(1, _size(first[1], name) + 1)}, **nodes}
    elif first is not None and is_source_name(first[1][0]):
        header = first[1]
    elif first is not None:
        rows = chain([first], rows)
    is_directed = any(map(_DIRECTED.match, start))
    return _graph(rows, header, nodes, columns, is_directed=is_directed, name=name)


def graph_of_edge_table(table: Delimited, name: str, path: Path, columns: Columns = attributes_of) -> Graph:
    """The graph of a table with a header that names the ends of an edge; Gephi's column Type tells its direction."""
    rows = ((table.line, [cell.strip() for cell in cells]) for cells in table)
    return _graph(rows, list(table.names), _node_table(path), columns, is_directed=False, name=name)


def _graph(
    rows: Iterable[tuple[int, list[str]]],
    header: list[str] | None,
    nodes: Mapping[str, Mapping[str, Any]],
    columns: Columns,
    *,
    is_directed: bool,
    name: str,
) -> Graph:
    one, other = (header and edge_columns(header)) or (0, 1)
    further = None if header is None else [text for at, text in enumerate(header) if at not in (one, other)]
    pairs: list[tuple[str, str]] = []
    records: list[Mapping[str, Any]] = []
    widths = Counter[int]()
    for number, cells in rows:
        if len(cells) <= max(one, other) or not cells[one] or not cells[other]:
            raise InputError(f"{name}, line {number}: an edge is two names", fix="write one edge a line: first second")
        pairs.append((cells[one], cells[other]))
        rest = [cell for at, cell in enumerate(cells) if at not in (one, other)]
        records.append(_record(rest, further, f"{name}, line {number}"))
        widths[len(cells)] += 1
        check_size(0, len(pairs), name)
    if header is None:
        _refuse_other_shapes(widths, len(pairs), name)
        if not nodes and _is_count(pairs):
            reinterpreted(name, "the first line taken for the numbers of nodes and edges")
            pairs, records = pairs[1:], records[1:]
    directions = {str(record.get("Type", "")).lower() for record in records}
    if directions and directions <= {"directed", "undirected"}:
        is_directed = "directed" in directions
        if len(directions) > 1:
            left_out(name, "which of the edges are undirected: all are taken for directed")
        records = [{key: value for key, value in record.items() if key != "Type"} for record in records]
    place = {node: index for index, node in enumerate(nodes)}
    ends = [[place.setdefault(end, len(place)) for end in pair] for pair in pairs]
    return make_graph(
        len(place),
        np.array(ends, np.int64).reshape(-1, 2).T,
        node_attributes=columns([nodes.get(node, {}) for node in place]),
        edge_attributes=columns(records),
        is_directed=is_directed,
        name=name,
    )


def _refuse_other_shapes(widths: Counter[int], count: int, name: str) -> None:
    """Lines of numbers that are no edges: an adjacency list has lines of all lengths, a matrix as many cells as lines.

    Raises:
        InputError: either of them.
    """
    if len(widths) > 2:
        raise InputError(
            f"{name} has lines of {min(widths)} to {max(widths)} values: an adjacency list, and no edge list",
            fix="write one edge a line: first second",
        )
    if widths == {count: count} and count > 3:
        raise InputError(
            f"{name} has {count} lines of {count} values: a matrix, and no edge list",
            fix="write one edge a line: first second",
        )


def _is_count(pairs: list[tuple[str, str]]) -> bool:
    """Whether the first line is not an edge but how many nodes and edges there are."""
    if len(pairs) < 3 or not (pairs[0][0].isdecimal() and pairs[0][1] == str(len(pairs) - 1)):
        return False
    names = {end for pair in pairs[1:] for end in pair}
    return len(names) == int(pairs[0][0]) and pairs[0][1] not in names


def _size(cells: list[str], name: str) -> int:
    if len(cells) < 2 or not all(cell.isdecimal() for cell in cells) or cells[0] != cells[1]:
        raise InputError(f"{name}: a matrix of size {' '.join(cells)[:40]} is no graph", fix="give a square one")
    check_size(int(cells[0]), 0, name)
    return int(cells[0])


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


def _node_table(path: Path) -> dict[str, Mapping[str, Any]]:
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

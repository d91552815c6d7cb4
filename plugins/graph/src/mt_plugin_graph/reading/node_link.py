"""Graphs as JSON: networkx's node-link data, and what D3, Sigma and Cytoscape write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from mt_core.errors import InputError
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph, check_size, make_graph
from mt_plugin_graph.reading.networks import tell_lists

_NAMES = ("id", "key", "name")
_NESTED = ("data", "attributes")
_SOURCES, _TARGETS = ("source", "from", "src"), ("target", "to", "dst")
_OF_EDGES = frozenset((*_SOURCES, *_TARGETS, "key", "id"))


def graph_of_json(text: str, name: str, columns: Columns = attributes_of) -> Graph:
    """The graph of node-link data: "nodes" with an id, and "links" or "edges" with source and target.

    Where nodes have no id, source and target are their places, from 0, as in D3. Directed where the file says so.

    Raises:
        InputError: no such data, a node that stands twice, an edge to none.
    """
    found = json.loads(text)
    if isinstance(found, Mapping) and isinstance(found.get("elements"), Mapping):  # Cytoscape
        found = {**found, **found["elements"]}
    found = found if isinstance(found, Mapping) else {}
    links = found.get("links", found.get("edges"))
    if not isinstance(links, list) or not isinstance(found.get("nodes"), list):
        raise InputError(
            f"{name} is no node-link data", fix='give {"nodes": [{"id": …}], "links": [{"source": …, "target": …}]}'
        )
    check_size(len(found["nodes"]), len(links), name)
    nodes, edges = [_record(node) for node in found["nodes"]], [_record(edge) for edge in links]
    key = next((key for key in _NAMES if nodes and all(key in node for node in nodes)), None)
    place = {str(node[key] if key else at): at for at, node in enumerate(nodes)}
    if len(place) != len(nodes):
        raise InputError(f"{name} has nodes of one {key}", fix="give each node an id of its own")
    if key == "name" and all(isinstance(edge.get("source"), int) for edge in edges):  # D3: places, not names
        place = {str(at): at for at in range(len(nodes))}
    ends = [[_end(edge, names, place, name) for names in (_SOURCES, _TARGETS)] for edge in edges]
    nodes = [{name: value for name, value in node.items() if name != key} for node in nodes]
    edges = [{name: value for name, value in edge.items() if name not in _OF_EDGES} for edge in edges]
    tell_lists([*nodes, *edges], name)
    return make_graph(
        len(nodes),
        np.array(ends, np.int64).reshape(-1, 2).T,
        node_attributes=columns(nodes),
        edge_attributes=columns(edges),
        is_directed=_is_directed(found),
        name=name,
    )


def _record(each: Any) -> dict[str, Any]:
    """What a node or an edge carries: some writers nest it one deeper."""
    if not isinstance(each, Mapping):
        return {"id": each}
    flat = {name: value for name, value in each.items() if name not in _NESTED}
    for nested in _NESTED:
        flat |= each[nested] if isinstance(each.get(nested), Mapping) else {}
    return flat


def _end(edge: Mapping[str, Any], names: tuple[str, ...], place: Mapping[str, int], name: str) -> int:
    end = next((edge[key] for key in names if key in edge), None)
    if str(end) not in place:
        raise InputError(f"{name} has an edge with {names[0]} {str(end)[:60]!r}, and no such node", fix="add the node")
    return place[str(end)]


def _is_directed(found: Mapping[str, Any]) -> bool:
    options = found.get("options")
    return bool(found.get("directed", isinstance(options, Mapping) and options.get("type") == "directed"))

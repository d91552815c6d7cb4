"""networkx's graphs, and GML files, which networkx reads."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mt_core.sdk import left_out
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph, check_size, make_graph


def graph_of_network(network: Any, name: str, columns: Columns = attributes_of) -> Graph:
    """The graph of a networkx graph of any kind; see `attributes_of` for what becomes of attributes."""
    check_size(network.number_of_nodes(), network.number_of_edges(), name)
    place = {node: index for index, node in enumerate(network.nodes)}
    edges = list(network.edges(data=True))
    ends = [(place[first], place[second]) for first, second, _ in edges]
    nodes = [record for _, record in network.nodes(data=True)]
    tell_lists([*nodes, *(record for *_, record in edges)], name)
    return make_graph(
        len(place),
        np.array(ends, np.int64).reshape(-1, 2).T,
        node_attributes=columns(nodes),
        edge_attributes=columns([record for _, _, record in edges]),
        is_directed=network.is_directed(),
        name=name,
    )


def graph_of_gml(text: str, name: str, columns: Columns = attributes_of) -> Graph:
    """The graph of a GML file. Nodes are named by their id; labels, which need not be there, are left out as names."""
    import networkx

    check_size(len(re.findall(r"\bnode\s*\[", text)), len(re.findall(r"\bedge\s*\[", text)), name)
    # networkx wants ASCII, and the files of many old collections list an edge twice without saying "multigraph 1"
    text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    if not re.search(r"\bmultigraph\s+1\b", text):
        text = re.sub(r"\bgraph\s*\[", "graph [\nmultigraph 1\n", text, count=1)
    network = networkx.parse_gml(text.splitlines(), label="id")
    for _, record in network.nodes(data=True):
        record.pop("label", None)
    return graph_of_network(network, name, columns)


def tell_lists(records: list[Any], name: str) -> None:
    """Tell which attributes are left out, because they are lists or mappings of further values."""
    lists = {str(key) for record in records for key, value in record.items() if isinstance(value, list | tuple | dict)}
    if lists:
        left_out(name, f"attributes that are lists: {', '.join(sorted(lists))}")

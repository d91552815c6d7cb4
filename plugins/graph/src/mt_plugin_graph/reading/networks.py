"""networkx's graphs, and the XML files that networkx reads: GraphML and GEXF."""

from __future__ import annotations

import io
import warnings
from typing import Any
from xml.parsers import expat

import numpy as np

from mt_core.errors import InputError
from mt_plugin_graph.attributes import Columns, attributes_of
from mt_plugin_graph.graph import Graph, check_size, make_graph

_MAX_DEPTH = 64


def graph_of_network(network: Any, name: str, columns: Columns = attributes_of) -> Graph:
    """The graph of a networkx graph of any kind; see `attributes_of` for what becomes of attributes."""
    check_size(network.number_of_nodes(), network.number_of_edges(), name)
    place = {node: index for index, node in enumerate(network.nodes)}
    edges = list(network.edges(data=True))
    ends = [(place[first], place[second]) for first, second, _ in edges]
    return make_graph(
        len(place),
        np.array(ends, np.int64).reshape(-1, 2).T,
        node_attributes=columns([record for _, record in network.nodes(data=True)]),
        edge_attributes=columns([record for _, _, record in edges]),
        is_directed=network.is_directed(),
        name=name,
    )


def graph_of_xml(content: bytes, name: str, columns: Columns = attributes_of) -> Graph:
    """The graph of a GraphML or GEXF file; which of the two, its first element says.

    Raises:
        InputError: neither of them, an entity or a document type, too large, or several graphs.
    """
    root = _inspect(content, name)
    import networkx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of attributes without a declared type, which are then text
        if root == "graphml":
            network = networkx.read_graphml(io.BytesIO(content))
        else:
            network = networkx.read_gexf(io.BytesIO(content))
            for *_, record in (*network.nodes(data=True), *network.edges(data=True)):
                record.pop("label", None)  # what is written beside it in a drawing, by default its id
    return graph_of_network(network, name, columns)


def _inspect(content: bytes, name: str) -> str:
    """The name of the first element of a file that is safe to build; nothing is built here.

    A document type is refused whatever it says: a few lines of entities there can unfold to gigabytes.
    """
    counts = {"node": 0, "edge": 0, "graph": 0}
    opened: list[str] = []
    root = ""

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal root
        tag = tag.rpartition(":")[2]
        root = root or tag
        opened.append(tag)
        if len(opened) > _MAX_DEPTH:
            raise InputError(f"{name} is nested more than {_MAX_DEPTH} deep", fix="export it again")
        if tag in counts:
            counts[tag] += 1
            check_size(counts["node"], counts["edge"], name)
        if counts["graph"] > 1:
            raise InputError(f"{name} holds several graphs", fix="save each of them in a file of its own")

    def end(_: str) -> None:
        opened.pop()

    def refuse(*_: object) -> None:
        raise InputError(
            f"{name} declares a document type", fix="remove the <!DOCTYPE ...> and export without entities"
        )

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
    if root not in ("graphml", "gexf"):
        raise InputError(f"{name} is XML of another kind, <{root}>", fix="export it as GraphML or GEXF")
    return root

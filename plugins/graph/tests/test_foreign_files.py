"""Graphs and molecules as other people's programs write them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest

from mt_core.errors import DataWarning, InputError
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.reading import graphs, only_graph

foreign_file = pytest.mark.foreign_file


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def same_as(graph: Graph, network: Any) -> bool:
    """Whether a graph has the edges of a networkx graph, its nodes in that order."""
    place = {node: at for at, node in enumerate(network.nodes)}
    wanted = sorted(tuple(sorted((place[one], place[other]))) for one, other in network.edges())
    found = sorted(tuple(sorted(ends)) for ends in graph.edges.T.tolist())
    return (graph.num_nodes, found) == (len(place), wanted)


# edge lists


SNAP = "# Directed graph (each unordered pair of nodes is saved once): web.txt\n# FromNodeId\tToNodeId\n"


@pytest.mark.parametrize(
    ("text", "is_directed"),
    [
        pytest.param(
            f"{SNAP}30\t1412\n30\t3352\n1412\t30\n",
            True,
            marks=foreign_file("comments say that it is directed", "SNAP, .edges", "read: directed"),
        ),
        pytest.param(
            "% sym unweighted\n% 3 4 4\n30 1412\n30 3352\n1412 30\n",
            False,
            marks=foreign_file("comments with % and the size in them", "KONECT, .edges", "read"),
        ),
        pytest.param(
            "%%MatrixMarket matrix coordinate pattern symmetric\n% from a solver\n4 4 3\n3 1\n1 2\n3 3\n",
            False,
            marks=foreign_file(
                "a Matrix Market file: sizes first, a node without an edge", "Network Repository, .edges", "read"
            ),
        ),
    ],
)
def test_comments_and_sizes_are_no_edges(tmp_path: Path, text: str, is_directed: bool):
    graph = only_graph(put(tmp_path / "a.edges", text))
    assert graph.is_directed == is_directed and graph.num_edges == 3
    assert graph.num_nodes == (4 if "Matrix" in text else 3)
    if "Matrix" in text:
        assert graph.edges.tolist() == [[2, 0, 2], [0, 1, 2]]


@foreign_file("the numbers of nodes and edges on the first line", "courses and contests, .edges", "read, told")
def test_a_first_line_of_counts_is_no_edge(tmp_path: Path):
    cycle = networkx.cycle_graph(6)
    text = "6 6\n" + "".join(f"{one} {other}\n" for one, other in cycle.edges)
    with pytest.warns(DataWarning, match="first line taken for the numbers of nodes and edges"):
        graph = only_graph(put(tmp_path / "a.edges", text))
    assert graph.num_nodes == 6 and graph.num_edges == 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "1 2 3 4\n2 3\n3 4 5\n4\n",
            "two names|adjacency list",
            marks=foreign_file("an adjacency list", "networkx, .edges", "refused"),
        ),
        pytest.param(
            "a b c d e\nb c d\nc d\n",
            "adjacency list",
            marks=foreign_file("an adjacency list of names", "igraph, .edges", "refused"),
        ),
        pytest.param(
            "0,1,1,0\n1,0,0,1\n1,0,0,1\n0,1,1,0\n",
            "a matrix",
            marks=foreign_file("an adjacency matrix", "spreadsheet, .edges", "refused"),
        ),
    ],
)
def test_what_is_no_edge_list_is_refused(tmp_path: Path, text: str, problem: str):
    with pytest.raises(InputError, match=problem):
        only_graph(put(tmp_path / "a.edges", text))


@pytest.mark.parametrize(
    ("text", "is_directed"),
    [
        pytest.param(
            "Source,Target,Type,Id,Label,Weight\na,b,Undirected,0,,2.0\nb,c,Undirected,1,,1.0\nc,c,Undirected,2,,1.0\n",
            False,
            marks=foreign_file("columns Source, Target, Type, Id, Weight; a loop", "Gephi, CSV", "read"),
        ),
        pytest.param(
            "Id;Type;Weight;Target;Source\n0;Directed;2;b;a\n1;Directed;1;c;b\n2;Directed;1;c;c\n",
            True,
            marks=foreign_file("ends of an edge behind other columns", "Gephi, CSV", "read: directed"),
        ),
    ],
)
def test_tables_of_edges_are_known_by_their_header(tmp_path: Path, text: str, is_directed: bool):
    graph = only_graph(put(tmp_path / "edges.csv", text))
    assert graph.edges.tolist() == [[0, 1, 2], [1, 2, 2]] and graph.is_directed == is_directed
    assert graph.edge_attributes.number_names == ("Weight",)
    assert graph.edge_attributes.numbers.ravel().tolist() == [2, 1, 1]


@foreign_file("a table of anything else", "spreadsheet, CSV", "refused: neither SMILES nor source and target")
def test_an_unknown_table_is_no_edge_list(tmp_path: Path):
    with pytest.raises(InputError, match=r"columns city, population: neither SMILES strings nor the ends of edges"):
        list(graphs(put(tmp_path / "a.csv", "city,population\nRome,2.8\nParis,2.1\n")))


# XML, GML, JSON


GEXF = """<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="{space}" version="1.3"><graph defaultedgetype="undirected">
<attributes class="node"><attribute id="0" title="place" type="listfloat"/>
<attribute id="1" title="age" type="short"/></attributes>
<attributes class="edge"><attribute id="0" title="years" type="double"/></attributes>
<nodes><node id="a" label="A"><attvalues><attvalue for="0" value="[1.5,2]"/><attvalue for="1" value="7"/></attvalues>
</node><node id="b" label="B"/></nodes>
<edges><edge id="0" source="a" target="b"><attvalues><attvalue for="0" value="3"/></attvalues></edge></edges>
</graph></gexf>"""


@pytest.mark.parametrize("space", ["http://gexf.net/1.3", "http://www.gexf.net/1.3"])
@foreign_file("attributes of type listfloat and short, version 1.3", "Gephi, GEXF", "read, told: lists are left out")
def test_types_that_networkx_does_not_know(tmp_path: Path, space: str):
    with pytest.warns(DataWarning, match="attributes that are lists: place"):
        graph = only_graph(put(tmp_path / "a.gexf", GEXF.format(space=space)))
    assert graph.node_attributes.number_names == ("age",) and graph.node_attributes.numbers[0] == 7
    assert graph.edge_attributes.number_names == ("years",) and graph.edge_attributes.numbers.tolist() == [[3]]


@foreign_file("values that change with time, no time format", "Gephi, GEXF", "read, told: they are left out")
def test_dynamic_attributes(tmp_path: Path):
    value = '<attvalue for="0" value="1" start="1" end="2"/>'
    text = f"""<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">
    <graph mode="dynamic" defaultedgetype="directed"><attributes class="node" mode="dynamic">
    <attribute id="0" title="size" type="float"/></attributes>
    <nodes><node id="a"><attvalues>{value}</attvalues></node><node id="b"/></nodes>
    <edges><edge source="a" target="b" weight="2"/></edges></graph></gexf>"""
    with pytest.warns(DataWarning, match="attributes that are lists: size"):
        graph = only_graph(put(tmp_path / "a.gexf", text))
    assert graph.is_directed and graph.edges.tolist() == [[0], [1]]


@foreign_file("keys of type vector_float, a key without a name", "graph-tool, GraphML", "read, told: no lists")
def test_vectors_in_graphml(tmp_path: Path):
    text = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
    <key id="k0" for="node" attr.name="pos" attr.type="vector_float"/><key id="k1" for="node" attr.type="int"/>
    <graph edgedefault="directed"><node id="n0"><data key="k0">1.5, 2</data><data key="k1">5</data></node>
    <node id="n1"/>    <edge source="n1" target="n0"/></graph></graphml>"""
    with pytest.warns(DataWarning, match="attributes that are lists: pos"):
        graph = only_graph(put(tmp_path / "a.graphml", text))
    assert graph.node_attributes.number_names == ("k1",) and graph.node_attributes.numbers[0] == 5
    assert graph.is_directed and graph.edges.tolist() == [[1], [0]]


GRAPHML_DEFAULT = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
    <key id="k0" for="node" attr.name="size" attr.type="double"><default>7.5</default></key>
    <key id="k1" for="edge" attr.name="w" attr.type="double"><default>2</default></key><graph edgedefault="directed">
    <node id="a"/><node id="b"><data key="k0">1.5</data></node><edge source="a" target="b"/></graph></graphml>"""

GEXF_DEFAULT = """<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"><graph defaultedgetype="directed">
    <attributes class="node">
    <attribute id="0" title="size" type="double"><default>7.5</default></attribute></attributes>
    <attributes class="edge"><attribute id="1" title="w" type="double"><default>2</default></attribute></attributes>
    <nodes><node id="a"/><node id="b"><attvalues><attvalue for="0" value="1.5"/></attvalues></node></nodes>
    <edges><edge id="0" source="a" target="b"/></edges></graph></gexf>"""


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        pytest.param(
            ".graphml", GRAPHML_DEFAULT,
            marks=foreign_file("a default for nodes that say nothing", "yEd, igraph, GraphML", "read: the default"),
        ),
        pytest.param(
            ".gexf", GEXF_DEFAULT,
            marks=foreign_file("a default for nodes that say nothing", "Gephi, GEXF", "read: the default"),
        ),
    ],
)  # fmt: skip
def test_attributes_that_are_declared_with_a_default(tmp_path: Path, suffix: str, text: str):
    graph = only_graph(put(tmp_path / f"a{suffix}", text))
    assert graph.node_attributes.number_names == ("size",) and graph.edge_attributes.numbers.tolist() == [[2.0]]
    assert graph.node_attributes.numbers.tolist() == [[7.5], [1.5]]


@foreign_file("no namespace, keys without a type", "Cytoscape, Maltego, GraphML", "read")
def test_graphml_without_a_namespace(tmp_path: Path):
    text = """<graphml xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <key id="k0" for="node" attr.name="kind"/><graph edgedefault="undirected">
    <node id="n0"><data key="k0">a</data></node><node id="n1"/><edge source="n1" target="n0"/></graph></graphml>"""
    graph = only_graph(put(tmp_path / "a.graphml", text))
    assert graph.edges.tolist() == [[0], [1]] and graph.node_attributes.class_names == ("kind",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            'graph [ node [ id 7 label "one" value 3 ] node [ id 9 label "two" value 4 ] edge [ source 7 target 9 ] ]',
            marks=foreign_file("labels that are names, ids from anywhere", "Newman's collection, GML", "read"),
        ),
        pytest.param(
            "graph [ directed 0\n node [ id 7 value 3 ]\n node [ id 9 value 4 ]\n edge [ source 7 target 9 ] ]",
            marks=foreign_file("nodes without a label", "igraph, GML", "read"),
        ),
        pytest.param(
            'Creator "é"\ngraph [ node [ id 7 label "ü" value 3 ] node [ id 9 label "ü" value 4 ]'
            " edge [ source 7 target 9 ] ]",
            marks=foreign_file("letters beyond ASCII, two nodes of one label", "yEd, GML", "read"),
        ),
    ],
)
def test_gml_nodes_are_named_by_their_id(tmp_path: Path, text: str):
    graph = only_graph(put(tmp_path / "a.gml", text))
    assert graph.edges.tolist() == [[0], [1]] and not graph.is_directed
    assert graph.node_attributes.number_names == ("value",) and graph.node_attributes.class_names == ()
    assert graph.node_attributes.numbers.ravel().tolist() == [3, 4]


@foreign_file("an edge listed twice without multigraph 1", "Newman's collection, GML", "read: both edges")
def test_a_repeated_edge_in_gml(tmp_path: Path):
    edge = " edge [ source 1 target 2 value 5 ]"
    graph = only_graph(put(tmp_path / "a.gml", f"graph [ node [ id 1 ] node [ id 2 ] {edge} {edge} ]"))
    assert graph.edges.tolist() == [[0, 0], [1, 1]] and graph.edge_attributes.numbers.tolist() == [[5], [5]]


@pytest.mark.parametrize("edges", ["links", "edges"])
@foreign_file("node-link data with links, or with edges since networkx 3.6", "networkx, JSON", "read")
def test_node_link_data(tmp_path: Path, edges: str):
    network = networkx.les_miserables_graph()
    data = networkx.node_link_data(network, edges=edges)
    graph = only_graph(put(tmp_path / "a.json", json.dumps(data)))
    assert same_as(graph, network) and not graph.is_directed
    assert graph.edge_attributes.number_names == ("weight",)
    assert graph.edge_attributes.numbers.ravel().tolist() == [weight for *_, weight in network.edges(data="weight")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            {"nodes": [{"name": "a", "group": 1}, {"name": "b", "group": 2}], "links": [{"source": 0, "target": 1}]},
            marks=foreign_file("ends of links are places of nodes without an id", "D3, JSON", "read"),
        ),
        pytest.param(
            {
                "options": {"type": "undirected"},
                "nodes": [{"key": "0", "attributes": {"group": 1}}, {"key": "1", "attributes": {"group": 2}}],
                "edges": [{"key": "e", "source": "0", "target": "1"}],
            },
            marks=foreign_file("nodes with a key and attributes of their own", "graphology, Sigma, JSON", "read"),
        ),
        pytest.param(
            {
                "elements": {
                    "nodes": [{"data": {"id": "a", "group": 1}}, {"data": {"id": "b", "group": 2}}],
                    "edges": [{"data": {"id": "e", "source": "a", "target": "b"}}],
                }
            },
            marks=foreign_file("nodes and edges in elements, what they carry in data", "Cytoscape, JSON", "read"),
        ),
    ],
)
def test_json_of_other_programs(tmp_path: Path, data: Any):
    graph = only_graph(put(tmp_path / "a.json", json.dumps(data)))
    assert graph.edges.tolist() == [[0], [1]] and not graph.is_directed
    assert graph.node_attributes.number_names == ("group",)
    assert graph.node_attributes.numbers.ravel().tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".mol2", ".dot", ".net", ".adjlist", ".mtx"])
@foreign_file("MOL2, DOT, Pajek, adjacency lists", "other programs", "refused: how to convert it")
def test_other_formats_are_refused_with_a_way_out(tmp_path: Path, suffix: str):
    with pytest.raises(InputError, match=r"no known format\n.*(convert it|edge list)"):
        list(graphs(put(tmp_path / f"a{suffix}", "graph")))


@foreign_file("a file packed by gzip", "collections, .gz", "read")
def test_packed_files_are_read(tmp_path: Path):
    packed = gzip.compress(b"a b 2\nb c 3\n")
    assert np.array_equal(only_graph(put(tmp_path / "a.edges.gz", packed)).edges, [[0, 1], [1, 2]])

"""Files, strings and objects to graphs, and what is said of those that are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx
import numpy as np
import pytest
import torch

from mt_core.errors import DataWarning, InputError, MissingDependencyError
from mt_plugin_graph.graph import MISSING, Graph
from mt_plugin_graph.reading import SUFFIXES, graphs, only_graph
from mt_plugin_graph.tokenizer import GraphTokenizer

GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="node" attr.name="colour" attr.type="string"/>
  <key id="d1" for="node" attr.name="size" attr.type="double"/>
  <key id="d2" for="edge" attr.name="weight" attr.type="double"/>
  <graph edgedefault="{direction}">
    <node id="a"><data key="d0">red</data><data key="d1">1.5</data></node>
    <node id="b"><data key="d0">blue</data></node>
    <node id="c"/>
    <edge source="a" target="b"><data key="d2">2</data></edge>
    <edge source="c" target="b"/>
  </graph>
</graphml>
"""
GEXF = """<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">
  <graph mode="static" defaultedgetype="undirected">
    <attributes class="node"><attribute id="0" title="colour" type="string"/></attributes>
    <nodes>
      <node id="0" label="Hello"><attvalues><attvalue for="0" value="red"/></attvalues></node>
      <node id="1" label="World"/>
    </nodes>
    <edges><edge id="0" source="0" target="1" weight="2.5"/></edges>
  </graph>
</gexf>
"""
MOLFILE = """
  drawn

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.0000    0.0000    0.0000 C   0  0
    2.0000    0.0000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
"""


def columns(graph: Graph) -> dict[str, list[Any]]:
    """What the nodes carry, by name."""
    nodes = graph.node_attributes
    found: dict[str, list[Any]] = {
        name: values.tolist() for name, values in zip(nodes.class_names, nodes.classes.T, strict=True)
    }
    numbers = zip(nodes.number_names, nodes.numbers.T, strict=True)
    return found | {name: [None if np.isnan(one) else float(one) for one in values] for name, values in numbers}


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# molecules


def test_atoms_and_bonds_are_coded_as_in_the_open_graph_benchmark():
    pytest.importorskip("rdkit")
    graph = only_graph("Cl[C@H](/C=C/C)Br")
    # the examples in ogb.utils.features, atom 1 and bond 2; chirality is S: seen with H behind, Br, Cl, C turn left
    assert graph.node_attributes.classes[1].tolist() == [5, 2, 4, 5, 1, 0, 2, 0, 0]
    assert graph.edge_attributes.classes[2].tolist() == [1, 2, 0]
    assert graph.num_nodes == 6 and graph.num_edges == 5 and not graph.is_directed


def test_benzene_is_aromatic_and_a_ring():
    pytest.importorskip("rdkit")
    graph = only_graph("c1ccccc1")
    assert graph.node_attributes.classes.tolist() == [[5, 0, 3, 5, 1, 0, 1, 1, 1]] * 6
    assert graph.edge_attributes.classes.tolist() == [[3, 0, 1]] * 6


@pytest.mark.parametrize("smiles", ["[Na+].[Cl-]", "*", "[Og]", "[NH4+]", "C" * 300, "[O-][N+](=O)c1ccccc1", "[H][H]"])
def test_unusual_molecules_are_graphs(smiles: str):
    pytest.importorskip("rdkit")
    assert only_graph(smiles).num_nodes >= 1


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CC!C", "position 3"),
        ("c1ccccc", "unclosed ring"),
        ("C(C)(C)(C)(C)C", "valence for atom # 0 C, 5"),
        ("c1cccc1", "kekulize"),
        ("hello.abc", "position 1"),
        ("", "0 characters"),
        ("C\0C", "3 characters"),
        ("C" * 20_001, "20,001 characters"),
        ("C" + "(" * 5000 + "C" + ")" * 5000, "position"),
    ],
)
def test_string_that_is_no_molecule_is_told_with_the_reason(
    smiles: str, reason: str, capfd: pytest.CaptureFixture[str]
):
    pytest.importorskip("rdkit")
    with pytest.raises(InputError, match=reason) as caught:
        only_graph(smiles)
    assert smiles[:20] in caught.value.problem or not smiles.isprintable()
    assert caught.value.fix
    assert capfd.readouterr() == ("", "")


def test_smiles_file_streams_a_molecule_a_line(tmp_path: Path):
    pytest.importorskip("rdkit")
    path = put(tmp_path / "a.smi", "SMILES Name\nCCO ethanol\n\nC\tmethane\r\n")
    assert [graph.num_nodes for graph in graphs(path)] == [3, 1]
    assert [graph.num_nodes for graph in graphs(path.read_bytes())] == [3, 1]
    with pytest.raises(InputError, match="more than one"):
        only_graph(path)


def test_bad_line_is_named_among_the_good_ones(tmp_path: Path):
    pytest.importorskip("rdkit")
    first, bad, last = graphs(put(tmp_path / "a.smi", "CC\nC(\nC\n"))
    assert (first.num_nodes, last.num_nodes) == (2, 1)
    assert isinstance(bad, InputError) and "line 2: 'C('" in bad.problem


def test_column_of_smiles_streams_a_molecule_a_row(tmp_path: Path):
    pytest.importorskip("rdkit")
    path = put(tmp_path / "a.csv", 'name,SMILES,y\n"a, b",CCO,1\nc,C,2\n')
    assert [graph.num_nodes for graph in graphs(path)] == [3, 1]


def test_sdf_streams_its_molecules_and_names_the_bad_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    pytest.importorskip("rdkit")
    path = put(tmp_path / "a.sdf", f"{MOLFILE}$$$$\n{MOLFILE}> <y>\n1\n\n$$$$\n")
    assert [graph.num_nodes for graph in graphs(path)] == [3, 3]
    assert [graph.num_nodes for graph in graphs(path.read_bytes())] == [3, 3]
    found = graphs(put(tmp_path / "b.sdf", f"{MOLFILE}$$$$\n{MOLFILE[:120]}"))
    assert next(found).num_nodes == 3
    bad = next(found)
    assert isinstance(bad, InputError) and "molecule 2" in bad.problem
    assert capfd.readouterr() == ("", "")


def test_molfile_and_smiles_and_rdkit_molecule_give_the_same(tmp_path: Path):
    chem = pytest.importorskip("rdkit.Chem")
    first = only_graph(put(tmp_path / "a.mol", MOLFILE))
    for other in (only_graph("CCO"), only_graph(chem.MolFromSmiles("CCO"))):
        assert np.array_equal(first.edges, other.edges)
        assert np.array_equal(first.node_attributes.classes, other.node_attributes.classes)


def test_missing_rdkit_is_told_with_the_extra_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(MissingDependencyError, match=r"mt-plugin-graph\[smiles\]"):
        only_graph("CCO")


# XML


@pytest.mark.parametrize("direction", ["undirected", "directed"])
def test_graphml_nodes_carry_their_attributes(tmp_path: Path, direction: str):
    path = put(tmp_path / "a.graphml", GRAPHML.format(direction=direction))
    graph = only_graph(path)
    red, blue, missing = columns(graph)["colour"]
    assert red != blue and missing == MISSING
    assert columns(graph)["size"] == [1.5, None, None]
    assert graph.is_directed == (direction == "directed")
    assert graph.edges.tolist() == [[0, 2], [1, 1]] or not graph.is_directed
    assert graph.edge_attributes.number_names == ("weight",) and graph.edge_attributes.numbers[0] == 2
    assert columns(only_graph(path.read_bytes())) == columns(graph)


def test_gexf_labels_are_names_and_left_out(tmp_path: Path):
    graph = only_graph(put(tmp_path / "a.gexf", GEXF))
    assert graph.node_attributes.class_names == ("colour",) and graph.node_attributes.number_names == ()
    assert graph.edge_attributes.number_names == ("weight",) and graph.edge_attributes.numbers.tolist() == [[2.5]]


BOMB = '<!DOCTYPE b [<!ENTITY a "{}"><!ENTITY b "{}">]><graphml>&b;</graphml>'.format("a" * 1000, "&a;" * 1000)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BOMB.encode(), "document type"),
        ('<?xml version="1.0" encoding="utf-16"?>' + BOMB, "document type"),
        ('<!DOCTYPE g SYSTEM "file:///etc/passwd"><graphml/>', "document type"),
        ("<graphml>" + "<a>" * 100_000, "nested"),
        ("<svg/>", "<svg>"),
        ("<graphml><graph/><graph/></graphml>", "several graphs"),
        ("<graphml><graph>" + "<node/>" * 100_001, "100,001 nodes"),
        (GRAPHML[:400], "cannot be read"),
        (GRAPHML.format(direction="undirected").replace("1.5", "wide"), "cannot be read"),
        ("<graphml/>", "cannot be read"),
        (np.random.default_rng(0).bytes(3000), "cannot be read"),
    ],
)
@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
def test_bad_xml_is_refused(tmp_path: Path, content: str | bytes, problem: str, suffix: str):
    if isinstance(content, str) and "utf-16" in content:
        content = content.encode("utf-16")
    path = put(tmp_path / f"a{suffix}", content)
    with pytest.raises(InputError, match=problem) as caught:
        only_graph(path)
    assert str(path) in caught.value.problem and caught.value.fix


# edge lists


@pytest.mark.parametrize(
    "text",
    [
        "# made by hand\na b 2\nb c 3\n",
        "a,b,2\nb,c,3\n",
        "a\tb\t2\r\n\r\nb\tc\t3",
        "source,target,weight\na,b,2\nb,c,3\n",
        "a b {'weight': 2}\nb c {'weight': 3}\n",
        "% a\n// b\na;b;2\nb;c;3\n",
        "a;b;2,0\nb;c;3,0\n",
    ],
)
@pytest.mark.parametrize("suffix", [".edges", ".edgelist"])
def test_edge_list_in_any_of_its_forms(tmp_path: Path, text: str, suffix: str):
    graph = only_graph(put(tmp_path / f"a{suffix}", text))
    assert graph.edges.tolist() == [[0, 1], [1, 2]] and not graph.is_directed
    assert graph.edge_attributes.number_names == ("weight",)
    assert graph.edge_attributes.numbers.ravel().tolist() == [2, 3]


def test_table_beside_an_edge_list_tells_of_the_nodes(tmp_path: Path):
    path = put(tmp_path / "a.edges", "x y\n")
    put(tmp_path / "a.nodes.csv", "node,colour,size\ny,red,1\nz,blue,\n")
    graph = only_graph(path)
    assert graph.num_nodes == 3 and graph.num_edges == 1  # y, z, then x, of which nothing is known
    assert columns(graph)["size"] == [1, None, None]
    assert columns(graph)["colour"][2] == MISSING


def test_missing_and_infinite_weights_are_read_as_not_known(tmp_path: Path):
    graph = only_graph(put(tmp_path / "a.edges", "a b nan\nb c inf\n"))
    assert not np.isfinite(graph.edge_attributes.numbers).any()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a b\nc\n", "line 2"),
        ("a b {open('x')}\n", "line 1"),
        ("a b {1: [\n", "line 1"),
        ("# nothing\n", "no nodes"),
        ("source,target\na,b,3\n", "line 2"),
        (np.random.default_rng(0).bytes(3000), "is not UTF-8"),
    ],
)
def test_bad_edge_list_is_refused(tmp_path: Path, text: str | bytes, problem: str):
    with pytest.raises(InputError, match=problem):
        only_graph(put(tmp_path / "a.edges", text))


@pytest.mark.parametrize(("rows", "line"), [("x,1,2\n", 2), ("x,1\ny,2\nx,3\n", 4)])
def test_bad_table_of_nodes_is_named(tmp_path: Path, rows: str, line: int):
    path = put(tmp_path / "a.edges", "x y\n")
    put(tmp_path / "a.nodes.csv", f"node,size\n{rows}")
    with pytest.raises(InputError, match=rf"a\.nodes\.csv, line {line}"):
        only_graph(path)


# memory


def test_networkx_graphs_of_all_kinds_are_read():
    for kind in (networkx.Graph, networkx.DiGraph, networkx.MultiGraph, networkx.MultiDiGraph):
        graph = kind([("a", "b"), ("a", "b"), ("b", "b")])
        found = only_graph(graph)
        assert found.num_edges == graph.number_of_edges() and found.is_directed == graph.is_directed()


def test_attributes_are_categories_or_numbers_or_left_out():
    graph = networkx.Graph()
    graph.add_node(0, label=3, kind="x", flag=True, size=2, name="zero", id=7, where=[1, 2], odd=10**400)
    graph.add_node(1, label=4, size=2.5, name="one")
    with pytest.warns(DataWarning, match="left out: attributes that are lists: where"):
        nodes = only_graph(graph).node_attributes
    assert nodes.class_names == ("flag", "kind", "label") and nodes.number_names == ("odd", "size")
    assert nodes.classes[:, 2].tolist() == [3, 4] and nodes.numbers[:, 1].tolist() == [2, 2.5]


@pytest.mark.parametrize("as_mapping", [True, False])
@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, list])
def test_arrays_and_pyg_objects_are_read(as_mapping: bool, kind: Any):
    fields = {"edge_index": kind([[0, 1, 1, 2], [1, 0, 2, 1]]), "x": kind([[0.5], [1.5], [2.5]]), "y": kind([1])}
    graph = only_graph(fields if as_mapping else SimpleNamespace(**fields))
    assert graph.edges.tolist() == [[0, 1], [1, 2]] and not graph.is_directed
    assert graph.node_attributes.numbers.ravel().tolist() == [0.5, 1.5, 2.5]


def test_tensor_that_learns_and_bfloat16_are_read():
    x = torch.ones(2, 1, dtype=torch.bfloat16, requires_grad=True)
    assert only_graph({"edge_index": torch.tensor([[0], [1]]), "x": x}).node_attributes.numbers.tolist() == [[1], [1]]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"edge_index": [[0], [2]], "num_nodes": 2}, "edge to number 2"),
        ({"edge_index": [[-1], [0]]}, "edge to number -1"),
        ({"edge_index": [[0], [1]], "x": [[1.0]] * 3, "num_nodes": 2}, "features of 3"),
        ({"edge_index": [[0], [1]], "edge_attr": [1, 2]}, "features of 2"),
        ({"edge_index": [[0.5], [1.5]]}, "edge_index"),
        ({"edge_index": [0, 1]}, "edge_index"),
        ({"edge_index": [[0], [1, 2]]}, "edge_index"),
        ({"edge_index": None}, "edge_index"),
        ({"edge_index": [[0], [1]], "x": [["a"], ["b"]]}, "x holds"),
        ({"edge_index": [[0], [1]], "x": np.zeros((2, 2, 2))}, "x is"),
        ({"edge_index": [[0], [10**15]]}, "more than"),
        ({"edge_index": [[], []], "num_nodes": 0}, "no nodes"),
        (SimpleNamespace(edge_index=torch.zeros(2, 0).long(), num_graphs=2), "batch of graphs"),
        (networkx.Graph(), "no nodes"),
        ({"a": 1}, "no graph"),
        (7, "no graph"),
        (None, "no graph"),
        (["CC"], "no graph"),
    ],
)
def test_object_that_is_no_graph_is_refused(source: Any, problem: str):
    with pytest.raises(InputError, match=problem) as caught:
        only_graph(source)
    assert caught.value.fix


# files of any kind


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".csv"])
@pytest.mark.parametrize("content", [b"", np.random.default_rng(1).bytes(4000), b"\xff\xfe\x00\x01", b"\n\n\n"])
def test_damaged_file_is_told_by_name(tmp_path: Path, suffix: str, content: bytes, capfd: pytest.CaptureFixture[str]):
    if suffix in (".smi", ".smiles", ".sdf", ".mol"):
        pytest.importorskip("rdkit")
    path = put(tmp_path / f"broken{suffix}", content)
    for source in (path, str(path)):
        with pytest.raises(InputError) as caught:
            only_graph(source)
        assert str(path) in caught.value.problem and caught.value.fix
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".csv"])
def test_missing_file_and_folder_are_no_smiles_strings(tmp_path: Path, suffix: str):
    with pytest.raises(InputError, match="does not exist"):
        only_graph(str(tmp_path / f"gone{suffix}"))
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    for source in (folder, str(folder)):
        with pytest.raises(InputError, match="is a folder"):
            only_graph(source)


def test_file_of_another_kind_is_told_what_could_be_read(tmp_path: Path):
    with pytest.raises(InputError, match=r"a\.png") as caught:
        only_graph(str(put(tmp_path / "a.png", b"x")))
    assert ".graphml" in caught.value.fix


def test_bytes_that_are_none_are_refused():
    with pytest.raises(InputError, match="no bytes"):
        only_graph(b"")


def test_heavy_libraries_are_imported_when_they_are_needed():
    code = (
        "import sys, mt_plugin_graph.tokenizer, mt_plugin_graph.dataset\n"
        "assert not {'networkx', 'rdkit', 'scipy', 'torch_geometric'} & set(sys.modules) - before"
    )
    run = [sys.executable, "-c", f"import sys, torch, mt_core.contract\nbefore = set(sys.modules)\n{code}"]
    assert subprocess.run(run, capture_output=True, text=True).stderr == ""


def test_attributes_of_a_mapping_under_other_names_are_reported():
    fields = {"edge_index": [[0, 1], [1, 0]], "num_nodes": 2, "edge_weight": [1.5, 1.5], "y": [1], "pos": [[0], [1]]}
    with pytest.warns(DataWarning, match="edge_weight: attributes are read from x and edge_attr"):
        only_graph(fields)


def test_the_table_of_nodes_lies_beside_an_edge_list_and_beside_nothing_else():
    tokenizer = GraphTokenizer(8)
    assert tokenizer.files_beside("s3://a/g.edges") == ["s3://a/g.nodes.csv", "s3://a/g.nodes"]
    assert tokenizer.files_beside("g.graphml") == []

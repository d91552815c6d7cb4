"""The folders and tables that public sets of graphs ship in."""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt_core.contract import Classification, Multilabel, Regression
from mt_core.errors import DatasetError, MissingSplitError, OptionError
from mt_plugin_graph.dataset import GraphDataset
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.tokenizer import GraphTokenizer

REAL = pytest.mark.skipif("MT_DATA" not in os.environ, reason="real data: set MT_DATA to its folder")

# two triangles with a tail, then a single edge; each edge is listed both ways, nodes and graphs counted from 1
TU = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n1, 3\n3, 1\n3, 4\n4, 3\n5, 6\n6, 5\n",
    "graph_indicator": "1\n1\n1\n1\n2\n2\n",
    "graph_labels": "1\n-1\n",
    "node_labels": "0\n0\n1\n2\n5\n0\n",
    "edge_labels": "0\n0\n0\n0\n0\n0\n1\n1\n2\n2\n",
    "node_attributes": "0.5, 1\n1, 1\n2, 1\n3, 1\n4, 1\n5, 1\n",
}


def put_tu(folder: Path, **changes: str | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (TU | changes).items():
        if text is not None:
            (folder / f"TINY_{name}.txt").write_text(text)
    return folder


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def targets_by_sample(dataset: GraphDataset) -> dict[str, Any]:
    return {str(example.sample): example.target for example in (dataset[at] for at in range(len(dataset)))}


# TU


@pytest.mark.parametrize("below", [".", "raw"])
def test_tu_set_is_cut_into_its_graphs(tmp_path: Path, below: str):
    put_tu(tmp_path / below)
    dataset = GraphDataset.open(tmp_path, options=GraphDataset.Options(folds=0))
    assert dataset.task == Classification(classes=("-1", "1")) and list(dataset.targets()) == [1, 0]
    first, second = (dataset[at].sample for at in range(2))
    assert first.edges.tolist() == [[0, 1, 0, 2], [1, 2, 2, 3]] and not first.is_directed
    assert first.node_attributes.class_names == ("node_label0",)
    assert first.node_attributes.classes.ravel().tolist() == [0, 0, 1, 2]
    assert first.node_attributes.numbers.tolist() == [[0.5, 1], [1, 1], [2, 1], [3, 1]]
    assert first.edge_attributes.classes.ravel().tolist() == [0, 0, 0, 1]
    assert second.edges.tolist() == [[0], [1]] and second.node_attributes.classes.ravel().tolist() == [5, 0]


def test_tu_nodes_need_not_stand_in_the_order_of_their_graphs(tmp_path: Path):
    put_tu(tmp_path, graph_indicator="2\n2\n2\n2\n1\n1\n")
    first, second = (GraphDataset.open(tmp_path, options=GraphDataset.Options(folds=0))[at].sample for at in range(2))
    assert first.num_nodes == 2 and second.edges.tolist() == [[0, 1, 0, 2], [1, 2, 2, 3]]


def test_tu_numbers_of_graphs_are_regression(tmp_path: Path):
    put_tu(tmp_path, graph_labels=None, graph_attributes="1.5, 2\n-3, 4\n")
    dataset = GraphDataset.open(tmp_path, options=GraphDataset.Options(folds=0))
    assert dataset.task == Regression(names=("target_0", "target_1"))
    assert dataset.targets() == [[1.5, 2], [-3, 4]]


def test_tu_labels_come_before_numbers_unless_asked(tmp_path: Path):
    put_tu(tmp_path, graph_attributes="1.5\n-3\n")
    assert GraphDataset.open(tmp_path, options=GraphDataset.Options(folds=0)).task.kind == "classification"
    assert GraphDataset.open(tmp_path, options=GraphDataset.Options(folds=0, kind="regression")).targets() == [
        [1.5],
        [-3],
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"graph_indicator": "1\n1\n1\n1\n1\n3\n"}, "no target"),
        ({"graph_indicator": "1\n1\n1\n2\n2\n2\n"}, "different graphs"),
        ({"A": "1, 99\n"}, "edge_labels"),
        ({"A": "1, 99\n", "edge_labels": None}, "nodes that there are not"),
        ({"A": "1, a\n"}, "cannot be read"),
        ({"A": ""}, "0 bytes"),
        ({"graph_labels": "1\n1e999\n"}, "graph_labels.txt, row 2: not whole numbers"),
        ({"graph_labels": "\n\n"}, "graph_labels.txt has no rows"),
        ({"graph_labels": "1\nnan\n"}, "graph_labels.txt, row 2: not whole numbers"),
        ({"A": "1, 2\n2, 1.5\n"}, "A.txt, row 2: not whole numbers"),
        ({"node_labels": "1\n"}, "1 lines for 6 nodes"),
        ({"graph_labels": None}, "graph_labels"),
        ({"graph_indicator": None}, "graph_indicator"),
    ],
)
def test_damaged_tu_set_is_told(tmp_path: Path, changes: dict[str, str | None], problem: str):
    put_tu(tmp_path, **changes)
    with pytest.raises(DatasetError, match=problem):
        GraphDataset.open(tmp_path)


def test_folds_share_out_every_class_and_every_graph_once(tmp_path: Path):
    labels = [1] * 30 + [0] * 20
    pairs = "".join(f"{2 * at + 1}, {2 * at + 2}\n{2 * at + 2}, {2 * at + 1}\n" for at in range(50))
    nothing = {"node_labels": None, "edge_labels": None, "node_attributes": None}
    indicator = "".join(f"{at + 1}\n{at + 1}\n" for at in range(50))
    put_tu(tmp_path, A=pairs, graph_indicator=indicator, graph_labels="\n".join(map(str, labels)), **nothing)
    seen: list[str] = []
    for fold in range(1, 11):
        test, train = (
            GraphDataset.open(tmp_path, split, options=GraphDataset.Options(fold=fold)) for split in ("test", "train")
        )
        assert sorted(test.targets()) == [0, 0, 1, 1, 1] and len(train) == 45
        names = {sample.name for sample in test.samples}
        assert not names & {sample.name for sample in train.samples}
        seen += names
    assert len(seen) == len(set(seen)) == 50
    again, other = (GraphDataset.open(tmp_path, "test", options=GraphDataset.Options(seed=seed)) for seed in (0, 1))
    assert [sample.name for sample in again.samples] != [sample.name for sample in other.samples]
    assert len(GraphDataset.open(tmp_path, "all")) == 50
    with pytest.raises(MissingSplitError):
        GraphDataset.open(tmp_path, "val")
    with pytest.raises(OptionError, match="fold 11 of 10"):
        GraphDataset.open(tmp_path, options=GraphDataset.Options(fold=11))


# tables of molecules

ESOL = """Compound ID,ESOL predicted log solubility in mols per litre,Minimum Degree,\
measured log solubility in mols per litre,smiles
"a, b",-1,1,-0.77,CCO\x20
c,-2,1,-3.3,c1ccccc1
d,-3,2,1.5,CC
e,-4,2,2.5,CCC
f,-5,2,3.5,CCCC
"""


def test_esol_gives_what_was_measured(tmp_path: Path):
    put(tmp_path / "delaney-processed.csv", ESOL)
    dataset = GraphDataset.open(tmp_path, "all")
    assert dataset.task == Regression(names=("measured log solubility in mols per litre",))
    assert targets_by_sample(dataset) == {"CCO": -0.77, "c1ccccc1": -3.3, "CC": 1.5, "CCC": 2.5, "CCCC": 3.5}


def test_freesolv_gives_the_experiment_and_not_the_calculation(tmp_path: Path):
    path = put(tmp_path / "SAMPL.csv", "iupac,smiles,expt,calc\na,C,-11.01,-9.6\nb,CC,-4.87,-6.2\n")
    dataset = GraphDataset.open(path, "all")
    assert dataset.task == Regression(names=("expt",)) and dataset.targets() == [-11.01, -4.87]


def test_calculated_and_predicted_columns_are_targets_only_by_name(tmp_path: Path):
    path = put(tmp_path / "a.csv", "smiles,y,calc,y predicted\nC,1.5,7,8\nCC,2,7,8\n")
    assert GraphDataset.open(path, "all").task == Regression(names=("y",))
    assert GraphDataset.open(path, "all", options=GraphDataset.Options(target="calc")).task == Regression(
        names=("calc",)
    )


def test_one_column_of_zeros_and_ones_is_classes(tmp_path: Path):
    path = put(tmp_path / "BBBP.csv", "num,name,p_np,smiles\n1,a,1,C\n2,b,0,CC\n3,c,,CCC\n")
    dataset = GraphDataset.open(path, "all")
    assert dataset.task == Classification(classes=("0", "1")) and list(dataset.targets()) == [1, 0, None]


def test_column_of_text_is_classes_when_named(tmp_path: Path):
    path = put(tmp_path / "a.csv", "smiles,taste\nC,sweet\nCC,sour\n")
    assert GraphDataset.open(path, "all", options=GraphDataset.Options(target="taste")).task == Classification(
        classes=("sour", "sweet")
    )


def test_targets_may_be_missing_or_have_decimal_commas(tmp_path: Path):
    path = put(tmp_path / "a.csv", "smiles;y\nC;1,5\nCC;NA\nCCC;-2,25\n")
    dataset = GraphDataset.open(path, "all")
    assert dataset.task == Regression(names=("y",))
    assert [None if math.isnan(target) else target for target in dataset.targets()] == [1.5, None, -2.25]


def test_several_columns_of_zeros_and_ones_are_labels_with_gaps(tmp_path: Path):
    text = "NR-AR,NR-ER,SR-p53,mol_id,smiles\n0,,1,TOX1,C\n1.0,0,0,TOX2,CC\n"
    dataset = GraphDataset.open(put(tmp_path / "tox21.csv", text), "all")
    assert dataset.task == Multilabel(labels=("NR-AR", "NR-ER", "SR-p53"))
    assert math.isnan(dataset.targets()[0][1]) and dataset.targets()[1] == [1, 0, 0]


def test_several_targets_by_name_are_several_numbers(tmp_path: Path):
    path = put(tmp_path / "qm9.csv", "mol_id,smiles,A,mu,gap\na,C,1,0.1,2\nb,CC,2,0.2,3\n")
    dataset = GraphDataset.open(path, "all", options=GraphDataset.Options(target="mu,gap"))
    assert dataset.task == Regression(names=("mu", "gap")) and dataset.targets() == [[0.1, 2], [0.2, 3]]
    assert GraphDataset.open(path, "all").task == Regression(names=("gap",))


def test_random_split_is_drawn_by_the_seed(tmp_path: Path):
    rows = "".join(f"{'C' * (at + 1)},{at}\n" for at in range(50))
    path = put(tmp_path / "a.csv", f"smiles,y\n{rows}")
    test, train = (GraphDataset.open(path, split) for split in ("test", "train"))
    assert len(test) == 10 and len(train) == 40 and not set(test.samples) & set(train.samples)
    assert list(GraphDataset.open(path, "test").samples) == list(test.samples)
    other = GraphDataset.open(path, "test", options=GraphDataset.Options(seed=1))
    assert list(other.samples) != list(test.samples)
    assert len(GraphDataset.open(path, options=GraphDataset.Options(test_fraction=0.0))) == 50
    with pytest.raises(MissingSplitError):
        GraphDataset.open(path, "val")


def test_split_column_is_followed(tmp_path: Path):
    path = put(tmp_path / "a.csv", "smiles,y,split\nC,1.5,train\nCC,2,Valid\nCCC,3,test\n")
    found = {split: list(GraphDataset.open(path, split).samples) for split in ("train", "val", "test")}
    assert found == {"train": ["C"], "val": ["CC"], "test": ["CCC"]}


def test_scaffold_split_holds_out_whole_ring_systems(tmp_path: Path):
    pytest.importorskip("rdkit")
    benzenes, pyridine, pyrrole = [f"c1ccccc1{'C' * at}" for at in range(8)], "c1ccncc1C", "c1cc[nH]c1"
    rows = "".join(f"{smiles},{at}.5\n" for at, smiles in enumerate([pyridine, *benzenes, pyrrole]))
    path = put(tmp_path / "a.csv", f"smiles,y\n{rows}")
    test = GraphDataset.open(path, "test", options=GraphDataset.Options(splitting="scaffold", test_fraction=0.2))
    assert set(test.samples) == {pyridine, pyrrole}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"target": "z"}, "no column 'z'"),
        ({"smiles": "z"}, "no column 'z'"),
        ({"kind": "ranking"}, "ranking"),
        ({"kind": "multilabel"}, "0, 1 or blank"),
        ({"target": "name"}, None),
        ({"target": "name,y"}, "text"),
        ({"target": "y,x", "kind": "classification"}, "one target"),
        ({"splitting": "best"}, "best"),
        ({"test_fraction": 1.0}, "test_fraction"),
        ({"colour": 1}, "colour"),
    ],
)
def test_option_that_the_table_does_not_take_is_told(tmp_path: Path, options: dict[str, Any], problem: str | None):
    path = put(tmp_path / "a.csv", "smiles,name,x,y\nC,a,0.5,1.5\nCC,b,1.5,2.5\n")
    if problem is None:
        assert GraphDataset.open(path, "all", options=GraphDataset.Options(**options)).task.kind == "classification"
        return
    with pytest.raises(OptionError, match=problem):
        GraphDataset.open(path, "all", options=GraphDataset.Options(**options))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("smiles,y\n", "no rows"),
        ("smiles,y\nC,1,2\n", "line 2: 3 fields"),
        ("smiles,y,y\nC,1,2\n", "two columns called 'y'"),
        ("smiles,name\nC,a\n", "no column of numbers"),
        ("smiles,y,split\nC,1,other\n", "is no split"),
    ],
)
def test_damaged_table_is_told(tmp_path: Path, text: str, problem: str):
    path = put(tmp_path / "a.csv", text)
    with pytest.raises(DatasetError, match=problem):
        GraphDataset.open(path, "all")


def test_task_of_an_earlier_run_keeps_its_classes(tmp_path: Path):
    path = put(tmp_path / "a.csv", "smiles,p_np\nC,1\n")
    task = Classification(classes=("1", "0"))
    assert list(GraphDataset.open(path, "all", task=task).targets()) == [0]


# PCQM4Mv2


@pytest.mark.parametrize("as_array", [np.array, torch.tensor])
@pytest.mark.parametrize("name", ["data.csv", "raw/data.csv.gz"])
def test_pcqm_splits_are_read_without_unpickling_code(tmp_path: Path, as_array: Any, name: str):
    text = "idx,smiles,homolumogap\n0,C,4.5\n1,CC,3.5\n2,CCC,\n3,CCCC,\n"
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    parts = {"train": [0], "valid": [1], "test-dev": [2], "test-challenge": [3]}
    torch.save({key: as_array(rows) for key, rows in parts.items()}, tmp_path / "split_dict.pt")
    found = {split: GraphDataset.open(tmp_path, split) for split in ("train", "val", "test")}
    assert {split: list(dataset.samples) for split, dataset in found.items()} == {
        "train": ["C"],
        "val": ["CC"],
        "test": ["CCC"],
    }
    assert found["train"].task == Regression(names=("homolumogap",), unit="eV")
    assert found["val"].targets() == [3.5] and math.isnan(found["test"].targets()[0])


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("echo harm",)


def test_pcqm_splits_that_are_code_are_refused(tmp_path: Path):
    put(tmp_path / "data.csv", "idx,smiles,homolumogap\n0,C,4.5\n")
    torch.save({"train": Harmful()}, tmp_path / "split_dict.pt")
    with pytest.raises(DatasetError, match="as arrays alone"):
        GraphDataset.open(tmp_path)


def test_pcqm_splits_beyond_the_table_are_told(tmp_path: Path):
    put(tmp_path / "data.csv", "idx,smiles,homolumogap\n0,C,4.5\n")
    torch.save({"train": torch.tensor([7])}, tmp_path / "split_dict.pt")
    with pytest.raises(DatasetError, match="row numbers"):
        GraphDataset.open(tmp_path)


# files


def test_folder_per_class_of_graph_files(tmp_path: Path):
    for name in ("ring/a.edges", "ring/b.graphml", "path/c.gexf"):
        put(tmp_path / name, "x")
    dataset = GraphDataset.open(tmp_path)
    assert dataset.task == Classification(classes=("path", "ring")) and list(dataset.targets()) == [0, 1, 1]


def test_table_of_paths_is_no_table_of_molecules(tmp_path: Path):
    put(tmp_path / "a.edges", "x y\n")
    put(tmp_path / "b.edges", "x y\ny z\n")
    put(tmp_path / "labels.csv", "path,label\na.edges,pair\nb.edges,path\n")
    for root in (tmp_path, tmp_path / "labels.csv"):
        assert GraphDataset.open(root).task == Classification(classes=("pair", "path"))


def test_no_known_layout_says_what_was_looked_for(tmp_path: Path):
    put(tmp_path / "notes.txt", "x")
    with pytest.raises(DatasetError) as caught:
        GraphDataset.open(tmp_path)
    assert "graph_indicator" in str(caught.value)
    with pytest.raises(DatasetError, match="not a table"):
        GraphDataset.open(tmp_path / "notes.txt")


# the demonstration


def test_demo_is_the_same_again_and_its_splits_are_disjoint():
    tokenizer = GraphTokenizer(4)

    def content(split: str, seed: int = 0) -> list[bytes]:
        found = [tokenizer.read(path) for path in GraphDataset.demo(split, size=30, seed=seed).samples]
        return [graph.edges.tobytes() + graph.node_attributes.numbers.tobytes() for graph in found]

    assert content("train") == content("train") != content("train", seed=1)
    assert not set(content("train")) & (set(content("val")) | set(content("test")))


def test_demo_has_every_kind_in_every_format_and_few_tokens():
    dataset = GraphDataset.demo(size=60)
    assert sorted(set(dataset.targets())) == [0, 1, 2, 3, 4]
    assert {Path(path).suffix for path in dataset.samples} == {".graphml", ".gexf", ".gml", ".edges"}
    graphs: list[Graph] = [GraphTokenizer(4).read(path) for path in dataset.samples]
    assert max(graph.num_nodes + graph.num_edges for graph in graphs) <= 40
    assert all(
        graph.node_attributes.class_names == ("colour",) and graph.node_attributes.number_names == ("weight",)
        for graph in graphs
    )
    assert "(synthetic)" in dataset.source


# real data


@REAL
def test_real_sets_have_their_published_sizes():
    root = Path(os.environ["MT_DATA"]) / "graph"
    sizes = {name: len(GraphDataset.open(root / name, "all")) for name in ("ESOL", "FreeSolv", "MUTAG")}
    assert sizes == {"ESOL": 1128, "FreeSolv": 642, "MUTAG": 188}
    mutag = GraphDataset.open(root / "MUTAG", "all")
    assert sum(example.sample.num_nodes for example in (mutag[at] for at in range(188))) == 3371
    assert sorted((list(mutag.targets()).count(0), list(mutag.targets()).count(1))) == [63, 125]


@REAL
def test_every_molecule_of_esol_is_read():
    pytest.importorskip("rdkit")
    tokenizer = GraphTokenizer(4)
    dataset = GraphDataset.open(Path(os.environ["MT_DATA"]) / "graph/ESOL", "all")
    assert all(tokenizer.read(smiles).num_nodes >= 1 for smiles in dataset.samples)

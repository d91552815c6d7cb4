"""Neighbourhoods, counted."""

import networkx
import numpy as np
import torch

from mt_plugin_graph.baseline import GraphBaseline
from mt_plugin_graph.features import ROWS
from mt_plugin_graph.tokenizer import GraphTokenizer

torch.manual_seed(0)
TOKENIZER = GraphTokenizer(8)


def features(graph: networkx.Graph) -> np.ndarray:
    return GraphBaseline(TOKENIZER).features(TOKENIZER.read(graph))


def test_names_and_order_of_nodes_change_nothing() -> None:
    graph = networkx.gnp_random_graph(12, 0.3, seed=1)
    for node in graph:
        graph.nodes[node]["label"] = "CNO"[node % 3]
    renamed = networkx.relabel_nodes(graph, {node: (7 * node + 3) % 12 for node in graph})
    moved = networkx.Graph()
    moved.add_nodes_from(sorted(renamed.nodes(data=True)))
    moved.add_edges_from(renamed.edges(data=True))
    assert np.array_equal(features(graph), features(moved))


def test_every_node_is_counted_once_a_hop() -> None:
    found = features(networkx.path_graph(5))
    assert found[:1024].sum() == 15
    assert sorted(found[:1024][found[:1024] > 0]) == [1, 1, 2, 2, 2, 2, 2, 3]  # 2, 3; 2, 2, 1; 2, 2, 1


def test_degrees_and_categories_are_counted_by_themselves_too() -> None:
    star = networkx.star_graph(4)
    for node in star:
        star.nodes[node]["label"] = "C" if node else "N"
    composition = features(star)[1024 : 1024 + ROWS["node"].count]
    assert sorted(composition[composition > 0]) == [1, 1, 1, 4, 4, 4]  # a degree is one place, a label two


def test_what_nodes_carry_changes_the_counts() -> None:
    plain, labelled = networkx.cycle_graph(4), networkx.cycle_graph(4)
    for node, label in enumerate("CCCN"):
        labelled.nodes[node]["label"] = label
        plain.nodes[node]["label"] = "C"
    assert not np.array_equal(features(plain), features(labelled))

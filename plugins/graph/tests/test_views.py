"""Graphs drawn as counts of neighbourhoods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor

from mt_core.encoder import load_encoder
from mt_core.model import make_tokenizer
from mt_plugin_graph.tokenizer import GraphTokenizer
from mt_plugin_graph.views import CELLS, neighbourhoods


@pytest.fixture
def tokenizer() -> GraphTokenizer:
    return GraphTokenizer(192, GraphTokenizer.Options(view="picture", picture_size=CELLS, picture_patch=16))


def batch_of(tokenizer: GraphTokenizer, *graphs: Any) -> Mapping[str, Tensor]:
    return tokenizer.collate([tokenizer.prepare(tokenizer.read(graph)) for graph in graphs])


def drawn(tokenizer: GraphTokenizer, *graphs: Any) -> Tensor:
    """(B, 3, S, S), a pixel a cell."""
    return tokenizer.draw(batch_of(tokenizer, *graphs))[:, 0]


def counts(picture: Tensor) -> list[int]:
    """The counts of one colour, smallest first, cells without any left out."""
    found = torch.expm1(picture * math.log1p(16)).round().long().flatten()
    return sorted(found[found > 0].tolist())


def test_each_colour_counts_nodes_by_what_is_so_far_around_them(tokenizer: GraphTokenizer) -> None:
    red, green, blue = drawn(tokenizer, nx.path_graph(7))[0]
    assert counts(red) == [2, 5]  # ends and others, by their degree
    assert counts(green) == [2, 2, 3]  # ends, next to an end, others
    assert counts(blue) == [1, 2, 2, 2]  # the middle one is two away from those


def test_the_same_neighbourhood_has_the_same_cell_in_graphs_of_other_sizes(tokenizer: GraphTokenizer) -> None:
    small, large = drawn(tokenizer, nx.cycle_graph(5), nx.cycle_graph(9))
    for channel in range(3):
        assert counts(small[channel]) == [5] and counts(large[channel]) == [9]
        assert torch.equal(small[channel] > 0, large[channel] > 0)


def test_kinds_of_nodes_and_of_edges_are_told_apart(tokenizer: GraphTokenizer) -> None:
    graphs = [nx.path_graph(4) for _ in range(3)]
    nx.set_node_attributes(graphs[1], {0: "a"}, "kind")
    nx.set_edge_attributes(graphs[2], {(0, 1): "a"}, "kind")
    plain, of_nodes, of_edges = drawn(tokenizer, *graphs)
    assert not torch.equal(plain[0], of_nodes[0])
    assert torch.equal(plain[0], of_edges[0]) and not torch.equal(plain[1], of_edges[1])


def test_an_edge_that_leaves_is_not_one_that_arrives_where_the_graph_is_directed(tokenizer: GraphTokenizer) -> None:
    batch = batch_of(tokenizer, nx.DiGraph([(0, 1), (2, 1), (1, 3)]), nx.Graph([(0, 1), (2, 1), (1, 3)]))
    batch = {**batch, "node_rows": torch.ones_like(batch["node_rows"])}  # degrees tell them apart as well
    (kinds,) = neighbourhoods(batch, rounds=1)
    directed, undirected = kinds.split(4)
    assert directed[0] == directed[2] != directed[3]
    assert undirected[0] == undirected[2] == undirected[3]


def test_numbers_add_their_sums_above_and_below_zero(tokenizer: GraphTokenizer) -> None:
    pictures = []
    for values in ([0.0, 0.0], [2.0, 1.0], [1.0, 2.0], [-2.0, -1.0], [2.0, -2.0]):
        graph = nx.path_graph(2)
        nx.set_node_attributes(graph, dict(enumerate(values)), "charge")
        pictures.append(drawn(tokenizer, graph)[0])
    none, up, swapped, down, both = pictures
    torch.testing.assert_close(up, swapped)
    assert not torch.equal(none, up) and not torch.equal(up, down) and not torch.equal(none, both)


def test_a_graph_is_drawn_as_if_it_were_alone_in_its_batch(tokenizer: GraphTokenizer) -> None:
    rich = nx.cycle_graph(4)
    nx.set_node_attributes(rich, dict.fromkeys(rich, "a"), "one")
    nx.set_node_attributes(rich, dict.fromkeys(rich, "b"), "other")
    nx.set_edge_attributes(rich, dict.fromkeys(rich.edges, "c"), "bond")
    lonely = nx.empty_graph(1)
    together = drawn(tokenizer, nx.star_graph(6), rich, lonely)
    for picture, graph in zip(together, (nx.star_graph(6), rich, lonely), strict=True):
        torch.testing.assert_close(picture, drawn(tokenizer, graph)[0])


def test_a_large_graph_needs_no_spectrum(tokenizer: GraphTokenizer) -> None:
    picture = drawn(tokenizer, nx.path_graph(30_000))[0]
    assert int((picture[2] > 0).sum()) == 4  # ends, one, two and more away from them
    assert (picture <= 1).all()


def test_the_view_of_pictures_has_the_encoders_own_stem_and_nothing_else_to_learn() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(GraphTokenizer, encoder, {"view": "picture"}, seed=0)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    tokens = tokenizer(batch_of(tokenizer, nx.path_graph(3), nx.path_graph(5)))
    assert tokens.values.shape == (2, 16, encoder.width) and tokens.grid == (4, 4)

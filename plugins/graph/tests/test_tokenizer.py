"""Graphs to tokens: what they depend on, and what they do not."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import networkx
import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.contract import Example
from mt_core.encoder import Encoder, load_encoder
from mt_core.errors import InputError, OptionError
from mt_plugin_graph import spectrum
from mt_plugin_graph.features import ROWS, hash_numbers
from mt_plugin_graph.graph import Attributes, Graph
from mt_plugin_graph.sampling import select, token_budget
from mt_plugin_graph.tokenizer import GraphOptions, GraphTokenizer

TWO_TRIANGLES = networkx.disjoint_union(networkx.cycle_graph(3), networkx.cycle_graph(3))


def loops_and_repeats() -> networkx.MultiGraph:
    graph = networkx.MultiGraph([(0, 1), (0, 1), (1, 1), (1, 2), (3, 3)])
    graph.add_node(4)
    return graph


def labelled(graph: networkx.Graph, seed: int = 0) -> networkx.Graph:
    draw = np.random.default_rng(seed)
    for node in graph:
        graph.nodes[node].update(colour=str(draw.choice(["red", "blue"])), size=float(draw.normal()))
    for *_, record in graph.edges(data=True):
        record["weight"] = float(draw.normal())
    return graph


SHAPES: dict[str, networkx.Graph] = {
    "hexagon": networkx.cycle_graph(6),
    "complete": networkx.complete_graph(7),
    "two triangles": TWO_TRIANGLES,
    "star": networkx.star_graph(8),
    "petersen": networkx.petersen_graph(),
    "hypercube": networkx.hypercube_graph(4),
    "single node": networkx.empty_graph(1),
    "no edges": networkx.empty_graph(4),
    "loops and repeats": loops_and_repeats(),
    "directed": networkx.DiGraph([(0, 1), (1, 2), (2, 0), (2, 3), (3, 3)]),
    "labelled": labelled(networkx.karate_club_graph()),
}


@cache
def encoder() -> Encoder:
    return load_encoder("random/vit_tiny_patch16_224")


def made(width: int = 16, **options: Any) -> GraphTokenizer:
    torch.manual_seed(0)
    return GraphTokenizer(width, GraphOptions(**options)).eval()


def tokens(tokenizer: GraphTokenizer, *sources: Any) -> list[Tensor]:
    """The real tokens of each source, all in one batch."""
    with torch.no_grad():
        found = tokenizer(tokenizer.collate([tokenizer.prepare(tokenizer.read(source)) for source in sources]))
    return [values[mask] for values, mask in zip(found.values, found.mask, strict=True)]


def pooled(*sources: Any, **options: Any) -> Tensor:
    """(B, 2 D) after the frozen encoder."""
    tokenizer = made(encoder().width, **options)
    with torch.no_grad():
        batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(source)) for source in sources])
        return encoder()(tokenizer(batch)).pool("mean+max")


def permuted(graph: networkx.Graph, seed: int) -> networkx.Graph:
    """The same graph with nodes, edges and the ends of undirected edges in another order."""
    draw = np.random.default_rng(seed)
    nodes = list(graph.nodes(data=True))
    edges = list(graph.edges(data=True))
    other = type(graph)()
    other.add_nodes_from(nodes[at] for at in draw.permutation(len(nodes)))
    for at in draw.permutation(len(edges)):
        first, second, record = edges[at]
        if not graph.is_directed() and draw.random() < 0.5:
            first, second = second, first
        other.add_edge(first, second, **record)
    return other


# what must not matter


@pytest.mark.parametrize("name", SHAPES)
def test_permuting_nodes_changes_nothing_after_the_encoder(name: str):
    graph = SHAPES[name]
    vectors = pooled(graph, *(permuted(graph, seed) for seed in range(3)))
    assert (vectors - vectors[0]).abs().max() < 1e-4


def test_another_writing_of_a_molecule_has_the_same_tokens():
    pytest.importorskip("rdkit")
    for one, other in [
        ("CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1OC(C)=O"),
        ("N[C@@H](C)C(=O)O", "OC(=O)[C@@H](N)C"),
        ("c1ccccc1", "C1=CC=CC=C1"),
        ("F/C=C/Cl", "Cl/C=C/F"),
    ]:
        first, second = pooled(one, other)
        assert (first - second).abs().max() < 1e-4


def test_padding_and_the_other_graphs_change_no_token():
    tokenizer = made()
    alone = [tokens(tokenizer, graph)[0] for graph in SHAPES.values()]
    together = tokens(tokenizer, *SHAPES.values())
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["torus", "ten cycles", "star"])
def test_large_graph_with_repeated_eigenvalues_is_named_whatever_its_order(name: str):
    graph = {
        "torus": lambda: networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(30, 30, periodic=True)),
        "ten cycles": lambda: networkx.disjoint_union_all([networkx.cycle_graph(60)] * 10),  # zero is there ten times
        "star": lambda: networkx.star_graph(700),
    }[name]()
    edges = np.array(graph.edges).T
    assert len(graph) > spectrum.DENSE_NODES
    order = np.random.default_rng(1).permutation(len(graph))
    one = spectrum.identifiers(len(graph), edges, 8, 4)
    other = spectrum.identifiers(len(graph), order[edges], 8, 4)
    np.testing.assert_allclose(one.node_spaces, other.node_spaces[order], atol=1e-6)
    np.testing.assert_allclose(one.edge_spaces, other.edge_spaces, atol=1e-6)
    assert np.array_equal(one.eigenvalues >= 0, other.eigenvalues >= 0)
    assert (one.eigenvalues >= 0).sum() >= (1 if name == "star" else 2)


# what must matter


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TWO_TRIANGLES, networkx.cycle_graph(6)),
        (networkx.path_graph(5), networkx.star_graph(4)),
        (networkx.empty_graph(3), networkx.empty_graph(4)),
        (networkx.complete_bipartite_graph(3, 3), networkx.circular_ladder_graph(3)),  # both 3-regular, 6 nodes
        (networkx.DiGraph([(0, 1), (1, 2)]), networkx.DiGraph([(0, 1), (2, 1)])),
        (networkx.DiGraph([(0, 1), (1, 2)]), networkx.Graph([(0, 1), (1, 2)])),
        (networkx.Graph([(0, 1)]), networkx.Graph([(0, 1), (1, 1)])),
        (networkx.Graph([(0, 1)]), networkx.MultiGraph([(0, 1), (0, 1)])),
    ],
)
def test_different_graphs_differ_after_the_encoder(one: Any, other: Any):
    first, second = pooled(one, other)
    assert (first - second).abs().max() > 1e-2


def test_regular_graphs_that_colour_refinement_confuses_differ_by_their_identifiers_alone():
    with_names = pooled(TWO_TRIANGLES, networkx.cycle_graph(6))
    without = pooled(TWO_TRIANGLES, networkx.cycle_graph(6), eigenvalues=0, walks=0)
    assert (with_names[0] - with_names[1]).abs().max() > 1e-2
    assert (without[0] - without[1]).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("one", "other"), [("CCO", "CCN"), ("CC", "C=C"), ("C[C@H](N)O", "C[C@@H](N)O"), ("[CH3]", "C")]
)
def test_molecules_that_differ_in_one_feature_differ(one: str, other: str):
    pytest.importorskip("rdkit")
    first, second = pooled(one, other)
    assert (first - second).abs().max() > 1e-2


def test_what_nodes_and_edges_carry_matters():
    plain = {"edge_index": [[0, 1], [1, 0]], "x": [[1.0], [2.0]], "edge_attr": [3, 3]}
    for change in ({"x": [[1.0], [2.5]]}, {"x": [[1], [2]]}, {"edge_attr": [4, 4]}):
        first, second = pooled(plain, plain | change)
        assert (first - second).abs().max() > 1e-2


def test_hops_tell_a_node_of_its_neighbourhood():
    # two paths that differ at their far end: the token of the first node knows it with 2 hops, and not with 1
    def first_token(far: str, hops: int) -> Tensor:
        graph = networkx.path_graph(3)
        networkx.set_node_attributes(graph, {0: "a", 1: "a", 2: far}, "colour")
        tokenizer = made(hops=hops)
        torch.nn.init.zeros_(tokenizer.context.mix.weight)
        return tokens(tokenizer, graph)[0][0]

    for hops, is_known in ((1, False), (2, True)):
        difference = (first_token("b", hops) - first_token("c", hops)).abs().max()
        assert (difference > 1e-3) == is_known


def test_every_real_token_moves_the_readout():
    tokenizer = made(encoder().width)
    batch = tokenizer.collate([tokenizer.prepare(tokenizer.read(SHAPES["labelled"]))])
    found = tokenizer(batch)
    values = found.values.detach().requires_grad_()
    encoder()(type(found)(values, mask=found.mask)).pool("mean").square().sum().backward()
    assert (values.grad.abs().sum(-1) > 0).all()


def test_all_weights_learn():
    tokenizer = made()
    directed = tokenizer.prepare(tokenizer.read(SHAPES["directed"]))
    carrying = tokenizer.prepare(tokenizer.read(SHAPES["labelled"]))
    kinds = tokenizer.prepare(tokenizer.read({"edge_index": [[0, 1], [1, 0]], "edge_attr": [1, 1]}))
    found = tokenizer(tokenizer.collate([directed, carrying, kinds]))
    (found.values * torch.randn_like(found.values)).sum().backward()
    idle = [name for name, weight in tokenizer.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []


# tokens and masks


def test_a_token_for_each_node_and_each_edge():
    lengths = [len(found) for found in tokens(made(), *SHAPES.values())]
    assert lengths == [len(graph) + graph.number_of_edges() for graph in SHAPES.values()]


def test_edge_listed_both_ways_is_one_undirected_edge():
    both = {"edge_index": [[0, 1, 1, 2], [1, 0, 2, 1]]}
    first, second = tokens(made(), both, networkx.path_graph(3))
    torch.testing.assert_close(first, second)


def test_edge_listed_both_ways_with_other_attributes_stays_directed():
    graph = made().read({"edge_index": [[0, 1], [1, 0]], "edge_attr": [1, 2]})
    assert graph.is_directed and graph.num_edges == 2


# identifiers


def test_identifiers_of_a_hexagon_are_those_of_its_known_spectrum():
    # eigenvalues 1 - cos(2 pi k / 6), the middle ones twice; P_k(i, i) = multiplicity / 6
    edges = np.array(networkx.cycle_graph(6).edges).T
    found = spectrum.identifiers(6, edges, 8, 3)
    np.testing.assert_allclose(found.eigenvalues, [0, 0.5, 1.5, 2, -1, -1, -1, -1], atol=1e-6)
    np.testing.assert_allclose(found.node_spaces[:, :4], np.tile([1 / 6, 2 / 6, 2 / 6, 1 / 6], (6, 1)), atol=1e-6)
    # P_k(i, i + 1) = multiplicity / 6 * cos(2 pi k / 6)
    np.testing.assert_allclose(found.edge_spaces[:, :4], np.tile([1 / 6, 1 / 6, -1 / 6, -1 / 6], (6, 1)), atol=1e-6)
    # back after two steps with chance 1/2, never after an odd number
    np.testing.assert_allclose(found.node_walks, np.tile([0, 0.5, 0], (6, 1)), atol=1e-6)


def test_walks_are_the_chances_to_be_back():
    graph = networkx.karate_club_graph()
    edges = np.array(graph.edges).T
    chances = networkx.to_numpy_array(graph, weight=None)
    chances /= chances.sum(1, keepdims=True)
    expected = [np.diag(np.linalg.matrix_power(chances, step)) for step in range(1, 7)]
    found = spectrum.identifiers(len(graph), edges, 0, 6)
    np.testing.assert_allclose(found.node_walks, np.stack(expected, 1), atol=1e-6)


def test_low_end_of_a_large_spectrum_is_that_of_the_whole():
    graph = networkx.random_regular_graph(3, 600, seed=0)
    edges = np.array(graph.edges).T
    values, vectors = np.linalg.eigh(networkx.normalized_laplacian_matrix(graph, nodelist=range(600)).toarray())
    found = spectrum.identifiers(600, edges, 8, 2)
    np.testing.assert_allclose(found.eigenvalues, values[:8], atol=1e-6)
    np.testing.assert_allclose(found.node_spaces, vectors[:, :8] ** 2, atol=1e-6)


def test_graph_too_large_for_a_spectrum_is_still_embedded():
    size = spectrum.SPARSE_NODES + 1
    ring = np.arange(size)
    tokenizer = made(4, hops=1, max_tokens=64)
    (found,) = tokens(tokenizer, {"edge_index": np.stack([ring, (ring + 1) % size])})
    assert found.shape == (64, 4) and found.isfinite().all()


# large graphs


def test_budget_is_shared_by_nodes_and_edges():
    assert token_budget(10, 20, 30) == (10, 20)
    assert token_budget(100, 300, 40) == (10, 30)
    assert token_budget(1, 1000, 10) == (1, 9)


def test_part_of_a_large_graph_does_not_depend_on_the_order_of_its_nodes():
    graph = networkx.barabasi_albert_graph(60, 2, seed=0)
    for seed in range(3):
        first, second = pooled(graph, permuted(graph, seed), max_tokens=50)
        assert (first - second).abs().max() < 1e-4


def test_part_of_a_large_graph_is_drawn_anew_in_training_by_the_generator_alone():
    tokenizer = made(max_tokens=20)
    graph = tokenizer.read(networkx.cycle_graph(40))
    drawn = [tokenizer.prepare(graph, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert all(int(each["node_kept"].sum()) == 10 and int(each["edge_kept"].sum()) == 10 for each in drawn)
    assert torch.equal(drawn[0]["node_kept"], drawn[1]["node_kept"])
    assert not torch.equal(drawn[0]["node_kept"], drawn[2]["node_kept"])


def test_kept_places_lie_evenly_among_the_kinds_of_places():
    kinds = np.array([[0.0]] * 80 + [[1.0]] * 20)
    assert select(10, [kinds], None)[80:].sum() == 2


# features


def test_missing_numbers_stand_at_the_mean():
    attributes = Attributes((), np.empty((3, 0), np.int64), ("a",), np.array([[np.nan], [np.inf], [4.0]], np.float32))
    rows = hash_numbers(attributes, {"a": (4.0, 2.0)})
    assert not rows.any()


def test_columns_of_numbers_are_told_apart():
    def at(name: str) -> Any:
        return hash_numbers(Attributes((), np.empty((1, 0), np.int64), (name,), np.ones((1, 1), np.float32)), {})

    assert len({at(f"x{number}").tobytes() for number in range(30)}) == 30


def test_categories_have_rows_of_their_own():
    codes = np.arange(500)[:, None]
    nothing = np.empty((500, 0), np.float32)
    rows = ROWS["node"].of(Attributes(("colour",), codes, (), nothing))
    assert rows.shape == (500, 2) and rows.min() > 0 and rows.max() < ROWS["node"].count
    assert len({tuple(sorted(row)) for row in rows.tolist()}) == 500
    kinds = ROWS["edge"].of(Attributes(("bond.kind",), np.arange(5)[:, None], (), nothing[:5]))
    assert len(set(kinds.ravel().tolist())) == 5


def test_numbers_are_standardised_by_calibration():
    tokenizer = made()
    graphs = [tokenizer.read({"edge_index": [[0], [1]], "x": [[value], [value + 2]]}) for value in (9.0, 11.0)]
    tokenizer.calibrate(Example(graph) for graph in graphs)
    assert tokenizer.calibration() == {"node": {"x0": [11.0, pytest.approx(2**0.5)]}, "edge": {}}
    numbers = tokenizer.prepare(graphs[0])["node_numbers"]
    assert numbers[1].abs().max() == 0 and numbers[0].abs().max() == pytest.approx(2**0.5)
    other = made()
    other.restore(tokenizer.calibration())
    for one, two in zip(tokens(tokenizer, *graphs), tokens(other, *graphs), strict=True):
        assert torch.equal(one, two)


def test_calibration_passes_over_a_graph_that_cannot_be_read(tmp_path):
    (tmp_path / "broken.edges").write_text("a\n")
    tokenizer = made()
    graph = {"edge_index": [[0], [1]], "x": [[1.0], [3.0]]}
    tokenizer.calibrate([Example(tmp_path / "broken.edges"), Example(graph)])
    assert tokenizer.calibration()["node"] == {"x0": [2.0, 1.0]}


def test_molecules_need_no_calibration():
    pytest.importorskip("rdkit")
    tokenizer = made()
    before = tokens(tokenizer, "CCO")[0]
    tokenizer.calibrate([Example("CCO"), Example("c1ccccc1")])
    assert tokenizer.calibration() == {} and torch.equal(before, tokens(tokenizer, "CCO")[0])


# options


def test_drop_hides_what_nodes_carry_in_training_only():
    tokenizer = made(drop=0.5)
    graph = tokenizer.read(labelled(networkx.cycle_graph(40)))
    shown = tokenizer.prepare(graph)["node_rows"]
    hidden = tokenizer.prepare(graph, torch.Generator().manual_seed(0))["node_rows"]
    assert (shown > 0).all() and 5 < int((hidden == 0).all(1).sum()) < 35


def test_without_a_draw_training_and_evaluation_prepare_the_same():
    tokenizer = made()
    graph = tokenizer.read(SHAPES["labelled"])
    drawn = tokenizer.prepare(graph, torch.Generator().manual_seed(0))
    assert all(torch.equal(value, drawn[name]) for name, value in tokenizer.prepare(graph).items())


def test_ignored_attribute_changes_nothing():
    plain, noisy = networkx.path_graph(3), networkx.path_graph(3)
    networkx.set_node_attributes(noisy, {0: 1.0, 1: 2.0, 2: 3.0}, "noise")
    first, second = tokens(made(ignore="noise"), plain, noisy)
    torch.testing.assert_close(first, second)


def test_categorical_attribute_is_no_number():
    graph = networkx.path_graph(3)
    networkx.set_node_attributes(graph, {0: 1, 1: 2, 2: 3}, "group")
    assert made().read(graph).node_attributes.number_names == ("group",)
    assert made(categorical="group").read(graph).node_attributes.class_names == ("group",)


def test_unknown_option_is_refused():
    with pytest.raises(OptionError, match="layers"):
        GraphOptions.parse({"layers": 3})


def test_tokenizer_and_samples_survive_pickling():
    tokenizer = made()
    graph = tokenizer.read(SHAPES["labelled"])
    again: Graph = pickle.loads(pickle.dumps(graph))
    copied: GraphTokenizer = pickle.loads(pickle.dumps(tokenizer))
    assert copied.read(again) is again
    assert torch.equal(tokens(tokenizer, graph)[0], tokens(copied, again)[0])


def test_mixed_kinds_of_graphs_make_one_batch():
    pytest.importorskip("rdkit")
    found = tokens(made(), "CCO", SHAPES["labelled"], {"edge_index": [[], []], "num_nodes": 1})
    assert [len(each) for each in found] == [5, 34 + 78, 1]


def test_refusal_names_the_size():
    with pytest.raises(InputError, match="100,001 nodes"):
        made().read({"edge_index": [[], []], "num_nodes": 100_001})

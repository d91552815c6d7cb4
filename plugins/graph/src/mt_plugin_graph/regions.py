"""What tokens of a graph are of: nodes and edges, of molecules atoms and bonds.  N nodes, E edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mt_core.contract import GraphPanel, Region, TokenRegions
from mt_plugin_graph.graph import Graph

_ELEMENTS = """H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y
Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg
Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
""".split()
_BONDS = ("-", "=", "#", ":")  # single, double, triple, aromatic, as SMILES has them
_MOST_PLACED = 300  # nodes for which the distances between all of them are looked at


def graph_regions(graph: Graph, place: Tensor, num_tokens: int) -> TokenRegions:
    """Nodes and edges by their names, atoms by their element; both counted from 0 in the order of the file.

    Args:
        place: (N + E,) the token of each node, then of each edge; -1 where it has none.
        num_tokens: Of the graph, with padding.
    """
    nodes = _node_names(graph)
    bonds = _bond_marks(graph)
    ends = [tuple(pair) for pair in graph.edges.T.tolist()]
    edges = [f"{nodes[first]}{mark}{nodes[second]}" for (first, second), mark in zip(ends, bonds, strict=True)]
    regions = [Region() for _ in range(num_tokens)]
    named = [*zip(nodes, ((node,) for node in range(graph.num_nodes)), strict=True), *zip(edges, ends, strict=True)]
    for (name, members), token in zip(named, place.tolist(), strict=True):
        if token >= 0:
            regions[token] = Region(name, panel=0, members=members)
    panel = GraphPanel(_layout(graph), graph.edges.T, tuple(nodes))
    return TokenRegions(tuple(regions), (panel,), "atom or bond" if _is_molecule(graph) else "node or edge")


def _is_molecule(graph: Graph) -> bool:
    return "atom.number" in graph.node_attributes.class_names


def _node_names(graph: Graph) -> list[str]:
    if not _is_molecule(graph):
        return [str(node) for node in range(graph.num_nodes)]
    numbers = graph.node_attributes.classes[:, graph.node_attributes.class_names.index("atom.number")]
    return [
        f"{_ELEMENTS[number] if 0 <= number < len(_ELEMENTS) else '*'}{atom}"
        for atom, number in enumerate(numbers.tolist())
    ]


def _bond_marks(graph: Graph) -> list[str]:
    names = graph.edge_attributes.class_names
    if "bond.kind" not in names:
        return ["->" if graph.is_directed else "-"] * graph.num_edges
    kinds = graph.edge_attributes.classes[:, names.index("bond.kind")]
    return [_BONDS[kind] if 0 <= kind < len(_BONDS) else "-" for kind in kinds.tolist()]


def _layout(graph: Graph) -> NDArray[np.float64]:
    """(N, 2) where nodes are drawn: neighbours near each other.

    Source: Kamada & Kawai 1989, doi:10.1016/0020-0190(89)90102-6; of large graphs in a circle.
    """
    import networkx

    drawn = networkx.Graph()
    drawn.add_nodes_from(range(graph.num_nodes))
    drawn.add_edges_from(graph.edges.T.tolist())
    if graph.num_nodes > _MOST_PLACED:
        places = networkx.circular_layout(drawn)
    else:
        places = networkx.kamada_kawai_layout(drawn)
    return np.array([places[node] for node in range(graph.num_nodes)], dtype=np.float64)

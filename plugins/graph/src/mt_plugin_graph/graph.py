"""The sample: a graph with what its nodes and edges carry.  N nodes, E edges, F categories, A numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError

MAX_NODES = 100_000
MAX_EDGES = 1_000_000
"""Of one graph: a larger one is told before anything is computed on it."""

MAX_VALUES = 50_000_000
"""Cells of what the nodes, or the edges, carry: 400 MB."""

MISSING = np.iinfo(np.int64).min
"""The code of a category that is not known."""


@dataclass(frozen=True, eq=False)
class Attributes:
    """What each of M nodes, or edges, carries, in columns that have names.

    Attributes:
        class_names, classes: F names and (M, F) int64 codes of categories, `MISSING` where not known. A code means the
            same in all graphs (see `attributes.code_of`).
        number_names, numbers: A names and (M, A) float32, NaN where not known; infinite numbers count as not known.
    """

    class_names: tuple[str, ...]
    classes: NDArray[np.int64]
    number_names: tuple[str, ...]
    numbers: NDArray[np.float32]

    @classmethod
    def none(cls, count: int) -> Attributes:
        return cls((), np.empty((count, 0), np.int64), (), np.empty((count, 0), np.float32))

    def at(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Attributes:
        """Those of some nodes or edges."""
        return Attributes(self.class_names, self.classes[chosen], self.number_names, self.numbers[chosen])


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph. An undirected edge stands in it once, whichever way round; edges may repeat, and begin where they end.

    Attributes:
        num_nodes: N, at least 1.
        edges: (2, E) int64, where each edge begins and ends.
        is_directed: Whether the order of the two means something.
        node_attributes, edge_attributes: What nodes and edges carry.
        name: For messages.
    """

    num_nodes: int
    edges: NDArray[np.int64]
    is_directed: bool
    node_attributes: Attributes
    edge_attributes: Attributes
    name: str = "the graph"

    @property
    def num_edges(self) -> int:
        return int(self.edges.shape[1])


def make_graph(
    num_nodes: int,
    edges: NDArray[np.int64],
    *,
    node_attributes: Attributes | None = None,
    edge_attributes: Attributes | None = None,
    is_directed: bool | None = None,
    name: str = "the graph",
) -> Graph:
    """A checked graph.

    Args:
        is_directed: None: found out, as PyTorch Geometric writes it: where each edge stands in both directions, with
            the same attributes, the graph is undirected and one of the two is kept; otherwise it is directed.

    Raises:
        InputError: no nodes, an edge to a node that there is not, attributes of another length, or too large.
    """
    check_size(num_nodes, edges.shape[1], name)
    node_attributes = node_attributes if node_attributes is not None else Attributes.none(num_nodes)
    edge_attributes = edge_attributes if edge_attributes is not None else Attributes.none(edges.shape[1])
    if num_nodes < 1:
        raise InputError(f"{name} has no nodes", fix="give a graph with at least one node")
    if edges.size and not 0 <= edges.min() <= edges.max() < num_nodes:
        raise InputError(
            f"{name} has {num_nodes} nodes and an edge to number {edges.max() if edges.min() >= 0 else edges.min()}",
            fix=f"number the nodes 0 to {num_nodes - 1}, or give the right number of nodes",
        )
    for what, wanted, attributes in (("nodes", num_nodes, node_attributes), ("edges", edges.shape[1], edge_attributes)):
        if len(attributes.classes) != wanted or len(attributes.numbers) != wanted:
            given = max(len(attributes.classes), len(attributes.numbers))
            raise InputError(
                f"{name} has {wanted} {what} and features of {given}",
                fix=f"give one row of features for each of the {what}",
            )
        if attributes.classes.size + attributes.numbers.size > MAX_VALUES:
            raise InputError(
                f"{name}: the features of its {what} have more than {MAX_VALUES:,} cells", fix="leave some out"
            )
    if is_directed is None:
        kept = _one_of_both(edges, edge_attributes)
        is_directed = kept is None
        if kept is not None:
            edges, edge_attributes = edges[:, kept], edge_attributes.at(kept)
    return Graph(num_nodes, np.ascontiguousarray(edges, np.int64), is_directed, node_attributes, edge_attributes, name)


def check_size(num_nodes: int, num_edges: int, name: str) -> None:
    """Refuse what is too large, before anything is made of it.

    Raises:
        InputError: more nodes or edges than `MAX_NODES` and `MAX_EDGES`.
    """
    if num_nodes > MAX_NODES or num_edges > MAX_EDGES:
        raise InputError(
            f"{name} has {num_nodes:,} nodes and {num_edges:,} edges, more than {MAX_NODES:,} and {MAX_EDGES:,}",
            fix="cut it into smaller graphs, for instance the neighbourhoods of the nodes of interest",
        )


def _one_of_both(edges: NDArray[np.int64], edge_attributes: Attributes) -> NDArray[np.bool_] | None:
    """Which edges to keep of a graph that lists each in both directions; None where it does not."""
    first, second = edges
    is_back = first > second
    there = _sorted_rows(edges[:, first < second], edge_attributes.at(first < second))
    back = _sorted_rows(edges[::-1, is_back], edge_attributes.at(is_back))
    return ~is_back if np.array_equal(there, back) else None


def _sorted_rows(edges: NDArray[np.int64], edge_attributes: Attributes) -> NDArray[np.int64]:
    bits = np.ascontiguousarray(edge_attributes.numbers).view(np.int32)  # NaN equals NaN
    columns = np.concatenate([edges.T, edge_attributes.classes, bits], axis=1)
    return np.asarray(columns[np.lexsort(columns.T[::-1])])

"""What a forest makes of the neighbourhoods of a graph.  N nodes, E edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Baseline
from mt_plugin_graph.features import NO_ROW, ROWS, degrees, hash_numbers
from mt_plugin_graph.graph import Attributes, Graph

_HOPS, _WIDTH = 3, 1024


class GraphBaseline(Baseline):
    """Counts of the neighbourhoods around each node, out to two hops, hashed to 1,024 places (of molecules these are
    circular fingerprints); of each degree and each category of nodes and edges by itself; and the means of what they
    carry in numbers.

    Sources: Shervashidze et al. 2011, Weisfeiler-Lehman graph kernels, JMLR 12; Rogers and Hahn 2010,
    Extended-connectivity fingerprints.
    """

    description = "counts of neighbourhoods (circular fingerprints), composition; a forest"
    model = "forest"

    def features(self, sample: Graph) -> NDArray[np.float64]:
        """1,024 counts of neighbourhoods, those of each row of the tokenizer's tables, the sizes, 2 * 32 means."""
        first, second = sample.edges
        ends, others = np.concatenate([first, second]), np.concatenate([second, first])
        of_edges = np.tile(_colours(sample.edge_attributes, "edge"), 2)
        colours = _mixed(_colours(sample.node_attributes, "node") + _colours(degrees(sample), "node"))
        counts = np.zeros(_WIDTH)
        for _ in range(_HOPS):
            counts += np.bincount((colours % np.uint64(_WIDTH)).astype(np.int64), minlength=_WIDTH)
            around = np.zeros(sample.num_nodes, np.uint64)
            np.add.at(around, ends, _mixed(colours[others] ^ of_edges))  # a sum does not depend on the order
            colours = _mixed(colours ^ _mixed(around))
        parts = (("node", degrees(sample)), ("node", sample.node_attributes), ("edge", sample.edge_attributes))
        of_degrees, of_nodes, of_edges_alone = (_composition(attributes, part) for part, attributes in parts)
        carried = [_means(each) for each in (sample.node_attributes, sample.edge_attributes)]
        sizes = [sample.num_nodes, sample.num_edges]
        return np.concatenate([counts, of_degrees + of_nodes, of_edges_alone, sizes, *carried])


def _colours(attributes: Attributes, part: str) -> NDArray[np.uint64]:
    """A number for each node, or edge, that tells which categories it has."""
    rows = ROWS[part].of(attributes).astype(np.uint64)
    colours = np.zeros(len(rows), np.uint64)
    for column in range(rows.shape[1]):
        colours = _mixed(colours ^ (rows[:, column] + np.uint64(column << 32)))
    return colours


def _composition(attributes: Attributes, part: str) -> NDArray[np.int64]:
    """How often each row of the table stands for a category of a node, or edge."""
    counts = np.bincount(ROWS[part].of(attributes).ravel(), minlength=ROWS[part].count)
    counts[NO_ROW] = 0
    return counts


def _means(attributes: Attributes) -> NDArray[np.float64]:
    numbers = hash_numbers(attributes, {}).astype(np.float64)
    return np.round(numbers.mean(0), 4) if len(numbers) else np.zeros(numbers.shape[1])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

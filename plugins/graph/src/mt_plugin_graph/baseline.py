"""What a forest makes of the neighbourhoods of a graph.  N nodes, E edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Baseline
from mt_plugin_graph.features import ROWS, degrees, hash_numbers
from mt_plugin_graph.graph import Attributes, Graph

_HOPS, _WIDTH = 3, 1024
_DEGREES = 8


class GraphBaseline(Baseline):
    """Counts of the neighbourhoods around each node, out to two hops, hashed to 1,024 places (of molecules these are
    circular fingerprints), the degrees, and the means of what nodes and edges carry in numbers.

    Sources: Shervashidze et al. 2011, Weisfeiler-Lehman graph kernels, JMLR 12; Rogers and Hahn 2010,
    Extended-connectivity fingerprints.
    """

    description = "counts of neighbourhoods (circular fingerprints), degrees; a forest"
    model = "forest"

    def features(self, sample: Graph) -> NDArray[np.float64]:
        """(1024 + 8 + 2 + 2 * 32)."""
        first, second = sample.edges
        ends, others = np.concatenate([first, second]), np.concatenate([second, first])
        of_edges = np.tile(_colours(sample.edge_attributes, "edge"), 2)
        degree = np.bincount(ends, minlength=sample.num_nodes)
        colours = _mixed(_colours(sample.node_attributes, "node") + _colours(degrees(sample), "node"))
        counts = np.zeros(_WIDTH)
        for _ in range(_HOPS):
            counts += np.bincount((colours % np.uint64(_WIDTH)).astype(np.int64), minlength=_WIDTH)
            around = np.zeros(sample.num_nodes, np.uint64)
            np.add.at(around, ends, _mixed(colours[others] ^ of_edges))  # a sum does not depend on the order
            colours = _mixed(colours ^ _mixed(around))
        histogram = np.bincount(np.minimum(degree, _DEGREES - 1), minlength=_DEGREES)
        sizes = [np.log(sample.num_nodes), np.log1p(sample.num_edges)]
        carried = [_means(each) for each in (sample.node_attributes, sample.edge_attributes)]
        return np.concatenate([counts, histogram / sample.num_nodes, sizes, *carried])


def _colours(attributes: Attributes, part: str) -> NDArray[np.uint64]:
    """A number for each node, or edge, that tells which categories it has."""
    rows = ROWS[part].of(attributes).astype(np.uint64)
    colours = np.zeros(len(rows), np.uint64)
    for column in range(rows.shape[1]):
        colours = _mixed(colours ^ (rows[:, column] + np.uint64(column << 32)))
    return colours


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

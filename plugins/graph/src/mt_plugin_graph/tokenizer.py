"""Graphs to tokens: one a node, one an edge.

B graphs, N nodes of all of them, E edges, D width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from mt_core.contract import Example, Options, Tokenizer, Tokens
from mt_plugin_graph.attributes import attributes_of, join_columns
from mt_plugin_graph.batching import collate_graphs
from mt_plugin_graph.features import LINK_ROWS, NO_ROW, NODE_ROWS, Statistics, degrees, spread
from mt_plugin_graph.graph import MAX_EDGES, MAX_NODES, Attributes, Graph
from mt_plugin_graph.layers import Carried, Hop, Identity, Whole
from mt_plugin_graph.reading import graphs, only_graph
from mt_plugin_graph.sampling import kept, shares
from mt_plugin_graph.spectrum import identifiers

_CALIBRATED = 20_000  # graphs looked at


class GraphOptions(Options):
    """How graphs become tokens."""

    eigenvalues: int = Field(
        default=8,
        ge=0,
        le=64,
        description="Smallest distinct eigenvalues of the Laplacian whose projectors name nodes.",
    )
    walks: int = Field(default=16, ge=0, le=64, description="Steps of the random walks that name nodes.")
    hops: int = Field(default=2, ge=0, le=8, description="How far a node's token knows its neighbourhood.")
    max_tokens: int = Field(
        default=1024, ge=2, le=16384, description="Nodes and edges that become tokens; of larger graphs a part does."
    )
    drop: float = Field(default=0.0, ge=0, lt=1, description="Chance that what a node carries is hidden in training.")
    categorical: tuple[str, ...] = Field(
        default=(), description="Attributes that are categories, though they are numbers."
    )
    ignore: tuple[str, ...] = Field(default=(), description="Attributes to leave out.")


class GraphTokenizer(Tokenizer):
    """A token says what its node or edge carries, which one it is in its graph, what surrounds it, and what the whole
    graph is like. There is no order, so there are no positions.

    After TokenGT (Kim et al. 2022, arXiv:2207.02505): nodes and edges are tokens of two types, named by the spectrum of
    the Laplacian; see `spectrum` for how they are named whatever the order of the nodes. Three things are added for an
    encoder that has not learned to pass messages: an edge's token carries its two nodes, nodes take in their neighbours
    (`hops`), and all tokens hear of the whole graph.
    """

    Options = GraphOptions
    options: GraphOptions
    sample_limits = (
        f"graphs of up to {MAX_NODES:,} nodes and {MAX_EDGES:,} edges; of those with more nodes and edges than "
        "max_tokens a part become tokens, which knows its neighbourhood and the whole"
    )

    def __init__(self, width: int, options: GraphOptions | None = None) -> None:
        super().__init__(width, options)
        spaces, steps = self.options.eigenvalues, self.options.walks
        self.node_carried, self.link_carried = Carried(NODE_ROWS.count, width), Carried(LINK_ROWS.count, width)
        self.node_identity, self.link_identity = Identity(spaces, steps, width), Identity(spaces, steps, width)
        self.node_norm, self.link_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.hops = nn.ModuleList(Hop(width) for _ in range(self.options.hops))
        self.from_ends, self.from_direction = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.whole = Whole(width)
        self.kind = nn.Parameter(torch.randn(2, width) * 0.3)
        self.norm = nn.LayerNorm(width)
        self._columns = partial(attributes_of, categorical=self.options.categorical, ignore=self.options.ignore)
        self._statistics: dict[str, Statistics] = {"nodes": {}, "links": {}}

    def read(self, source: Any) -> Graph:
        """The graph of a file, a SMILES string, or an object in memory; see `reading.graphs`."""
        return only_graph(source, self._columns)

    def stream(self, source: Any) -> Iterator[Graph]:
        """Every molecule of a SMILES, SDF or CSV file; the one graph of another source."""
        return graphs(source, self._columns)

    def prepare(self, sample: Graph, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """For `node` and `link`: `_rows` (M, F), `_numbers` (M, SPREAD), `_spaces` (M, K), `_walks` (M, T), and `_kept`
        (M,), whether it becomes a token; `ends` (E, 2), `eigenvalues` (K,), `is_directed` ()."""
        options = self.options
        names = identifiers(sample.num_nodes, sample.edges, options.eigenvalues, options.walks)
        carried = join_columns((sample.nodes, degrees(sample)), sample.num_nodes)
        parts = {
            "node": (
                NODE_ROWS.of(carried),
                spread(carried, self._statistics["nodes"]),
                names.node_spaces,
                names.node_walks,
            ),
            "link": (
                LINK_ROWS.of(sample.links),
                spread(sample.links, self._statistics["links"]),
                names.edge_spaces,
                names.edge_walks,
            ),
        }
        budget = shares(sample.num_nodes, sample.num_edges, options.max_tokens)
        prepared = {
            "ends": torch.from_numpy(np.ascontiguousarray(sample.edges.T)),
            "eigenvalues": torch.from_numpy(names.eigenvalues),
            "is_directed": torch.tensor(sample.is_directed),
        }
        for (part, (rows, numbers, spaces, walks)), count in zip(parts.items(), budget, strict=True):
            prepared[f"{part}_kept"] = kept(count, (spaces, walks, rows, numbers), generator)
            prepared[f"{part}_rows"] = torch.from_numpy(rows.astype(np.int32))
            for name, values in (("numbers", numbers), ("spaces", spaces), ("walks", walks)):
                prepared[f"{part}_{name}"] = torch.from_numpy(values)
        if generator is not None and options.drop:
            hidden = torch.rand(sample.num_nodes, generator=generator) < options.drop
            prepared["node_rows"][hidden] = NO_ROW
            prepared["node_numbers"][hidden] = 0
        return prepared

    def collate(self, items: Any) -> dict[str, Tensor]:
        """Graphs without padding, one after the other; see `batching.collate_graphs`."""
        return collate_graphs(items)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """(B, tokens, D): of each graph the nodes, then the edges, then padding."""
        ends_E2, mask = batch["ends"].long(), batch["mask"]
        is_directed_E1 = batch["is_directed"][batch["link_graph"]][:, None]
        nodes_ND = self.node_norm(self._embedded(batch, "node", self.node_carried, self.node_identity))
        links_ED = self.link_norm(self._embedded(batch, "link", self.link_carried, self.link_identity))
        for hop in self.hops:
            nodes_ND = hop(nodes_ND, links_ED, ends_E2, is_directed_E1)
        whole_BD = self.whole(nodes_ND, batch["node_graph"], batch["num_nodes"], batch["num_links"])
        first_ED, second_ED = nodes_ND[ends_E2[:, 0]], nodes_ND[ends_E2[:, 1]]
        links_ED = links_ED + self.from_ends((first_ED + second_ED) / 2)
        links_ED = links_ED + is_directed_E1 * self.from_direction(second_ED - first_ED)
        tokens_MD = self.norm(
            torch.cat(
                [
                    nodes_ND + self.kind[0] + whole_BD[batch["node_graph"]],
                    links_ED + self.kind[1] + whole_BD[batch["link_graph"]],
                ]
            )
        )
        is_token_M = batch["place"] >= 0
        values = tokens_MD.new_zeros(mask.numel(), self.width)
        values = values.index_copy(0, batch["place"][is_token_M], tokens_MD[is_token_M])
        return Tokens(values.view(*mask.shape, self.width), mask=mask)

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn mean and standard deviation of what is a number; molecules have none. From 20,000 graphs at most."""
        sums: dict[str, dict[str, list[float]]] = {"nodes": {}, "links": {}}
        for example in islice(examples, _CALIBRATED):
            graph = self.read(example.sample)
            for part, attributes in (("nodes", graph.nodes), ("links", graph.links)):
                _add_up(sums[part], attributes)
        self.restore({part: {name: _moments(*of) for name, of in columns.items()} for part, columns in sums.items()})

    def calibration(self) -> dict[str, Any]:
        """{"nodes": {attribute: [mean, standard deviation]}, "links": likewise}, {} where there are no numbers."""
        if not any(self._statistics.values()):
            return {}
        return {
            part: {name: list(pair) for name, pair in columns.items()} for part, columns in self._statistics.items()
        }

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self._statistics = {
            part: {name: (float(mean), float(deviation)) for name, (mean, deviation) in columns.items()}
            for part in ("nodes", "links")
            for columns in (calibration.get(part, {}),)
        }

    def permuted(self, sample: Graph, generator: torch.Generator) -> Graph:
        """The same graph with its nodes numbered otherwise and its edges listed in another order."""
        nodes, links = (
            torch.randperm(count, generator=generator).numpy() for count in (sample.num_nodes, sample.num_edges)
        )
        renumbered = np.argsort(nodes)[sample.edges[:, links]]
        return replace(sample, edges=renumbered, nodes=sample.nodes.at(nodes), links=sample.links.at(links))

    def _embedded(self, batch: Mapping[str, Tensor], part: str, carried: Carried, identity: Identity) -> Tensor:
        graph_M = batch[f"{part}_graph"]
        named: Tensor = identity(
            batch[f"{part}_spaces"],
            batch[f"{part}_walks"],
            batch["eigenvalues"][graph_M],
            batch["num_nodes"][graph_M],
        )
        embedded: Tensor = carried(batch[f"{part}_rows"], batch[f"{part}_numbers"]) + named
        return embedded


def _add_up(sums: dict[str, list[float]], attributes: Attributes) -> None:
    """Count, sum and sum of squares of each column, added to those of other graphs."""
    for name, column in zip(attributes.number_names, attributes.numbers.T, strict=True):
        values = column[np.isfinite(column)].astype(np.float64)
        added = (float(len(values)), float(values.sum()), float((values * values).sum()))
        sums[name] = [before + more for before, more in zip(sums.get(name, (0.0, 0.0, 0.0)), added, strict=True)]


def _moments(count: float, total: float, squares: float) -> tuple[float, float]:
    """Mean and standard deviation; of a column that is constant or empty the latter is 1."""
    mean = total / max(count, 1)
    deviation = math.sqrt(max(squares / max(count, 1) - mean * mean, 0.0))
    return mean, deviation if deviation > 1e-6 * max(abs(mean), 1e-30) else 1.0

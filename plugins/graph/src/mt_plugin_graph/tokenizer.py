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

from mt_core.contract import Example, TokenRegions, Tokens
from mt_core.errors import InputError
from mt_core.sdk import readable
from mt_core.sdk.blocks import DrawnTokenizer, ViewOptions
from mt_plugin_graph.attributes import attributes_of, join_columns
from mt_plugin_graph.batching import collate_graphs
from mt_plugin_graph.features import NO_ROW, PARTS, ROWS, Statistics, degrees, hash_numbers
from mt_plugin_graph.graph import MAX_EDGES, MAX_NODES, Attributes, Graph
from mt_plugin_graph.layers import AttributeEmbedding, GraphContext, MessagePassing, StructuralEncoding
from mt_plugin_graph.reading import graphs, node_tables_of, only_graph
from mt_plugin_graph.regions import graph_regions
from mt_plugin_graph.sampling import select, token_budget
from mt_plugin_graph.spectrum import identifiers
from mt_plugin_graph.views import draw_graphs

_CALIBRATED = 20_000  # graphs looked at


class GraphOptions(ViewOptions):
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


class GraphTokenizer(DrawnTokenizer):
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
        if self.picture is None:
            self._make_tokens(width)
        self._columns = partial(attributes_of, categorical=self.options.categorical, ignore=self.options.ignore)
        self._statistics: dict[str, Statistics] = {part: {} for part in PARTS}

    def _make_tokens(self, width: int) -> None:
        spaces, steps = self.options.eigenvalues, self.options.walks
        self.attributes = nn.ModuleDict({part: AttributeEmbedding(ROWS[part].count, width) for part in PARTS})
        self.structure = nn.ModuleDict({part: StructuralEncoding(spaces, steps, width) for part in PARTS})
        self.norms = nn.ModuleDict({part: nn.LayerNorm(width) for part in PARTS})
        self.hops = nn.ModuleList(MessagePassing(width) for _ in range(self.options.hops))
        self.from_ends, self.from_direction = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.context = GraphContext(width)
        self.type_embedding = nn.Parameter(torch.randn(2, width) * 0.3)
        self.norm = nn.LayerNorm(width)

    def read(self, source: Any) -> Graph:
        """The graph of a file, a SMILES string, or an object in memory; see `reading.graphs`."""
        return only_graph(source, self._columns)

    def stream(self, source: Any) -> Iterator[Graph | InputError]:
        """Every molecule of a SMILES, SDF or CSV file, or its error; the one graph of another source."""
        return graphs(source, self._columns)

    def files_beside(self, source: str) -> list[str]:
        """The table of the nodes of an edge list."""
        return node_tables_of(source)

    def prepare(self, sample: Graph, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """For `node` and `edge`: `_rows` (M, F), `_numbers` (M, NUMBERS_WIDTH), `_spaces` (M, K), `_walks` (M, T), and
        `_kept` (M,), whether it becomes a token; `ends` (E, 2), `eigenvalues` (K,), `is_directed` (). With view=picture
        rows, numbers, ends and is_directed alone."""
        nodes = join_columns((sample.node_attributes, degrees(sample)), sample.num_nodes)
        prepared = {
            "ends": torch.from_numpy(np.ascontiguousarray(sample.edges.T)),
            "is_directed": torch.tensor(sample.is_directed),
        }
        for part, attributes in zip(PARTS, (nodes, sample.edge_attributes), strict=True):
            prepared[f"{part}_rows"] = torch.from_numpy(ROWS[part].of(attributes).astype(np.int32))
            prepared[f"{part}_numbers"] = torch.from_numpy(hash_numbers(attributes, self._statistics[part]))
        if self.picture is None:
            prepared |= self._named(sample, prepared, generator)
        if generator is not None and self.options.drop:
            hidden = torch.rand(sample.num_nodes, generator=generator) < self.options.drop
            prepared["node_rows"][hidden] = NO_ROW
            prepared["node_numbers"][hidden] = 0
        return prepared

    def _named(
        self, sample: Graph, prepared: Mapping[str, Tensor], generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        """What names nodes and edges, and which of them become tokens."""
        options = self.options
        names = identifiers(sample.num_nodes, sample.edges, options.eigenvalues, options.walks)
        named = {"eigenvalues": torch.from_numpy(names.eigenvalues)}
        parts = ((names.node_spaces, names.node_walks), (names.edge_spaces, names.edge_walks))
        budget = token_budget(sample.num_nodes, sample.num_edges, options.max_tokens)
        for part, (spaces, walks), count in zip(PARTS, parts, budget, strict=True):
            rows, numbers = (prepared[f"{part}_{name}"].numpy() for name in ("rows", "numbers"))
            named[f"{part}_kept"] = select(count, (spaces, walks, rows, numbers), generator)
            named[f"{part}_spaces"], named[f"{part}_walks"] = torch.from_numpy(spaces), torch.from_numpy(walks)
        return named

    def collate(self, items: Any) -> dict[str, Tensor]:
        """Graphs without padding, one after the other; see `batching.collate_graphs`."""
        return collate_graphs(items)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        """(B, tokens, D): of each graph the nodes, then the edges, then padding; with view=picture those of `draw`."""
        if self.picture is not None:
            return self.see(batch)
        ends_E2, mask = batch["ends"].long(), batch["mask"]
        is_directed_E1 = batch["is_directed"][batch["edge_graph"]][:, None]
        nodes_ND, edges_ED = (self._embedded(batch, part) for part in PARTS)
        for hop in self.hops:
            nodes_ND = hop(nodes_ND, edges_ED, ends_E2, is_directed_E1)
        context_BD = self.context(nodes_ND, batch["node_graph"], batch["num_nodes"], batch["num_edges"])
        first_ED, second_ED = nodes_ND[ends_E2[:, 0]], nodes_ND[ends_E2[:, 1]]
        edges_ED = edges_ED + self.from_ends((first_ED + second_ED) / 2)
        edges_ED = edges_ED + is_directed_E1 * self.from_direction(second_ED - first_ED)
        tokens_MD = self.norm(
            torch.cat(
                [
                    nodes_ND + self.type_embedding[0] + context_BD[batch["node_graph"]],
                    edges_ED + self.type_embedding[1] + context_BD[batch["edge_graph"]],
                ]
            )
        )
        num_places = mask.shape[0] * mask.shape[1]
        place_M = torch.where(batch["place"] < 0, num_places, batch["place"])  # one more, for what becomes no token
        values = tokens_MD.new_zeros(num_places + 1, self.width).index_copy(0, place_M, tokens_MD)
        return Tokens(values[:-1].view(*mask.shape, self.width), mask=mask)

    def regions(self, sample: Graph, batch: Mapping[str, Tensor], tokens: Tokens) -> TokenRegions:
        """Nodes and edges, atoms and bonds; with view=picture patches of what is drawn."""
        if self.picture is not None:
            return super().regions(sample, batch, tokens)
        return graph_regions(sample, batch["place"], tokens.values.shape[1])

    def draw(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Counts of neighbourhoods; see `views`."""
        return draw_graphs(batch, size=self.options.picture_size)

    def calibrate(self, examples: Iterable[Example]) -> None:
        """Learn mean and standard deviation of what is a number; molecules have none. From 20,000 graphs at most."""
        sums: dict[str, dict[str, list[float]]] = {part: {} for part in PARTS}
        sources = (example.sample for example in islice(examples, _CALIBRATED))
        for graph in readable(sources, self.read):  # training reports the others, or skips them if asked to
            _add_up(sums["node"], graph.node_attributes)
            _add_up(sums["edge"], graph.edge_attributes)
        self.restore({part: {name: _moments(*of) for name, of in columns.items()} for part, columns in sums.items()})

    def calibration(self) -> dict[str, Any]:
        """{"node": {attribute: [mean, standard deviation]}, "edge": likewise}, {} where there are no numbers."""
        if not any(self._statistics.values()):
            return {}
        return {
            part: {name: list(pair) for name, pair in columns.items()} for part, columns in self._statistics.items()
        }

    def restore(self, calibration: Mapping[str, Any]) -> None:
        self._statistics = {
            part: {name: (float(mean), float(deviation)) for name, (mean, deviation) in columns.items()}
            for part in PARTS
            for columns in (calibration.get(part, {}),)
        }

    def permuted(self, sample: Graph, generator: torch.Generator) -> Graph:
        """The same graph with its nodes numbered otherwise and its edges listed in another order."""
        nodes, edges = (
            torch.randperm(count, generator=generator).numpy() for count in (sample.num_nodes, sample.num_edges)
        )
        renumbered = np.argsort(nodes)[sample.edges[:, edges]]
        return replace(
            sample,
            edges=renumbered,
            node_attributes=sample.node_attributes.at(nodes),
            edge_attributes=sample.edge_attributes.at(edges),
        )

    def _embedded(self, batch: Mapping[str, Tensor], part: str) -> Tensor:
        graph_M = batch[f"{part}_graph"]
        structure: Tensor = self.structure[part](
            batch[f"{part}_spaces"], batch[f"{part}_walks"], batch["eigenvalues"][graph_M], batch["num_nodes"][graph_M]
        )
        attributes: Tensor = self.attributes[part](batch[f"{part}_rows"], batch[f"{part}_numbers"])
        embedded: Tensor = self.norms[part](attributes + structure)
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

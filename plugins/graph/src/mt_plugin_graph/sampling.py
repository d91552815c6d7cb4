"""Which nodes and edges of a large graph become tokens.  M nodes or edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def token_budget(num_nodes: int, num_edges: int, most: int) -> tuple[int, int]:
    """How many nodes and how many edges: all, or as many of either kind in proportion as make `most`; a node always."""
    total = num_nodes + num_edges
    if total <= most:
        return num_nodes, num_edges
    nodes = max(1, round(most * num_nodes / total))
    return nodes, min(num_edges, most - nodes)


def select(count: int, traits: Sequence[NDArray[np.generic]], generator: torch.Generator | None) -> Tensor:
    """(M,) bool, which `count` of the M are kept.

    In training (with a generator) they are drawn. Otherwise they lie evenly in an order by their traits: each kind of
    place in the graph keeps its share, and which node is called what does not matter, but for rounding.

    Args:
        traits: (M, columns) each, the same whatever the order of the nodes.
    """
    num = len(traits[0])
    chosen = torch.ones(num, dtype=torch.bool)
    if count >= num:
        return chosen
    chosen[:] = False
    if generator is not None:
        chosen[torch.randperm(num, generator=generator)[:count]] = True
        return chosen
    columns = np.concatenate([np.round(trait.astype(np.float64), 5) for trait in traits], axis=1)
    order = np.lexsort(columns.T[::-1]) if columns.shape[1] else np.arange(num)
    evenly = order[(np.arange(count) * num) // max(count, 1)]
    chosen[torch.from_numpy(evenly)] = True
    return chosen

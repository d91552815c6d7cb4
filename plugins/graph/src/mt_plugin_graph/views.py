"""Graphs as pictures: which nodes there are, and what surrounds them, counted.

B graphs, N nodes and E edges of all of them, F categories of a node or edge, S side in pixels, K cells.

A picture is a lattice of cells. Red counts the categories of the nodes, green the nodes with their neighbours, blue
those with their neighbours' neighbours: each kind of neighbourhood has a cell, found by hashing. The order of the nodes
means nothing, since counts are sums; graphs that the Weisfeiler-Lehman test cannot tell apart look alike.

Sources: Shervashidze et al. 2011, JMLR 12, for neighbourhoods named by rounds of hashing; Rogers & Hahn 2010 (ECFP),
doi:10.1021/ci100050t, for hashed counts of them. To lay them out as a picture is ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from mt_plugin_graph.features import NO_ROW

CELLS = 32
"""Along each side of a picture."""

_RGB = 3
_FULL = 16  # so many of a kind are a full colour
_MULTIPLIER = 0x5851F42D4C957F2D  # of PCG's generators
_FORWARD, _BACKWARD, _NEGATIVE, _EDGES = 0x1F123BB5, 0x2545F491, 0x3C6EF372, 0x6A09E667  # any numbers that differ


def draw_graphs(batch: Mapping[str, Tensor], *, size: int) -> Tensor:
    """Counts of neighbourhoods as cells.

    Args:
        batch: What `collate` gives: `node_rows`, `node_numbers`, `edge_rows`, `edge_numbers`, `ends`, `node_graph`,
            `edge_graph`, `num_nodes`, `is_directed`.
        size: S.

    Returns:
        (B, 1, 3, S, S) in 0..1: the logarithm of the counts, 16 and more being full. Numbers, which are not counted,
        add their sums over the graph, those above and below zero apart.
    """
    node_graph_N, num_graphs = batch["node_graph"], batch["num_nodes"].shape[0]
    counts_BCK = torch.zeros(num_graphs, _RGB, CELLS * CELLS, device=node_graph_N.device)
    rows_NF = batch["node_rows"].long()
    _add(counts_BCK[:, 0], repeat(node_graph_N, "n -> n f", f=rows_NF.shape[1]), _mix(rows_NF), rows_NF != NO_ROW)
    for channel, kinds_N in enumerate(neighbourhoods(batch, rounds=_RGB - 1)):
        _add(counts_BCK[:, channel + 1], node_graph_N, kinds_N, torch.ones_like(kinds_N))
    for part, channel, salt in (("node", 0, 0), ("edge", 1, _EDGES)):
        numbers_MA, graph_M = batch[f"{part}_numbers"].float(), batch[f"{part}_graph"]
        columns_MA = torch.arange(numbers_MA.shape[1], device=graph_M.device).expand_as(numbers_MA) + salt
        graph_MA = repeat(graph_M, "m -> m a", a=numbers_MA.shape[1])
        _add(counts_BCK[:, channel], graph_MA, _mix(columns_MA), numbers_MA.clamp_min(0))
        _add(counts_BCK[:, channel], graph_MA, _mix(columns_MA + _NEGATIVE), (-numbers_MA).clamp_min(0))
    levels_BCK = (torch.log1p(counts_BCK) / math.log1p(_FULL)).clamp(0, 1)
    cells_BCHW = rearrange(levels_BCK, "b c (h w) -> b c h w", h=CELLS)
    return nn.functional.interpolate(cells_BCHW, (size, size), mode="nearest" if size >= CELLS else "area")[:, None]


def neighbourhoods(batch: Mapping[str, Tensor], *, rounds: int) -> list[Tensor]:
    """(N,) integers for each round: the same where nodes have the same neighbours, with the same edges to them, so many
    edges far. Where a graph is directed, edges that leave and that arrive are told apart."""
    first_E, second_E = batch["ends"].long().unbind(1)
    kinds_N, edges_E = _kinds(batch["node_rows"]), _kinds(batch["edge_rows"])
    turned_E = batch["is_directed"][batch["edge_graph"]].long() * (_BACKWARD - _FORWARD)
    found = []
    for _ in range(rounds):
        around_N = torch.zeros_like(kinds_N)
        around_N.index_add_(0, first_E, _mix(_mix(kinds_N)[second_E] + edges_E + _FORWARD))
        around_N.index_add_(0, second_E, _mix(_mix(kinds_N)[first_E] + edges_E + _FORWARD + turned_E))
        kinds_N = _mix(kinds_N * 3 + around_N)
        found.append(kinds_N)
    return found


def _kinds(rows_MF: Tensor) -> Tensor:
    """(M,) a number for each set of categories, whatever the columns are that others in the batch have."""
    rows_MF = rows_MF.long()
    mixed_MF = torch.where(rows_MF == NO_ROW, 0, _mix(rows_MF))
    # column by column: ONNX Runtime sums along an axis in floating point, where 64 bits do not fit
    return sum(mixed_MF.unbind(1), mixed_MF.new_zeros(mixed_MF.shape[0]))


def _add(counts_BK: Tensor, graph_M: Tensor, kinds_M: Tensor, amounts_M: Tensor) -> None:
    """Add amounts to the cells that kinds are hashed to, in place."""
    cells_M = (kinds_M % counts_BK.shape[1]).flatten()
    counts_BK.index_put_((graph_M.flatten(), cells_M), amounts_M.flatten().to(counts_BK.dtype), accumulate=True)


def _mix(numbers: Tensor) -> Tensor:
    """64 bits, each of which depends on all bits of a number; twice the step of a multiplicative hash."""
    for shift in (32, 29):
        numbers = (numbers ^ (numbers >> shift & (1 << 64 - shift) - 1)) * _MULTIPLIER
    return numbers ^ (numbers >> 32 & (1 << 32) - 1)

"""Graphs of any size side by side, without padding.  B graphs, N nodes and E edges of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mt_plugin_graph.features import NO_ROW, PARTS


def collate_graphs(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """One batch of prepared graphs.

    Returns:
        What belongs to nodes and edges one graph after the other, `ends` counted through; what belongs to a graph
        stacked; `node_graph` (N,) and `edge_graph` (E,) which graph each belongs to; `mask` (B, tokens) and `place`,
        for each node, then each edge, its token in the flattened mask, -1 where it has none. What the graphs were not
        prepared with (view=picture) is not there.
    """
    batch = {
        name: torch.stack([item[name] for item in items]) for name in ("eigenvalues", "is_directed") if name in items[0]
    }
    num_nodes = torch.tensor([len(item["node_rows"]) for item in items])
    num_edges = torch.tensor([len(item["edge_rows"]) for item in items])
    before = num_nodes.cumsum(0) - num_nodes
    for part in PARTS:
        widest = max(item[f"{part}_rows"].shape[1] for item in items)
        batch[f"{part}_rows"] = torch.cat([_widened(item[f"{part}_rows"], widest) for item in items])
        for name in {f"{part}_numbers", f"{part}_spaces", f"{part}_walks"} & items[0].keys():
            batch[name] = torch.cat([item[name] for item in items])
    batch["ends"] = torch.cat([item["ends"] + int(first) for item, first in zip(items, before, strict=True)])
    graphs = torch.arange(len(items))
    batch["node_graph"] = graphs.repeat_interleave(num_nodes)
    batch["edge_graph"] = graphs.repeat_interleave(num_edges)
    batch["num_nodes"], batch["num_edges"] = num_nodes, num_edges
    return batch | _places(items) if "node_kept" in items[0] else batch


def _places(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Nodes stand first in each row of tokens, edges behind them, padding at the end."""
    lengths = torch.tensor([int(item["node_kept"].sum()) + int(item["edge_kept"].sum()) for item in items])
    longest = int(lengths.max())
    places: dict[str, list[Tensor]] = {"node": [], "edge": []}
    for row, item in enumerate(items):
        at = row * longest
        for part, found in places.items():
            kept = item[f"{part}_kept"]
            found.append(torch.where(kept, at + kept.cumsum(0) - 1, -1))
            at += int(kept.sum())
    mask = torch.arange(longest)[None, :] < lengths[:, None]
    return {"mask": mask, "place": torch.cat(places["node"] + places["edge"])}


def _widened(rows_MF: Tensor, widest: int) -> Tensor:
    return torch.nn.functional.pad(rows_MF, (0, widest - rows_MF.shape[1]), value=NO_ROW)

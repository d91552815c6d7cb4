"""The text files of the TU collection (Morris et al. 2020, TUDataset, arXiv:2007.08663)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import Regression
from mt_core.errors import DatasetError
from mt_core.sdk import Listing, assign_folds, quiet, sorted_names
from mt_plugin_graph.attributes import attributes_of_array, join_columns
from mt_plugin_graph.graph import Attributes, Graph, make_graph
from mt_plugin_graph.layouts.held_out import chosen_rows, held_out
from mt_plugin_graph.layouts.options import TU_FOLDS, GraphDatasetOptions

MAX_BYTES = 2**30
"""Of one of the files."""

_EDGES = "_A.txt"
_LARGEST_WHOLE = 2.0**53  # up to which floats tell whole numbers apart


def find_tu(root: Path, split: str, options: GraphDatasetOptions) -> Listing | None:
    """The graphs of a split; None where there is no `*_A.txt`, neither in the folder nor in its `raw`.

    Args:
        options: kind="regression" takes the numbers of `_graph_attributes` where there are labels too.

    Raises:
        DatasetError: files that contradict each other, are damaged or too large.
        MissingSplitError: no such split.
    """
    tables = [table for folder in (root, root / "raw") for table in sorted(folder.glob(f"*{_EDGES}"))]
    if not tables:
        return None
    if len(tables) > 1:
        raise DatasetError(
            f"{root} holds several sets: {', '.join(t.name for t in tables[:5])}", fix="give one folder a set"
        )
    stem = str(tables[0])[: -len(_EDGES)]
    labels = _column(stem, "graph_labels")
    values = _table(f"{stem}_graph_attributes.txt", np.float64)
    is_regression = values is not None and (labels is None or options.kind == "regression")
    if labels is None and not is_regression:
        raise DatasetError(f"{stem}_graph_labels.txt is not there", fix="check that the download is complete")
    targets: Sequence[Any] = values.tolist() if is_regression and values is not None else _as_text(labels)
    samples = _graphs(stem, len(targets))
    strata = [""] * len(targets) if is_regression else targets
    folds = TU_FOLDS if options.folds is None else options.folds
    fold = assign_folds(strata, folds, options.seed) if folds else np.full(len(targets), -1)
    chosen = chosen_rows(held_out(fold == options.fold - 1), len(targets), split, root)
    names = tuple(f"target_{at}" for at in range(values.shape[1])) if is_regression and values is not None else ()
    return Listing(
        [samples[at] for at in chosen],
        [targets[at] for at in chosen],
        () if is_regression else sorted_names(targets),
        "tu",
        Regression(names=names) if is_regression else None,
    )


def _graphs(stem: str, num_graphs: int) -> list[Graph]:
    """All graphs of a set, each with its own nodes and edges, numbered from zero."""
    graph_of_node = _column(stem, "graph_indicator")
    edges = _table(f"{stem}{_EDGES}", np.int64)
    if graph_of_node is None or edges is None or edges.shape[1] != 2:
        raise DatasetError(
            f"{stem}{_EDGES} and {stem}_graph_indicator.txt are not what a TU set has",
            fix="check the download: two columns of node numbers, and one of graph numbers",
        )
    node_attributes = _attributes(stem, "node", len(graph_of_node))
    edge_attributes = _attributes(stem, "edge", len(edges))
    graph_of_node, edges = graph_of_node - 1, edges - 1
    if graph_of_node.size and not 0 <= graph_of_node.min() <= graph_of_node.max() < num_graphs:
        raise DatasetError(f"{stem}: nodes of graphs that have no target", fix="check that the files belong together")
    if edges.size and not 0 <= edges.min() <= edges.max() < len(graph_of_node):
        raise DatasetError(f"{stem}{_EDGES} names nodes that there are not", fix="check that the files belong together")
    if (graph_of_node[edges[:, 0]] != graph_of_node[edges[:, 1]]).any():
        raise DatasetError(
            f"{stem}{_EDGES} joins nodes of different graphs", fix="check that the files belong together"
        )
    order = np.argsort(graph_of_node, kind="stable")
    sizes = np.bincount(graph_of_node, minlength=num_graphs)
    starts = sizes.cumsum() - sizes
    number = np.empty_like(order)
    number[order] = np.arange(len(order)) - starts[graph_of_node[order]]
    graph_of_edge = graph_of_node[edges[:, 0]]
    edge_order = np.argsort(graph_of_edge, kind="stable")
    edge_starts = np.bincount(graph_of_edge, minlength=num_graphs).cumsum()[:-1]
    own = zip(np.split(order, starts[1:]), np.split(edge_order, edge_starts), strict=True)
    return [
        make_graph(
            len(own_nodes),
            number[edges[own_edges]].T,
            node_attributes=node_attributes.at(own_nodes),
            edge_attributes=edge_attributes.at(own_edges),
            name=f"{stem}, graph {at}",
        )
        for at, (own_nodes, own_edges) in enumerate(own, start=1)
    ]


def _attributes(stem: str, what: str, count: int) -> Attributes:
    """Labels are categories, attributes are numbers; there may be either, both or none."""
    parts = []
    for ending, kind in ((f"{what}_labels", np.int64), (f"{what}_attributes", np.float32)):
        path = f"{stem}_{ending}.txt"
        table = _table(path, kind)
        if table is None:
            continue
        if len(table) != count:
            raise DatasetError(
                f"{path} has {len(table)} lines for {count} {what}s", fix="check that the files belong together"
            )
        parts.append(attributes_of_array(table, count, ending.removesuffix("s"), path))
    return join_columns(parts, count)


def _column(stem: str, ending: str) -> NDArray[np.int64] | None:
    table = _table(f"{stem}_{ending}.txt", np.int64)
    return None if table is None else table[:, 0]


def _as_text(labels: NDArray[np.int64] | None) -> list[str]:
    return [] if labels is None else [str(label) for label in labels.tolist()]


def _table(path: str, kind: type[np.generic]) -> NDArray[Any] | None:
    """The numbers of a file, (lines, columns); None where there is none."""
    file = Path(path)
    if not file.is_file():
        return None
    size = file.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise DatasetError(
            f"{path} has {size:,} bytes, not 1 to {MAX_BYTES:,}", fix="check that the download is complete"
        )
    try:
        with quiet(), file.open(encoding="utf-8-sig") as lines:
            values = np.loadtxt(lines, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read ({str(error)[:150]})", fix="write numbers, with commas between them"
        ) from None
    if not values.size:
        raise DatasetError(f"{path} has no rows", fix="check that the download is complete")
    if kind is np.int64 and not (is_whole := (values == np.rint(values)) & (np.abs(values) <= _LARGEST_WHOLE)).all():
        row = int(np.argmin(is_whole.all(1))) + 1
        raise DatasetError(f"{path}, row {row}: not whole numbers", fix="check that the download is complete")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which counts as not known
        return values.astype(kind)

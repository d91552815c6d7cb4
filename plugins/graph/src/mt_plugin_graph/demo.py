"""Small graphs of a few kinds, written as the files that are read."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.contract import SPLITS
from mt_core.errors import OptionError
from mt_core.sdk import Listing, temporary_folder

Draw = np.random.Generator


def _cycle(networkx: Any, draw: Draw) -> Any:
    return networkx.cycle_graph(int(draw.integers(4, 17)))


def _tree(networkx: Any, draw: Draw) -> Any:
    """Every node hangs on an earlier one, the third on the second, so that it is no star."""
    size = int(draw.integers(5, 18))
    tree = networkx.path_graph(4)
    tree.add_edges_from((node, int(draw.integers(node))) for node in range(4, size))
    return tree


def _star(networkx: Any, draw: Draw) -> Any:
    return networkx.star_graph(int(draw.integers(4, 17)))


def _grid(networkx: Any, draw: Draw) -> Any:
    return networkx.convert_node_labels_to_integers(
        networkx.grid_2d_graph(int(draw.integers(2, 4)), int(draw.integers(3, 6)))
    )


def _clique(networkx: Any, draw: Draw) -> Any:
    return networkx.complete_graph(int(draw.integers(4, 8)))


KINDS: dict[str, Callable[[Any, Draw], Any]] = {
    "clique": _clique,
    "cycle": _cycle,
    "grid": _grid,
    "star": _star,
    "tree": _tree,
}


def demo_listing(split: str, size: int, seed: int) -> Listing:
    """Graphs of all kinds in turn, as GraphML, GEXF and edge lists, nodes in random order. Their colours and weights
    say nothing of the kind."""
    if split not in SPLITS:
        raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
    import networkx

    folder = temporary_folder("graph")
    parts = SPLITS[:3] if split == "all" else (split,)
    kinds, suffixes = tuple(KINDS), tuple(_WRITERS)
    samples, labels = [], []
    for position in range(size):
        part, number = parts[position % len(parts)], position // len(parts)
        draw = np.random.default_rng([seed, SPLITS.index(part), number])
        kind, suffix = kinds[number % len(kinds)], suffixes[int(draw.integers(len(suffixes)))]
        path = folder / f"{part}_{number:04d}{suffix}"
        _WRITERS[suffix](_coloured(networkx, KINDS[kind](networkx, draw), draw), path)
        samples.append(str(path))
        labels.append(kind)
    return Listing(samples, labels, kinds, "demo")


def _coloured(networkx: Any, graph: Any, draw: Draw) -> Any:
    """The same with its nodes named in another order, each with a colour and a weight."""
    names = [f"n{number}" for number in draw.permutation(len(graph))]
    graph = networkx.relabel_nodes(graph, dict(zip(list(graph), names, strict=True)))
    for node in graph:
        graph.nodes[node]["colour"] = str(draw.choice(["red", "green", "blue"]))
        graph.nodes[node]["weight"] = round(float(draw.normal()), 3)
    return graph


def _write_graphml(graph: Any, path: Path) -> None:
    import networkx

    networkx.write_graphml_xml(graph, path)


def _write_gexf(graph: Any, path: Path) -> None:
    import networkx

    networkx.write_gexf(graph, path)


def _write_edges(graph: Any, path: Path) -> None:
    path.write_text("".join(f"{first} {second}\n" for first, second in graph.edges), encoding="utf-8")
    with path.with_suffix(".nodes.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["node", "colour", "weight"])
        table.writerows([node, record["colour"], record["weight"]] for node, record in graph.nodes(data=True))


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".graphml": _write_graphml,
    ".gexf": _write_gexf,
    ".edges": _write_edges,
}

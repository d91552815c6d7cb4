"""Graphs that need no download: small ones of a few kinds, written as the files that are read."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mt_core.sdk import Listing, demo_files
from mt_plugin_graph.reading import SUFFIXES

Draw = np.random.Generator


def _tree(networkx: Any, draw: Draw) -> Any:
    """Every node hangs on an earlier one, the third on the second, so that it is no star."""
    size = int(draw.integers(5, 18))
    tree = networkx.path_graph(4)
    tree.add_edges_from((node, int(draw.integers(node))) for node in range(4, size))
    return tree


KINDS: dict[str, Callable[[Any, Draw], Any]] = {
    "clique": lambda networkx, draw: networkx.complete_graph(int(draw.integers(4, 8))),
    "cycle": lambda networkx, draw: networkx.cycle_graph(int(draw.integers(4, 17))),
    "grid": lambda networkx, draw: networkx.grid_2d_graph(int(draw.integers(2, 4)), int(draw.integers(3, 6))),
    "star": lambda networkx, draw: networkx.star_graph(int(draw.integers(4, 17))),
    "tree": _tree,
}


def graphs_of_kinds(split: str, size: int, seed: int) -> Listing:
    """`size` graphs a split, in files that vanish with the process. Their colours and weights say nothing of the kind,
    and nodes are in random order."""
    return demo_files("graph", split, size, seed, tuple(KINDS), _write_graph)


def write_examples(folder: Path) -> list[Path]:
    """A ring a suffix, or alcohols where it is one of molecules, for which reading needs RDKit."""
    for suffix in SUFFIXES:
        path = folder / f"example{suffix}"
        if suffix in _MOLECULES:
            path.write_text(_MOLECULES[suffix])
        else:
            _WRITERS.get(suffix, _write_edges)(draw_graph("cycle", np.random.default_rng(0)), path)
    return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))


def draw_graph(kind: str, draw: Draw) -> Any:
    """A networkx graph whose nodes are named in any order, each with a colour and a weight."""
    import networkx

    graph = KINDS[kind](networkx, draw)
    names = [f"n{number}" for number in draw.permutation(len(graph))]
    graph = networkx.relabel_nodes(graph, dict(zip(list(graph), names, strict=True)))
    for node in graph:
        graph.nodes[node]["colour"] = str(draw.choice(["red", "green", "blue"]))
        graph.nodes[node]["weight"] = round(float(draw.normal()), 3)
    return graph


def _write_graph(stem: Path, kind: str, turn: int, draw: Draw) -> Path:
    path = stem.with_suffix(tuple(_WRITERS)[turn % len(_WRITERS)])
    _WRITERS[path.suffix](draw_graph(kind, draw), path)
    return path


def _write_graphml(graph: Any, path: Path) -> None:
    import networkx

    networkx.write_graphml_xml(graph, path)


def _write_gexf(graph: Any, path: Path) -> None:
    import networkx

    networkx.write_gexf(graph, path)


def _write_gml(graph: Any, path: Path) -> None:
    import networkx

    networkx.write_gml(graph, path, stringizer=str)


def _write_edges(graph: Any, path: Path) -> None:
    path.write_text("".join(f"{first} {second}\n" for first, second in graph.edges), encoding="utf-8")
    with path.with_suffix(".nodes.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["node", "colour", "weight"])
        table.writerows([node, *record.values()] for node, record in graph.nodes(data=True))


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".graphml": _write_graphml,
    ".gexf": _write_gexf,
    ".gml": _write_gml,
    ".edges": _write_edges,
}

_ETHANOL = """ethanol
  written by hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0
    1.5000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0
    2.2500    1.3000    0.0000 O   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0
  2  3  1  0
M  END
"""

_ALCOHOLS = "CO methanol\nCCO ethanol\n"

_MOLECULES = {".smi": _ALCOHOLS, ".smiles": _ALCOHOLS, ".sdf": f"{_ETHANOL}$$$$\n", ".mol": _ETHANOL}

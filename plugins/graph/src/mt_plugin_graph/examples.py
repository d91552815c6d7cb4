"""Graphs in each format that is read."""

from __future__ import annotations

from pathlib import Path

from mt_plugin_graph.reading import EDGE_SUFFIXES, MOLFILE_SUFFIXES, SMILES_SUFFIXES

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


def write_examples(folder: Path) -> list[Path]:
    """A ring of six nodes a suffix, and where RDKit is installed to read them, alcohols."""
    import networkx

    ring = networkx.cycle_graph(6)
    networkx.write_graphml_xml(ring, folder / "ring.graphml")
    networkx.write_gexf(ring, folder / "ring.gexf")
    for suffix in EDGE_SUFFIXES:
        (folder / f"ring{suffix}").write_text("".join(f"{first} {second}\n" for first, second in ring.edges))
    if _has_rdkit():
        for suffix in SMILES_SUFFIXES:
            (folder / f"alcohols{suffix}").write_text("CO methanol\nCCO ethanol\n")
        for suffix in MOLFILE_SUFFIXES:
            (folder / f"ethanol{suffix}").write_text(_ETHANOL + "$$$$\n" * (suffix == ".sdf"))
    return sorted(folder.iterdir())


def _has_rdkit() -> bool:
    from importlib.util import find_spec

    return find_spec("rdkit") is not None

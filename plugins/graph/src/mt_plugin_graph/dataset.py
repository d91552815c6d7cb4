"""Labelled graphs: the folders and tables that public sets ship in, and small graphs drawn for a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from mt_core.sdk import FILE_LAYOUTS, ListedDataset, Listing, list_files
from mt_plugin_graph.demo import graphs_of_kinds, write_examples
from mt_plugin_graph.layouts.molecule_tables import find_molecule_table
from mt_plugin_graph.layouts.options import GraphDatasetOptions
from mt_plugin_graph.layouts.pcqm import find_pcqm
from mt_plugin_graph.layouts.tu import find_tu
from mt_plugin_graph.reading import SUFFIXES


class GraphDataset(ListedDataset):
    """Graphs and what is to be predicted of each."""

    Options = GraphDatasetOptions
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "tu": "NAME_A.txt, NAME_graph_indicator.txt, NAME_graph_labels.txt or NAME_graph_attributes.txt, also in raw/",
        "pcqm4mv2": "split_dict.pt and raw/data.csv.gz (or data.csv) with smiles and homolumogap",
        "molecules": "a .csv or .csv.gz with a column of SMILES strings and one or several of targets: MoleculeNet",
        **FILE_LAYOUTS,
    }
    kinds = ("classification", "multilabel", "regression")

    @classmethod
    def find(cls, root: Path, split: str, *, options: GraphDatasetOptions | None = None) -> Listing | None:
        """The graphs of a split in one of `layouts`."""
        options = options or GraphDatasetOptions()
        if (
            root.is_dir()
            and options.label is None
            and (found := find_tu(root, split, options) or find_pcqm(root, split, options))
        ):
            return found
        return find_molecule_table(root, split, options) or list_files(root, split, SUFFIXES, options)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Cycles, trees, stars, grids and cliques of 4 to 17 nodes; no RDKit needed."""
        written = graphs_of_kinds(split, size, seed)
        return cls.of(
            written, None, source="graphs drawn for this run, written as .graphml .gexf .gml .edges (synthetic)"
        )

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

"""Labelled graphs: the folders and tables that public sets ship in, and small graphs drawn for a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from mt_core.contract import Options
from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing, find_tables, list_folders, list_tables
from mt_plugin_graph.demo import graphs_of_kinds, write_examples
from mt_plugin_graph.layouts.molecule_tables import TableOptions, find_molecule_table
from mt_plugin_graph.layouts.pcqm import find_pcqm
from mt_plugin_graph.layouts.tu import Folds, find_tu
from mt_plugin_graph.reading import SUFFIXES


class GraphDatasetOptions(Options):
    """What is predicted of the graphs, and which of them are tested."""

    smiles: str | None = Field(
        default=None, description="Tables: the column of SMILES strings; none: the one called smiles or mol."
    )
    target: tuple[str, ...] = Field(
        default=(), description="Tables: the columns to predict, one or several; none: found by their names and values."
    )
    kind: Literal["classification", "multilabel", "regression"] | None = Field(
        default=None, description="What to predict, where the targets could be either."
    )
    splitting: Literal["random", "scaffold"] = Field(
        default="random", description="Tables without a split column: how the held-out molecules are chosen."
    )
    test_fraction: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description='Tables without a split column: how much is held out as "test"; 0: nothing.',
    )
    folds: int = Field(default=10, ge=0, description='TU sets: equal parts, one of which is "test"; 0: nothing is.')
    fold: int = Field(default=0, ge=0, description='TU sets: which of the parts is "test", counted from 0.')
    seed: int = Field(default=0, ge=0, description="Of the random split, and of the folds.")


class GraphDataset(ListedDataset):
    """Graphs and what is to be predicted of each."""

    Options = GraphDatasetOptions
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "tu": "NAME_A.txt, NAME_graph_indicator.txt, NAME_graph_labels.txt or NAME_graph_attributes.txt, also in raw/",
        "pcqm4mv2": "split_dict.pt and raw/data.csv.gz (or data.csv) with smiles and homolumogap",
        "molecules": "a .csv or .csv.gz with a column of SMILES strings and one or several of targets: MoleculeNet",
        "table": "a CSV of path,label[,split], or a folder with labels.csv, or with train.csv, val.csv, test.csv",
        "folders": "a folder per class with graph files in it, or train/, val/ and test/ with such folders",
    }
    kinds = ("classification", "multilabel", "regression")

    @classmethod
    def find(cls, root: Path, split: str, *, options: GraphDatasetOptions | None = None) -> Listing | None:
        """The graphs of a split in one of `layouts`."""
        options = options or GraphDatasetOptions()
        table = TableOptions(
            options.smiles, options.target, options.kind, options.splitting, options.test_fraction, options.seed
        )
        cross = Folds(options.folds, options.fold, options.seed)
        if root.is_file():
            found = find_molecule_table(root, split, table)
            if found is None and root.suffix.lower() not in (".csv", ".tsv"):
                raise DatasetError(
                    f"{root} is a file, and no table", fix="give the folder, or a .csv of smiles or path,label"
                )
            return found or list_tables({"": root}, split, root)
        found = (
            find_tu(root, split, cross, options.kind)
            or find_pcqm(root, split)
            or find_molecule_table(root, split, table)
        )
        if found is not None:
            return found
        if tables := find_tables(root):
            return list_tables(tables, split, root)
        return list_folders(root, split, SUFFIXES)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Cycles, trees, stars, grids and cliques of 4 to 17 nodes; no RDKit needed."""
        written = graphs_of_kinds(split, size, seed)
        return cls.of(written, None, source="graphs drawn for this run, written as .graphml .gexf .edges (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

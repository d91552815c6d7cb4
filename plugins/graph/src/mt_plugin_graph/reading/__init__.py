"""Graphs from files, bytes, strings and objects in memory; one file a family of formats."""

from mt_plugin_graph.reading.opening import SMILES_COLUMNS, SUFFIXES, graphs, only_graph, smiles_column

__all__ = ["SMILES_COLUMNS", "SUFFIXES", "graphs", "only_graph", "smiles_column"]

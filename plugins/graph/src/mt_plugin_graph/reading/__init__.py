"""Graphs from files, bytes, strings and objects in memory; one file a family of formats."""

from mt_plugin_graph.reading.edge_lists import node_tables_of
from mt_plugin_graph.reading.opening import SUFFIXES, TableMolecule, graphs, only_graph

__all__ = ["SUFFIXES", "TableMolecule", "graphs", "node_tables_of", "only_graph"]

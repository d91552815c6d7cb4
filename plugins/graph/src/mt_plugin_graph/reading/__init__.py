"""Graphs from files, bytes, strings and objects in memory; one file a family of formats."""

from mt_plugin_graph.reading.edge_lists import nodes_beside
from mt_plugin_graph.reading.opening import SUFFIXES, TableMolecule, graphs, only_graph

__all__ = ["SUFFIXES", "TableMolecule", "graphs", "nodes_beside", "only_graph"]

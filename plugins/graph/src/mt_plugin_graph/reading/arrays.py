"""Graphs as arrays: PyTorch Geometric's objects, which are not imported, and plain mappings of the same names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt_core.errors import InputError
from mt_core.sdk import as_array, left_out, some_of
from mt_plugin_graph.attributes import attributes_of_array
from mt_plugin_graph.graph import Graph, check_size, make_graph

_NO_ATTRIBUTES = re.compile(r"y|pos|batch|ptr|labels?|.*_mask|.*_id|idx")
_KEYS = ("edge_index", "x", "edge_attr", "num_nodes")


def is_arrays(source: Any) -> bool:
    """Whether this is a mapping of arrays, or an object with the same fields."""
    return "edge_index" in source if isinstance(source, Mapping) else hasattr(source, "edge_index")


def graph_of_arrays(source: Any, name: str) -> Graph:
    """The graph of a mapping, or of a PyG `Data` object, with these fields:

    `edge_index` (2, E) whole numbers; `x` (N, columns) what nodes carry; `edge_attr` (E, columns); `num_nodes`, needed
    where there is no `x`. Whole numbers are categories, floats are numbers. A graph that lists each edge in both
    directions is undirected. Other fields (`y`, `pos`, …) are left out; of
    those that may be attributes there is a warning.

    Raises:
        InputError: a field of another shape, or a batch of several graphs.
    """
    if isinstance(source, Mapping):
        fields = {key: source.get(key) for key in _KEYS}
    else:
        if getattr(source, "num_graphs", 1) != 1:
            raise InputError(f"{name} is a batch of graphs", fix="pass a list of them: batch.to_data_list()")
        fields = {key: getattr(source, key, None) for key in _KEYS[:3]}
        # PyG warns where it has to guess this, so it is asked only if need be
        fields["num_nodes"] = None if fields["x"] is not None else getattr(source, "num_nodes", None)
    edges = _array(fields["edge_index"], "edge_index", name)
    if edges is None or edges.ndim != 2 or len(edges) != 2 or (edges.size and edges.dtype.kind not in "iu"):
        shape = None if edges is None else f"{edges.shape} {edges.dtype}"
        raise InputError(f"{name}: edge_index is {shape}", fix="give whole numbers of shape (2, edges)")
    edges = edges.astype(np.int64)
    _tell_others(source, name)
    x, edge_attr = (_array(fields[key], key, name) for key in ("x", "edge_attr"))
    count = fields["num_nodes"]
    if count is None:
        count = len(x) if x is not None else int(edges.max()) + 1 if edges.size else 0
    check_size(int(count), edges.shape[1], name)
    return make_graph(
        int(count),
        edges,
        node_attributes=attributes_of_array(x, int(count), "x", name),
        edge_attributes=attributes_of_array(edge_attr, edges.shape[1], "edge_attr", name),
        name=name,
    )


def _tell_others(source: Any, name: str) -> None:
    """The arrays under other names, but for those that are no attributes."""
    keys = source.keys() if callable(getattr(source, "keys", None)) else ()
    others = [str(key) for key in keys if key not in _KEYS and not _NO_ATTRIBUTES.fullmatch(str(key))]
    if others := [key for key in others if len(getattr(source[key], "shape", ())) or isinstance(source[key], list)]:
        left_out(name, f"{some_of(others)}: attributes are read from x and edge_attr")


def _array(value: Any, key: str, name: str) -> NDArray[Any] | None:
    if value is None:
        return None
    try:
        array = as_array(value)
    except ValueError as error:
        raise InputError(f"{name}: {key} is no array ({error})", fix="give rows of one length") from None
    if array.ndim == 0:
        raise InputError(f"{name}: {key} is no array but a {type(value).__name__}", fix="give an array")
    return array

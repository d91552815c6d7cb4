"""What the columns of a table of molecules or of edges are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SMILES = ("smiles", "isomericsmiles", "canonicalsmiles", "mol")
_SOURCES = ("source", "src", "from", "u", "node1", "sourceid", "fromnode", "fromnodeid", "fromid")
_TARGETS = ("target", "dst", "to", "v", "node2", "targetid", "tonode", "tonodeid", "toid")


def smiles_column(names: Sequence[str]) -> str | None:
    """The column of SMILES strings by its name, None for none: smiles, isomeric_smiles, canonical_smiles or mol in any
    spelling, then any other that says smiles, then one of InChI strings."""
    plain = {_plain(name): name for name in reversed(names)}
    exact = next((plain[name] for name in _SMILES if name in plain), None)
    return exact or next((name for name in names if is_smiles_name(name)), plain.get("inchi"))


def is_smiles_name(name: str) -> bool:
    """Whether a column that is called so holds SMILES strings."""
    return _plain(name) in _SMILES or "smiles" in _plain(name)


def edge_columns(names: Iterable[str]) -> tuple[int, int] | None:
    """The places of the columns that name the two ends of an edge; None where there are no such two."""
    plain = [_plain(name) for name in names]
    first, second = (next((plain.index(name) for name in ends if name in plain), None) for ends in (_SOURCES, _TARGETS))
    return None if first is None or second is None else (first, second)


def is_source_name(name: str) -> bool:
    """Whether a column that is called so names the first end of an edge."""
    return _plain(name) in _SOURCES


def _plain(name: str) -> str:
    """In lower case, letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())

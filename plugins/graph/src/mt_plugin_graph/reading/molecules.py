"""Molecules to graphs, by RDKit: atoms are nodes, bonds are edges, hydrogens are counted on their atoms.

What atoms and bonds carry is specified by the Open Graph Benchmark: Hu et al. 2020, arXiv:2005.00687, and its package
ogb 1.3.6, `ogb.utils.features`. One feature differs: there chirality is told by the order in which the atom's
neighbours are written, which another writing of the same molecule exchanges; here by the CIP label, R or S, which
stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mt_core.errors import InputError, MissingDependencyError
from mt_core.sdk import left_out
from mt_plugin_graph.graph import Attributes, Graph, make_graph

MAX_SMILES = 20_000
"""Characters."""

ATOM_SIZES = {
    "atom.number": 119,  # 1 to 118, else
    "atom.chirality": 5,  # none, R, S, other, else
    "atom.degree": 12,  # 0 to 10, else; hydrogens count
    "atom.charge": 12,  # -5 to 5, else
    "atom.hydrogens": 10,  # 0 to 8, else
    "atom.radicals": 6,  # 0 to 4, else
    "atom.hybridisation": 6,
    "atom.aromatic": 2,
    "atom.ring": 2,
}
BOND_SIZES = {"bond.kind": 5, "bond.stereo": 6, "bond.conjugated": 2}
"""How many categories each feature has; the last one is for whatever is not listed, where "else" or "misc" says so."""

_STRUCTURE = frozenset("=#()[]123456789")

_CHIRALITY = {"R": 1, "S": 2}
_HYBRIDISATION = {"SP": 0, "SP2": 1, "SP3": 2, "SP3D": 3, "SP3D2": 4}
_BOND_KIND = {"SINGLE": 0, "DOUBLE": 1, "TRIPLE": 2, "AROMATIC": 3}
_BOND_STEREO = {"STEREOZ": 1, "STEREOE": 2, "STEREOCIS": 3, "STEREOTRANS": 4, "STEREOANY": 5}


def molecule(smiles: str, name: str = "") -> Graph:
    """The graph of a SMILES string.

    Args:
        smiles: The string, or an InChI string. What follows a blank or a comma, the molecule's name, is left out; an
            extension between bars (CXSMILES), which may hold radicals, is read.
        name: Where it stands, for messages; by default the string itself.

    Raises:
        InputError: a string that is no molecule: says where and why.
        MissingDependencyError: RDKit is not installed.
    """
    text, extension = _parts(smiles)
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    where = f"{name}: {shown!r}" if name else repr(shown)
    if not text or len(text) > MAX_SMILES or not text.isprintable():
        raise InputError(
            f"{where} is no SMILES string ({len(text):,} characters)",
            fix=f"give 1 to {MAX_SMILES:,} printable characters, or the path of a file that exists",
        )
    chem, base = _rdkit(where)
    with _silent(base) as log:
        mol = chem.MolFromInchi(text) if text.startswith("InChI=") else chem.MolFromSmiles(text + extension)
        said = log.messages
    if mol is None:
        raise InputError(
            f"{where} is no SMILES string and no file that exists: {_reason(said)}"
            if not name
            else f"{where} is no SMILES string: {_reason(said)}",
            fix="correct the string; for a file, check its path",
        )
    return graph_of_mol(mol, name or shown)


def molecule_of_block(block: str, name: str) -> Graph:
    """The graph of a record of an SDF file, or of a MOL file: V2000 or V3000.

    Raises:
        InputError: a record that is no molecule.
        MissingDependencyError: RDKit is not installed.
    """
    chem, base = _rdkit(name)
    with _silent(base) as log:
        try:
            mol, said = chem.MolFromMolBlock(block.removeprefix("\ufeff")), log.messages
        except (RuntimeError, ValueError) as error:
            mol, said = None, str(error)
    if mol is None:
        raise InputError(f"{name} cannot be read: {_reason(said)}", fix="correct or remove it, or export it again")
    return graph_of_mol(mol, name)


def molecule_of_object(mol: Any, name: str) -> Graph:
    """The graph of an RDKit molecule that somebody has in memory, whose hydrogens may be atoms of their own.

    Raises:
        InputError: a molecule without atoms.
    """
    chem, base = _rdkit(name)
    with _silent(base):
        return graph_of_mol(chem.RemoveHs(mol), name)


def is_smiles(text: str) -> bool:
    """Whether this is a SMILES string; no without RDKit."""
    try:
        chem, base = _rdkit("")
    except MissingDependencyError:
        return False
    with _silent(base):
        return 0 < len(text) <= MAX_SMILES and chem.MolFromSmiles(text) is not None


def are_smiles(cells: Sequence[str]) -> bool:
    """Whether these cells of a column, without the empty ones, are SMILES strings: nearly all can be read, and half
    of them have a ring, a branch or a bond, which words and codes (NO, CN) have not."""
    cells = [cell.strip() for cell in cells if cell.strip()]
    if 2 * sum(not _STRUCTURE.isdisjoint(cell) and not cell.isdigit() for cell in cells) < max(len(cells), 1):
        return False
    return sum(map(is_smiles, cells)) >= 0.9 * len(cells)


def graph_of_mol(mol: Any, name: str) -> Graph:
    """The graph of an RDKit molecule.

    Raises:
        InputError: a molecule without atoms.
    """
    if not mol.GetNumAtoms():
        raise InputError(f"{name} has no atoms", fix="leave it out")
    if any(atom.GetIsotope() for atom in mol.GetAtoms()):
        left_out(name, "which isotope an atom is")
    atoms = [_atom_codes(atom) for atom in mol.GetAtoms()]
    bonds = list(mol.GetBonds())
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
    no_atoms, no_bonds = Attributes.none(len(atoms)), Attributes.none(len(bonds))
    codes = np.array([_bond_codes(bond) for bond in bonds], np.int64).reshape(-1, len(BOND_SIZES))
    return make_graph(
        len(atoms),
        np.array(ends, np.int64).reshape(-1, 2).T,
        node_attributes=Attributes(tuple(ATOM_SIZES), np.array(atoms, np.int64), (), no_atoms.numbers),
        edge_attributes=Attributes(tuple(BOND_SIZES), codes, (), no_bonds.numbers),
        is_directed=False,
        name=name,
    )


def scaffold_of(smiles: str) -> str:
    """The rings of a molecule and what links them, as SMILES: Bemis & Murcko 1996, J. Med. Chem. 39, 2887.

    "" for a molecule without rings, and for a string that is no molecule, which is refused where it is read.
    """
    chem, base = _rdkit("a split by scaffolds")
    from rdkit.Chem.Scaffolds import MurckoScaffold

    scaffold: Any = MurckoScaffold.GetScaffoldForMol
    with _silent(base):
        mol = chem.MolFromSmiles(smiles.strip())
        return "" if mol is None else str(chem.MolToSmiles(scaffold(mol)))


def _parts(text: str) -> tuple[str, str]:
    """The SMILES string that a text begins with, without quotes, and its extension between bars."""
    words = text.split(maxsplit=1)
    first = words[0].strip('"') if words else ""
    if not first.startswith("InChI="):
        first = re.split("[,;]", first, maxsplit=1)[0].strip('"')
    extension = re.match(r"\|[^|]*\|", words[1]) if len(words) > 1 else None
    return first, f" {extension[0]}" if extension else ""


def _atom_codes(atom: Any) -> list[int]:
    number, charge = atom.GetAtomicNum(), atom.GetFormalCharge()
    cip = atom.GetProp("_CIPCode") if atom.HasProp("_CIPCode") else ""
    return [
        number - 1 if 1 <= number <= 118 else 118,
        _CHIRALITY.get(cip, 0),
        min(atom.GetTotalDegree(), 11),
        charge + 5 if -5 <= charge <= 5 else 11,
        min(atom.GetTotalNumHs(), 9),
        min(atom.GetNumRadicalElectrons(), 5),
        _HYBRIDISATION.get(str(atom.GetHybridization()), 5),
        int(atom.GetIsAromatic()),
        int(atom.IsInRing()),
    ]


def _bond_codes(bond: Any) -> list[int]:
    return [
        _BOND_KIND.get(str(bond.GetBondType()), 4),
        _BOND_STEREO.get(str(bond.GetStereo()), 0),
        int(bond.GetIsConjugated()),
    ]


def _rdkit(name: str) -> tuple[Any, Any]:
    try:
        from rdkit import Chem, rdBase
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{name}: molecules need RDKit, which is not installed", fix="pip install 'mt-plugin-graph[smiles]'"
        ) from error
    return Chem, rdBase


@contextmanager
def _silent(base: Any) -> Iterator[Any]:
    """RDKit prints nothing; what it would have said of errors is in `messages`."""
    with base.BlockLogs(), base.CaptureErrorLog() as log:
        yield log


def _reason(said: str) -> str:
    """RDKit's own words, the useful lines of them, without the time of day."""
    lines = [line.partition("] ")[2] if line.startswith("[") else "" for line in said.splitlines()]
    told = [line.removeprefix("SMILES Parse Error: ") for line in lines if len(line.strip("~^ ")) > 3]
    position = [line for line in told if line.startswith("check for mistakes")]
    return ((position or told or ["RDKit gives no reason"])[0]).rstrip(":")[:200]

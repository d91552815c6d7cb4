"""Molecules as databases and other people's programs write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.contract import Example
from mt_core.errors import DataWarning, InputError
from mt_plugin_graph.dataset import GraphDataset
from mt_plugin_graph.graph import Graph
from mt_plugin_graph.reading import graphs, only_graph
from mt_plugin_graph.tokenizer import GraphTokenizer

Chem = pytest.importorskip("rdkit.Chem")
foreign_file = pytest.mark.foreign_file

ASPIRIN, CAFFEINE, IBUPROFEN = "CC(=O)Oc1ccccc1C(=O)O", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def same(graph: Any, smiles: str) -> bool:
    """Whether a graph is that of RDKit's own reading of a string."""
    wanted = only_graph(Chem.MolFromSmiles(smiles))
    return (
        isinstance(graph, Graph)
        and np.array_equal(graph.node_attributes.classes, wanted.node_attributes.classes)
        and np.array_equal(graph.edges, wanted.edges)
        and np.array_equal(graph.edge_attributes.classes, wanted.edge_attributes.classes)
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f'"ChEMBL ID";"Name";"Smiles"\n"CHEMBL25";"ASPIRIN";"{ASPIRIN}"\n"CHEMBL113";"";"{CAFFEINE}"\n',
            marks=foreign_file('"ChEMBL ID";"Name";"Smiles"', "ChEMBL, CSV", "read: the column of SMILES by its name"),
        ),
        pytest.param(
            f"CID,IsomericSMILES\n2244,{ASPIRIN}\n2519,{CAFFEINE}\n",
            marks=foreign_file("CID,IsomericSMILES", "PubChem, CSV", "read"),
        ),
        pytest.param(
            f"cid\tConnectivitySMILES\tInChI\n2244\t{ASPIRIN}\tx\n2519\t{CAFFEINE}\ty\n",
            marks=foreign_file("ConnectivitySMILES, tabs", "PubChem since 2025, CSV", "read"),
        ),
        pytest.param(
            f"id,canonical_smiles,inchikey\n1,{ASPIRIN},BSYN\n2,{CAFFEINE},RYYV\n",
            marks=foreign_file("canonical_smiles among keys", "ChEMBL web services, CSV", "read"),
        ),
    ],
)
def test_the_column_of_smiles_is_found_by_its_name(tmp_path: Path, text: str):
    aspirin, caffeine = graphs(put(tmp_path / "a.csv", text))
    assert same(aspirin, ASPIRIN) and same(caffeine, CAFFEINE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f"Drug_ID,Drug,Y\nNO,{ASPIRIN},1\nCN,{CAFFEINE},0\n",
            marks=foreign_file("a column of SMILES that is called Drug", "TDC, CSV", "read, told"),
        ),
        pytest.param(
            f"{ASPIRIN},0.5\n{CAFFEINE},1.5\n",
            marks=foreign_file("a table of SMILES without a header", "scripts, CSV", "read, told: also the first row"),
        ),
    ],
)
def test_the_column_of_smiles_is_found_by_what_is_in_it(tmp_path: Path, text: str):
    with pytest.warns(DataWarning, match=r"the column .* taken for SMILES strings"):
        aspirin, caffeine = graphs(put(tmp_path / "a.csv", text))
    assert same(aspirin, ASPIRIN) and same(caffeine, CAFFEINE)


@foreign_file("two columns of SMILES", "reactions, CSV", "read, told: which one is taken")
def test_of_two_columns_of_smiles_one_is_taken(tmp_path: Path):
    path = put(tmp_path / "a.csv", f"product_smiles,smiles\n{CAFFEINE},{ASPIRIN}\n")
    with pytest.warns(DataWarning, match="of the columns product_smiles, smiles the molecules of smiles taken"):
        (aspirin,) = graphs(path)
    assert same(aspirin, ASPIRIN)


@foreign_file("bad and empty SMILES among good ones", "any table, CSV", "read: each bad row is named by its line")
def test_bad_rows_are_named_and_the_others_kept(tmp_path: Path):
    path = put(tmp_path / "a.csv", f"smiles,y\n{ASPIRIN},1\nc1ccc,2\n,3\n{CAFFEINE},4\n")
    first, unclosed, empty, last = graphs(path)
    assert same(first, ASPIRIN) and same(last, CAFFEINE)
    assert isinstance(unclosed, InputError) and f"{path}, line 3: 'c1ccc'" in unclosed.problem
    assert isinstance(empty, InputError) and f"{path}, line 4 has no SMILES" in empty.problem


@foreign_file(
    "bad SMILES in a table to train on", "MoleculeNet, CSV", "refused by line, or left out with --skip-unreadable"
)
def test_a_table_with_bad_molecules_can_be_calibrated_on_and_names_them(tmp_path: Path):
    rows = "".join(f"{'c1ccc' if at % 5 == 4 else 'C' * (at + 1)},{at}.5\n" for at in range(20))
    path = put(tmp_path / "a.csv", f"smiles,y\n{rows},7\n")
    with pytest.warns(DataWarning, match="1 of 21 rows have no SMILES string"):
        dataset = GraphDataset.open(path, options=GraphDataset.Options(test_fraction=0))
    assert len(dataset) == 20
    tokenizer = GraphTokenizer(8)
    tokenizer.calibrate(dataset[at] for at in range(len(dataset)))
    with pytest.raises(InputError, match=r"a\.csv, line 6: 'c1ccc'"):
        tokenizer.read(dataset[4].sample)
    with pytest.raises(InputError, match=r"line 6"):
        tokenizer.calibrate(Example(dataset[at].sample) for at in (4, 9))


def record(smiles: str, title: str = "") -> str:
    mol = Chem.MolFromSmiles(smiles)
    mol.SetProp("_Name", title)
    return f"{Chem.MolToMolBlock(mol)}> <y>\n1.5\n\n$$$$\n"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            lambda text: text.replace(" C ", " Qq", 1),
            marks=foreign_file("an unknown atom in the third of 8 records", "edited, SDF", "read: 7, one told"),
        ),
        pytest.param(
            lambda text: text.replace("V2000", "V2"),
            marks=foreign_file(
                "a damaged line of counts in the third record", "cut and pasted, SDF", "read: 7, one told"
            ),
        ),
        pytest.param(
            lambda text: text.replace("M  END", ""),
            marks=foreign_file("a record without its end", "cut and pasted, SDF", "read: 7, one told"),
        ),
    ],
)
def test_one_bad_record_costs_itself_only(tmp_path: Path, damage: Any):
    records = [record("C" * count, f"CHEMBL{count}") for count in range(1, 9)]
    records[2] = damage(records[2])
    found = list(graphs(put(tmp_path / "a.sdf", "".join(records))))
    assert [graph.num_nodes for graph in found if isinstance(graph, Graph)] == [1, 2, 4, 5, 6, 7, 8]
    assert isinstance(found[2], InputError) and "molecule 3 (CHEMBL3)" in found[2].problem


@foreign_file("Windows line ends, Latin-1 in a title, no last line of dollars", "vendor catalogue, SDF", "read")
def test_catalogues_are_read(tmp_path: Path):
    text = (record(ASPIRIN, "acide acétique") + record(CAFFEINE)).replace("\n", "\r\n").removesuffix("$$$$\r\n")
    aspirin, caffeine = graphs(put(tmp_path / "a.sdf", text.encode("latin-1")))
    assert same(aspirin, ASPIRIN) and same(caffeine, CAFFEINE)


@foreign_file("V3000", "Marvin, SDF", "read")
def test_v3000_is_read(tmp_path: Path):
    text = f"{Chem.MolToV3KMolBlock(Chem.MolFromSmiles(ASPIRIN))}$$$$\n"
    assert same(only_graph(put(tmp_path / "a.sdf", text)), ASPIRIN)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f"zinc_id\tsmiles\nZINC1\t{ASPIRIN}\nZINC2\t{CAFFEINE}\n",
            marks=foreign_file("a title line, the name before the SMILES", "ZINC, .smi", "read"),
        ),
        pytest.param(
            f"SMILES Name\n{ASPIRIN} aspirin\n{CAFFEINE} caffeine\n",
            marks=foreign_file("a title line, blanks", "Open Babel, .smi", "read"),
        ),
        pytest.param(
            f"# made by hand\n{ASPIRIN},aspirin\n\n{CAFFEINE},caffeine\n",
            marks=foreign_file("commas, comments and empty lines", "scripts, .smi", "read"),
        ),
    ],
)
def test_lines_of_smiles(tmp_path: Path, text: str):
    aspirin, caffeine = graphs(put(tmp_path / "a.smi", text))
    assert same(aspirin, ASPIRIN) and same(caffeine, CAFFEINE)


@foreign_file("CXSMILES: an extension between bars that makes a radical", "ChemAxon, .smi", "read: the radical too")
def test_an_extension_is_part_of_the_molecule(tmp_path: Path):
    plain, radical = graphs(put(tmp_path / "a.smi", "CC[CH2] |^1:2| ethyl methyl\nCC[CH2] propyl\n"))
    assert isinstance(plain, Graph) and isinstance(radical, Graph)
    assert np.array_equal(
        plain.node_attributes.classes, only_graph(Chem.MolFromSmiles("CC[CH2] |^1:2|")).node_attributes.classes
    )


@foreign_file("InChI in place of SMILES", "PubChem, CSV", "read")
def test_inchi_is_read(tmp_path: Path):
    inchi = Chem.MolToInchi(Chem.MolFromSmiles(ASPIRIN))
    (graph,) = graphs(put(tmp_path / "a.csv", f'CID,InChI\n2244,"{inchi}"\n'))
    assert isinstance(graph, Graph) and graph.num_nodes == 13


@foreign_file("salts, and hydrogens written out", "vendor catalogue, .smi", "read: all parts; hydrogens on their atoms")
def test_salts_and_hydrogens(tmp_path: Path):
    salt, written = graphs(put(tmp_path / "a.smi", f"{ASPIRIN}.[Na+] salt\n[H]C([H])([H])O[H] methanol\n"))
    assert same(salt, f"{ASPIRIN}.[Na+]") and same(written, "CO")


@foreign_file("isotopes", "labelled compounds, .smi", "read, told: which isotope is left out")
def test_isotopes_are_told(tmp_path: Path):
    with pytest.warns(DataWarning, match="left out: which isotope an atom is"):
        (labelled,) = graphs(put(tmp_path / "a.smi", "[13CH3]O\n"))
    assert same(labelled, "CO")


@foreign_file("aromatic errors, reactions", "old exports, .smi", "refused by line with RDKit's reason")
def test_what_is_no_molecule_is_refused_by_its_line(tmp_path: Path):
    aromatic, reaction = graphs(put(tmp_path / "a.smi", "c1cccn1C=1\nCCO>>CC=O\n"))
    assert isinstance(aromatic, InputError) and "line 1" in aromatic.problem
    assert isinstance(reaction, InputError) and "line 2" in reaction.problem


@foreign_file("a molecule in memory with hydrogens of its own", "RDKit's AddHs, for coordinates", "read: as its file")
@pytest.mark.parametrize("smiles", [ASPIRIN, "C[C@H](N)C(=O)O", "[H][H]"])
def test_hydrogens_of_a_molecule_in_memory_are_counted_on_their_atoms(smiles: str):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert same(only_graph(mol), smiles)
    assert mol.GetNumAtoms() > 3 or smiles == "[H][H]"  # and the object stays as it was

"""Molecules and other graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import StratifiedKFold, cross_val_score

from native import SEED


def esol(data: Path) -> str:
    """A forest on circular fingerprints and six descriptors; 20 % random test."""
    return _molecules(next((data / "graph/ESOL").rglob("*.csv")), "measured log solubility in mols per litre")


def freesolv(data: Path) -> str:
    """A forest on circular fingerprints and six descriptors; 20 % random test."""
    return _molecules(next((data / "graph/FreeSolv").rglob("*.csv")), "expt")


def _molecules(path: Path, target: str) -> str:
    from rdkit import Chem
    from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

    table = pd.read_csv(path)
    molecules = [Chem.MolFromSmiles(smiles) for smiles in table["smiles"]]
    circular = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    describe = (
        Descriptors.MolWt, Crippen.MolLogP, rdMolDescriptors.CalcTPSA, rdMolDescriptors.CalcNumHBD,
        rdMolDescriptors.CalcNumHBA, rdMolDescriptors.CalcNumRotatableBonds,
    )  # fmt: skip
    features = np.stack(
        [
            np.r_[circular.GetFingerprintAsNumPy(each), [describe_one(each) for describe_one in describe]]
            for each in molecules
        ]
    )
    numbers = table[target].to_numpy()
    # the split of the plugin's own dataset, seed 0
    is_test = np.zeros(len(table), bool)
    is_test[np.random.default_rng(SEED).permutation(len(table))[: round(0.2 * len(table))]] = True
    forest = RandomForestRegressor(500, random_state=SEED).fit(features[~is_test], numbers[~is_test])
    error = root_mean_squared_error(numbers[is_test], forest.predict(features[is_test]))
    return f"RMSE {error:.3f} (forest on ECFP4 and six descriptors)"


def mutag(data: Path) -> str:
    """A forest on histograms of node labels and degrees, ten folds."""
    folder = next(path.parent for path in (data / "graph").rglob("MUTAG_A.txt"))

    def load(name: str) -> np.ndarray:
        return np.loadtxt(folder / f"MUTAG_{name}.txt", delimiter=",", dtype=int)

    edges, graph, node, label = (load(name) for name in ("A", "graph_indicator", "node_labels", "graph_labels"))
    degree = np.bincount(edges[:, 0] - 1, minlength=len(graph))
    rows = [
        np.r_[np.bincount(node[graph == g], minlength=node.max() + 1), np.bincount(degree[graph == g], minlength=8)]
        for g in range(1, len(label) + 1)
    ]
    folds = StratifiedKFold(10, shuffle=True, random_state=SEED)
    scores = cross_val_score(RandomForestClassifier(500, random_state=SEED), np.stack(rows), label, cv=folds)
    return f"accuracy {scores.mean():.4f} (forest on histograms of labels and degrees, mean of 10 folds)"

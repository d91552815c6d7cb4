"""Molecules that belong together, and folds of every layout."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.data.training_data import open_training_data
from mt_core.errors import DataWarning, OptionError
from mt_plugin_graph.dataset import GraphDataset

foreign = pytest.mark.foreign_file
SERIES = np.random.default_rng(0).integers(0, 9, 60).tolist()
"""Of each molecule of `table` the number of its series; its chain is as long as its row's number and one more."""


def table(folder: Path, extra: str = "") -> Path:
    rows = "".join(f"{'C' * (at + 1)},{at % 2},{series}\n" for at, series in enumerate(SERIES))
    path = folder / "molecules.csv"
    path.write_text(f"smiles,active,series\n{rows}{extra}")
    return path


def opened(path: Path, split: str = "train", **options: Any) -> GraphDataset:
    return GraphDataset.open(path, split, options=GraphDataset.Options(**options))


def rows_of(dataset: GraphDataset) -> list[int]:
    return [len(str(sample)) - 1 for sample in dataset.samples]


@foreign("molecules of one series", "medicinal chemistry", "read, with group: never on both sides")
@pytest.mark.parametrize("folds", [2, 5, 9])
def test_over_all_folds_each_molecule_is_tested_once_and_no_series_is_on_both_sides(tmp_path: Path, folds: int):
    path = table(tmp_path)
    tested = []
    for fold in range(1, folds + 1):
        options = {"target": "active", "group": "series", "folds": folds, "fold": fold}
        train, test = opened(path, "train", **options), opened(path, "test", **options)
        assert not {*(train.groups() or ())} & {*(test.groups() or ())} and len(train) + len(test) == len(SERIES)
        assert list(test.groups() or ()) == [str(SERIES[row]) for row in rows_of(test)]
        tested += rows_of(test)
    assert sorted(tested) == list(range(len(SERIES)))


def test_what_is_drawn_for_the_test_is_whole_groups(tmp_path: Path):
    path = table(tmp_path)
    for seed in range(5):
        parts = [opened(path, split, target="active", group="series", seed=seed) for split in ("train", "test")]
        groups = [{*(part.groups() or ())} for part in parts]
        assert not groups[0] & groups[1] and len(groups[0] | groups[1]) == 9
        assert 0 < len(parts[1]) <= 12, "a fifth of 60"


def test_folds_of_molecules_without_groups_have_their_share_of_every_class(tmp_path: Path):
    for fold in (1, 2, 3):
        test = opened(table(tmp_path), "test", target="active", folds=3, fold=fold)
        assert Counter(test.targets()) == {0: 10, 1: 10}


def test_folds_of_graphs_in_folders(tmp_path: Path):
    for name in (f"{label}/{at}.edges" for label in "ab" for at in range(4)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("0 1\n")
    parts = [opened(tmp_path, split, folds=4) for split in ("train", "test")]
    assert [Counter(part.targets()) for part in parts] == [{0: 3, 1: 3}, {0: 1, 1: 1}]
    assert len(opened(tmp_path)) == 8, "without the option none is held out"


def test_the_column_of_groups_is_no_target(tmp_path: Path):
    assert opened(table(tmp_path), "all", group="series").task.classes == ("0", "1")
    with pytest.raises(OptionError, match="target and group are both 'series'"):
        opened(table(tmp_path), "all", group="series", target="series")


@foreign("molecules of one scaffold", "MoleculeNet", "read, with group=scaffold: never on both sides")
def test_scaffolds_are_groups(tmp_path: Path):
    pytest.importorskip("rdkit")
    smiles = ["c1ccccc1", "Cc1ccccc1", "CCO", "c1ccncc1C", "OCCc1ccccc1", "CCCC"]
    path = tmp_path / "a.csv"
    path.write_text("smiles,y\n" + "".join(f"{each},{at}.5\n" for at, each in enumerate(smiles)))
    every = opened(path, "all", group="scaffold")
    groups = dict(zip(map(str, every.samples), every.groups() or (), strict=True))
    assert [groups[each] for each in smiles] == ["c1ccccc1", "c1ccccc1", "acyclic", "c1ccncc1", "c1ccccc1", "acyclic"]
    test = opened(path, "test", group="scaffold", test_group="acyclic")
    assert [str(sample) for sample in test.samples] == ["CCO", "CCCC"]
    parts = [
        opened(path, split, splitting="scaffold", group="scaffold", test_fraction=0.5) for split in ("train", "test")
    ]
    assert not {*(parts[0].groups() or ())} & {*(parts[1].groups() or ())}


@foreign("series in both train and test of a split column", "random splits", "read, told, with group")
def test_groups_in_two_parts_of_a_split_column_are_told(tmp_path: Path):
    rows = [
        ("C", "train", "a"),
        ("CC", "train", "b"),
        ("CCC", "train", "c"),
        ("CCCC", "test", "b"),
        ("CO", "test", "d"),
    ]
    path = tmp_path / "a.csv"
    path.write_text("smiles,y,split,series\n" + "".join(f"{s},{at}.5,{p},{g}\n" for at, (s, p, g) in enumerate(rows)))
    options = GraphDataset.Options(group="series")
    with pytest.warns(DataWarning, match="1 of 2 groups of test are in train too, as parts of both: b"):
        open_training_data(GraphDataset, path, options, val_fraction=0.3, test_fraction=0.3, seed=0)


def test_molecules_without_a_group_are_one_each_and_told(tmp_path: Path):
    with pytest.warns(DataWarning, match="1 of 61 samples have no group"):
        assert (opened(table(tmp_path, "CO,1,\n"), "all", group="series", target="active").groups() or ())[-1] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "site"}, r"no column group=site[\s\S]*scaffold, or one of: smiles, active, series"),
        ({"group": "series", "splitting": "scaffold"}, "does not keep group=series together"),
        ({"group": "series", "folds": 10}, "9 groups are too few for 10 folds"),
        ({"folds": 1}, "leaves nothing to train on"),
        ({"folds": 3, "fold": 4}, "only 3 folds"),
        ({"test_group": "a"}, "there are no groups"),
    ],
)
def test_groups_and_folds_that_there_are_not_are_refused(tmp_path: Path, options: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        opened(table(tmp_path), **options)

"""Rows that belong together, told by a column: never on both sides, and no input."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt_core.data.training_data import open_training_data
from mt_core.errors import DatasetError, DataWarning, OptionError
from mt_core.training.summary import data_summary
from mt_plugin_tabular.dataset import TabularDataset

foreign = pytest.mark.foreign_file
PATIENTS = np.random.default_rng(0).integers(1, 12, 97)
"""Of each row, in any order: 11 patients with 3 to 15 visits."""


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """The number of a row stands in its column `row`, that of its patient in `patient`, the last column."""
    lines = [f"{row},{row % 7}.5,{'sick' if row % 3 else 'well'},{patient}" for row, patient in enumerate(PATIENTS)]
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(["row,dose,state,patient", *lines]))
    return path


def opened(path: Path, split: str = "train", **options: Any) -> TabularDataset:
    return TabularDataset.open(path, split, options=TabularDataset.Options(**options))


def rows_of(dataset: TabularDataset) -> list[int]:
    return [int(str(example.sample["row"])) for example in dataset]


@foreign("several rows of one patient", "registers, repeated measurements", "read, with group: never on both sides")
@pytest.mark.parametrize("folds", [2, 4, 11])
def test_folds_are_those_of_group_k_fold(visits: Path, folds: int) -> None:
    model_selection = pytest.importorskip("sklearn.model_selection")
    rows = np.arange(len(PATIENTS))
    expected = {
        tuple(rows[test]) for _, test in model_selection.GroupKFold(folds).split(rows, groups=PATIENTS)
    }  # fmt: skip
    sizes, tested = [], []
    for fold in range(1, folds + 1):
        train, test = (
            opened(visits, split, group="patient", folds=folds, fold=fold) for split in ("train", "test")
        )  # fmt: skip
        assert not {*(train.groups() or ())} & {*(test.groups() or ())}
        assert sorted(rows_of(train) + rows_of(test)) == list(rows)
        sizes.append(len(test))
        tested += rows_of(test)
    assert sorted(tested) == list(rows), "each row is tested once"
    assert sorted(sizes) == sorted(map(len, expected))


def test_the_group_is_no_input_and_the_target_is_the_last_other_column(visits: Path) -> None:
    dataset = opened(visits, group="patient")
    assert list(dataset[0].sample) == ["row", "dose"] and "target 'state'" in dataset.source
    assert dataset.groups() == [str(patient) for patient in PATIENTS]


def test_named_groups_are_tested_and_the_target_may_be_a_number(visits: Path) -> None:
    options = {"group": "patient", "test_group": "3,7.0", "target": "dose"}
    train, test = opened(visits, "train", **options), opened(visits, "test", **options)
    assert {*(test.groups() or ())} == {"3", "7"} and len(test) == np.isin(PATIENTS, (3, 7)).sum()
    assert list(test.targets()) == [row % 7 + 0.5 for row in np.flatnonzero(np.isin(PATIENTS, (3, 7)))]
    assert not {*(train.groups() or ())} & {"3", "7"} and len(train) + len(test) == len(PATIENTS)


def test_folds_without_groups_have_their_share_of_every_class(visits: Path) -> None:
    for fold in (1, 2, 3):
        counts = Counter(opened(visits, "test", target="state", folds=3, fold=fold).targets())
        assert set(counts) == {0, 1} and abs(counts[0] - 64 / 3) <= 1 and abs(counts[1] - 33 / 3) <= 1


def test_what_is_held_out_is_whole_groups_and_the_summary_counts_them(visits: Path) -> None:
    options = TabularDataset.Options(group="patient")
    parts = open_training_data(TabularDataset, visits, options, val_fraction=0.2, test_fraction=0.2, seed=0)
    assert parts.test is not None
    groups = [{*(part.groups() or ())} for part in (parts.train, parts.val, parts.test)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 11
    for name, part, own in zip(("train", "val", "test"), (parts.train, parts.val, parts.test), groups, strict=True):
        assert any(line.startswith(f"{name}: {len(part)} samples of {len(own)} group") for line in data_summary(parts))


@foreign("patients in both train.csv and test.csv", "random splits", "read, told, with group")
def test_groups_of_both_tables_are_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,patient,y\n1,p1,u\n2,p2,v\n3,p3,u\n4,p3,v\n")
    (tmp_path / "test.csv").write_text("a,patient,y\n1,p3,u\n2,p4,v\n")
    options = TabularDataset.Options(group="patient")
    with pytest.warns(DataWarning, match="1 of 2 groups of test are in train too, as parts of both: p3"):
        open_training_data(TabularDataset, tmp_path, options, val_fraction=0.3, test_fraction=0.3, seed=0)
    divided = [{*(opened(tmp_path, split, group="patient", folds=2).groups() or ())} for split in ("train", "test")]
    assert not divided[0] & divided[1] and divided[0] | divided[1] == {"p1", "p2", "p3", "p4"}


@foreign("rows without a patient", "registers", "read, told, with group: one each")
def test_rows_without_a_group_are_one_each_and_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,patient,y\n1,1.0,u\n2,,v\n3,1,u\n4,NA,v\n")
    with pytest.warns(DataWarning, match="2 of 4 samples have no group, and each is one by itself"):
        assert opened(path, group="patient").groups() == ["1", None, "1", None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": "clinic"}, r"no column group=clinic[\s\S]*row, dose, state, patient"),
        ({"group": "(?P<group>.*)"}, r"no column group="),
        ({"group": "patient", "target": "patient"}, "target and group are both 'patient'"),
        ({"group": "patient", "test_group": "99"}, r"no group '99'[\s\S]*the groups are 1, 10, 11"),
        ({"group": "patient", "folds": 12}, "11 groups are too few for 12 folds"),
        ({"test_group": "3"}, "there are no groups"),
        ({"folds": 1}, "leaves nothing to train on"),
    ],
)
def test_groups_that_there_are_not_are_refused(visits: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        opened(visits, **options)
    assert caught.value.fix


def test_a_table_of_nothing_but_target_and_group_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("patient,y\n1,u\n2,v\n")
    with pytest.raises(DatasetError, match="one column only beside that of the groups, 'patient'"):
        opened(path, group="patient")

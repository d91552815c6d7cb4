"""Folders of tables, targets and tasks."""

import math
import os
import pickle
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mt_core.contract import AnyTask, Classification, Multilabel, Regression
from mt_core.errors import DatasetError, DataWarning, InputError, MissingSplitError, OptionError
from mt_plugin_tabular.cells import Cell
from mt_plugin_tabular.dataset import TabularDataset
from mt_plugin_tabular.table import Table
from mt_plugin_tabular.target import listing_of

ADULT = "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, 2174, 0, 40, Cuba, "

needs_data = pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of data sets")


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_adult_folder_has_train_and_test(tmp_path: Path) -> None:
    write(tmp_path / "adult.data", f"{ADULT}<=50K\n{ADULT}>50K\n\n")
    write(tmp_path / "adult.test", f"|1x3 Cross validator\n{ADULT}>50K.\n\n")
    train, test = TabularDataset.open(tmp_path), TabularDataset.open(tmp_path, "test")
    assert train.task == test.task.model_copy(update={"classes": ("<=50K", ">50K")})
    assert list(train.targets()) == [0, 1]
    assert list(TabularDataset.open(tmp_path, "test", task=train.task).targets()) == [1]
    assert len(TabularDataset.open(tmp_path, "all")) == 3
    assert "income" not in train[0].sample and len(train[0].sample) == 14
    with pytest.raises(MissingSplitError, match=r"no 'val' split; it has train, test"):
        TabularDataset.open(tmp_path, "val")


def test_folder_of_split_tables(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "a,y\n1,u\n2,v\n")
    write(tmp_path / "test.tsv", "a\ty\n3\tv\n")
    assert [example.target for example in TabularDataset.open(tmp_path)] == [0, 1]
    assert TabularDataset.open(tmp_path, "test")[0].sample == {"a": "3"}
    with pytest.raises(MissingSplitError):
        TabularDataset.open(tmp_path, "val")


@pytest.mark.parametrize("split", ["train", "all"])
def test_one_table_is_train_and_all(tmp_path: Path, split: str) -> None:
    path = write(tmp_path / "only.csv", "a,y\n1,u\n2,v\n")
    assert len(TabularDataset.open(path, split)) == len(TabularDataset.open(tmp_path, split)) == 2


def test_folder_without_a_layout_is_told_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"UCI Adult[\s\S]*split tables[\s\S]*one table"):
        TabularDataset.open(tmp_path)
    with pytest.raises(DatasetError, match="does not exist"):
        TabularDataset.open(tmp_path / "none")
    with pytest.raises(OptionError, match="no split called 'dev'"):
        TabularDataset.open(tmp_path, "dev")


@pytest.mark.parametrize(
    ("header", "expected"), [("a,b,c", "c"), ("a,Label,c", "Label"), ("class,b,c", "class"), ("y,target,c", "target")]
)
def test_target_is_a_known_name_or_the_last_column(tmp_path: Path, header: str, expected: str) -> None:
    dataset = TabularDataset.open(write(tmp_path / "t.csv", f"{header}\n1,2,3\n4,5,6\n"))
    assert f"target {expected!r}" in dataset.source
    assert expected not in dataset[0].sample


def test_target_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b,target\n1.5,2,3\n2.5,5,6\n")
    dataset = TabularDataset.open(path, options=TabularDataset.Options(target="a"))
    assert dataset.task == Regression(names=("a",))
    assert list(dataset.targets()) == [1.5, 2.5]
    with pytest.raises(OptionError, match=r"no column 'z'[\s\S]*a, b, target"):
        TabularDataset.open(path, options=TabularDataset.Options(target="z"))


def task_of(values: Iterable[Cell], kind: Any = None) -> AnyTask:
    table = Table({"a": 0.0, "y": value} for value in values)
    return TabularDataset.of(listing_of(table, "y", "one table", kind), None, "here").task


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_task_follows_from_the_values() -> None:
    assert task_of(["v", "u", None]) == Classification(classes=("u", "v"))
    assert task_of(["10", "9", "2.0"]) == Classification(classes=("2", "9", "10"))
    assert task_of(["True", "False"]) == Classification(classes=("False", "True"))
    assert task_of(["1.5", "2"]) == Regression(names=("y",))
    assert task_of([float(value) for value in range(21)]) == Regression(names=("y",))
    assert task_of([f"{number},5" for number in range(300)] + ["-"]) == Regression(names=("y",))
    assert task_of(["none", "1", "2"]) == Classification(classes=("1", "2", "none"))
    assert task_of(["1", "2"], "regression") == Regression(names=("y",))
    assert task_of(["1.5", "2"], "classification") == Classification(classes=("1.5", "2"))


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_missing_target_is_none_or_nan(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,y\n1,0\n2,?\n3,1\n")
    assert list(TabularDataset.open(path).targets()) == [0, None, 1]
    assert math.isnan(TabularDataset.open(path, options=TabularDataset.Options(kind="regression")).targets()[1])


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_target_with_decimal_commas_is_a_number(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="decimal commas in the column price"):
        dataset = TabularDataset.open(write(tmp_path / "t.csv", "rooms;price\n2;1.250,5\n3;7,25\n"))
    assert list(dataset.targets()) == [1250.5, 7.25]


def test_given_task_keeps_its_classes_and_refuses_others(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,y\n1,v\n")
    task = Classification(classes=("w", "v", "u"))
    dataset = TabularDataset.open(path, task=task)
    assert dataset.task == task and dataset.targets()[0] == 1
    with pytest.raises(OptionError, match="classes that the task does not: v"):
        TabularDataset.open(path, task=Classification(classes=("u",)))


def test_given_regression_names_its_column(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "price,a\n1.5,2\n2.5,3\n")
    assert list(TabularDataset.open(path, task=Regression(names=("price",))).targets()) == [1.5, 2.5]


def test_unusable_targets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'y' is empty"):
        TabularDataset.open(write(tmp_path / "a.csv", "a,y\n1,?\n"))
    with pytest.raises(OptionError, match="holds text"):
        TabularDataset.open(write(tmp_path / "b.csv", "a,y\n1,u\n"), options=TabularDataset.Options(kind="regression"))
    with pytest.raises(OptionError, match="kind=ranking"):
        TabularDataset.open(tmp_path / "b.csv", options=TabularDataset.Options(kind="ranking"))
    with pytest.raises(OptionError, match="task is multilabel"):
        TabularDataset.open(tmp_path / "b.csv", task=Multilabel(labels=("u",)))
    with pytest.raises(DatasetError, match="one column only"):
        TabularDataset.open(write(tmp_path / "c.csv", "a\n1\n"))


def test_files_of_different_columns_are_not_joined(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "a,y\n1,u\n")
    write(tmp_path / "test.csv", "b,y\n1,u\n")
    with pytest.raises(InputError, match="columns: 'a', 'b'"):
        TabularDataset.open(tmp_path, "all")


def test_dataset_survives_pickling(tmp_path: Path) -> None:
    dataset = TabularDataset.open(write(tmp_path / "t.csv", "a,y\n1,u\n?,v\n"))
    assert list(pickle.loads(pickle.dumps(dataset))) == list(dataset)
    assert dataset[1].sample == {"a": None}


def test_demo_splits_are_repeatable_and_share_no_row() -> None:
    pytest.importorskip("sklearn")
    splits = [TabularDataset.demo(split, size=1000) for split in ("train", "val", "test")]
    rows = [tuple(example.sample.values()) for dataset in splits for example in dataset]
    assert len(rows) == len(set(rows)) == 569
    assert all(dataset.source == "scikit-learn breast cancer (real)" for dataset in splits)
    assert list(TabularDataset.demo(size=5)) == list(TabularDataset.demo(size=5)) == list(splits[0])[:5]
    assert list(TabularDataset.demo(size=5, seed=1)) != list(splits[0])[:5]


def test_demo_is_generated_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    dataset = TabularDataset.demo(size=100)
    assert dataset.source == "drawn for this run (synthetic)"
    assert len(dataset) == 100
    assert set(dataset.targets()) == {0, 1}
    assert any(value is None for example in dataset for value in example.sample.values())


@needs_data
def test_real_adult_has_the_documented_rows_and_shares() -> None:
    root = Path(os.environ["MT_DATA"]) / "tabular" / "adult"
    train, test = TabularDataset.open(root), TabularDataset.open(root, "test")
    assert (len(train), len(test)) == (32_561, 16_281)
    assert train.task == test.task == Classification(classes=("<=50K", ">50K"))
    # adult.names: 75.9 % of train and 76.4 % of test are <=50K
    assert [round(Counter(part.targets())[0] / len(part), 3) for part in (train, test)] == [0.759, 0.764]


@needs_data
def test_real_california_housing_is_a_regression() -> None:
    root = Path(os.environ["MT_DATA"]) / "tabular" / "california_housing"
    dataset = TabularDataset.open(root, options=TabularDataset.Options(target="median_house_value"))
    assert dataset.task == Regression(names=("median_house_value",))
    assert len(dataset) == 20_640
    assert sum(value is None for example in dataset for value in example.sample.values()) == 207
    assert dataset.targets()[0] == 452_600

"""What `ListedDataset` does for the plugins, on a dataset of text files in a folder per class."""

import math
from pathlib import Path

import pytest
from pydantic import Field

from mt_core.contract import Classification, Multilabel, Options, Regression
from mt_core.errors import DatasetError, MissingSplitError, OptionError
from mt_core.sdk import ListedDataset, Listing, find_tables, list_folders, list_tables, sorted_names


class NotesOptions(Options):
    suffix: str = Field(default=".txt", description="Of the files.")


class Notes(ListedDataset):
    Options = NotesOptions
    layouts = {"folders": "a folder per class", "table": "labels.csv"}  # noqa: RUF012
    kinds = ("classification", "multilabel", "regression")

    @classmethod
    def find(cls, root, split, *, options=None):
        if tables := find_tables(root):
            return list_tables(tables, split, root)
        return list_folders(root, split, [options.suffix])

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        return cls([], [], Classification(classes=("a",)), "none")


@pytest.fixture
def root(tmp_path) -> Path:
    for name in ("10/x.txt", "9/b.txt", "9/a.TXT", "9/deep/c.txt", "9/other.md", "10/more.md", ".hidden/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def names(dataset) -> list[str]:
    return [Path(sample).name for sample in dataset.samples]


def test_a_folder_per_class_gives_files_of_the_suffix_in_the_order_of_their_paths(root):
    dataset = Notes.open(root)
    assert dataset.task.classes == ("9", "10")  # by number, not as text
    assert names(dataset) == ["x.txt", "a.TXT", "b.txt", "c.txt"]
    assert list(dataset.targets()) == [1, 0, 0, 0]
    assert dataset[1].target == 0 and dataset.source == f"{root} (folders)"


def test_find_gets_the_options_of_open(root):
    assert names(Notes.open(root, options=Notes.Options(suffix=".md"))) == ["more.md", "other.md"]


def test_an_unknown_option_names_those_that_there_are(root):
    with pytest.raises(OptionError, match=r"'fold'.*\n.*suffix=\.txt"):
        Notes.open(root, options=Notes.Options(fold=3))


@pytest.mark.parametrize(("train", "dev"), [("train", "dev"), ("Training", "validation"), ("TRAIN", "val")])
def test_folders_of_splits_are_known_by_their_usual_names(tmp_path, train, dev):
    for folder in (f"{train}/a", f"{train}/b", f"{dev}/a", f"{dev}/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{Path(folder).parent}.txt").write_text("x")
    assert names(Notes.open(tmp_path, "train")) == [f"{train}.txt"] * 2
    assert names(Notes.open(tmp_path, "val")) == [f"{dev}.txt"] * 2
    assert len(Notes.open(tmp_path, "all")) == 4
    with pytest.raises(MissingSplitError, match="it has train, val"):
        Notes.open(tmp_path, "test")


def test_a_folder_without_splits_has_train_and_all_only(root):
    assert len(Notes.open(root, "all")) == len(Notes.open(root, "train")) == 4
    with pytest.raises(MissingSplitError, match="no splits of its own"):
        Notes.open(root, "test")


def test_a_split_that_is_none_is_refused(root):
    with pytest.raises(OptionError, match="no split called 'testing'"):
        Notes.open(root, "testing")


def test_no_layout_tells_those_that_there_are(tmp_path):
    with pytest.raises(DatasetError, match="folders: a folder per class"):
        Notes.open(tmp_path)
    with pytest.raises(DatasetError, match="does not exist"):
        Notes.open(tmp_path / "lost")


def test_an_earlier_tasks_classes_keep_their_indices(root):
    dataset = Notes.open(root, task=Classification(classes=("10", "11", "9")))
    assert list(dataset.targets()) == [0, 2, 2, 2]


def test_a_class_that_an_earlier_task_does_not_have_is_refused(root):
    with pytest.raises(OptionError, match="does not: 9"):
        Notes.open(root, task=Classification(classes=("10",)))


def test_a_task_of_a_kind_that_the_dataset_does_not_give_is_refused(root):
    class Folders(Notes):
        kinds = ("classification",)

    with pytest.raises(OptionError, match="the task is regression"):
        Folders.open(root, task=Regression(names=("x",)))


@pytest.mark.parametrize("name", ["labels.csv", "splits.csv"])
def test_a_table_of_files_has_classes_and_splits(tmp_path, name):
    for file in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / file).write_text("x")
    (tmp_path / name).write_text("file,label,split\na.txt,cat,train\nb.txt,dog,test\nc.txt,dog,train\n")
    dataset = Notes.open(tmp_path, "test")
    assert names(dataset) == ["b.txt"] and dataset.task.classes == ("cat", "dog") and dataset.targets() == [1]


def test_a_table_that_lists_files_which_are_not_there_says_how_many(tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\na.txt,cat\n")
    with pytest.raises(DatasetError, match="lists 1 files that do not exist, of 1"):
        Notes.open(tmp_path)


def of(task, found, targets):
    return Notes.of(Listing(["s"] * len(targets), targets, (), "table", task=found), task, "here")


def test_labels_are_put_into_the_order_of_an_earlier_task():
    found = Multilabel(labels=("x", "y"))
    dataset = of(Multilabel(labels=("y", "z", "x")), found, [[1.0, 0.0]])
    (target,) = dataset.targets()
    assert target[0] == 0.0 and math.isnan(target[1]) and target[2] == 1.0
    assert of(None, found, [[1.0, 0.0]]).targets() == [[1.0, 0.0]]


def test_a_label_that_an_earlier_task_does_not_have_is_refused():
    with pytest.raises(OptionError, match="does not: y"):
        of(Multilabel(labels=("x",)), Multilabel(labels=("x", "y")), [[1.0, 0.0]])


def test_numbers_of_another_name_are_refused():
    with pytest.raises(OptionError, match="numbers mass, the task price"):
        of(Regression(names=("price",)), Regression(names=("mass",)), [1.0])


def test_names_are_ordered_as_numbers_only_where_all_are():
    assert sorted_names(["10", "9", "9"]) == ("9", "10")
    assert sorted_names(["10", "9", "x"]) == ("10", "9", "x")


def test_a_file_is_in_no_layout_of_folders(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(DatasetError, match="in no known layout"):
        Notes.open(tmp_path / "a.txt")

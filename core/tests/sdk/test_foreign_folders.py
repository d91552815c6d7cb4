"""Folders and tables of labelled files as other people keep them."""

import json
import os
import socket
import unicodedata
from pathlib import Path

import pytest

from mt_core.contract import Classification
from mt_core.errors import DatasetError, DataWarning
from mt_core.io.paths import expand
from mt_core.sdk import FileOptions, ListedDataset, list_files

foreign_file = pytest.mark.foreign_file


class Pictures(ListedDataset):
    Options = FileOptions
    layouts = {"folders": "a folder per class", "table": "labels.csv"}  # noqa: RUF012

    @classmethod
    def find(cls, root, split, *, options=None):
        return list_files(root, split, (".png", ".jpg"), options)

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        return cls([], [], Classification(classes=("a", "b")), "none")


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not read here")


def table(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def listed(root: Path, split: str = "train") -> list[tuple[str, str]]:
    """Path below the root and class of each sample."""
    dataset = Pictures.open(root, split)
    folder = root if root.is_dir() else root.parent
    names = [dataset.task.classes[target] for target in dataset.targets()]
    return [(Path(os.path.relpath(s, folder)).as_posix(), name) for s, name in zip(dataset.samples, names, strict=True)]


CLEAN = [("cat/1.png", "cat"), ("dog/2.png", "dog")]


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "gone")


def bound_socket(path: Path) -> None:
    there = os.getcwd()
    os.chdir(path.parent)  # a socket's path may have 100 characters
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(there)


@pytest.mark.parametrize(
    ("name", "make", "told"),
    [
        pytest.param(
            "._1.png", lambda path: path.write_bytes(b"\0\5\x16\7"), "what macOS keeps",
            marks=foreign_file("._x.png beside x.png", "macOS on another disk", "read, told: passed over"),
        ),
        pytest.param(
            "x.png", dangling, "a link to nothing",
            marks=foreign_file("a link to a file that is gone", "data sets of links", "read, told: passed over"),
        ),
        pytest.param(
            "pipe.png", os.mkfifo, "a pipe, a socket or a device",
            marks=foreign_file("a FIFO", "programs that record", "read, told: passed over"),
        ),
        pytest.param(
            "s.png", bound_socket, "a pipe, a socket or a device",
            marks=foreign_file("a socket", "programs that record", "read, told: passed over"),
        ),
        pytest.param(
            ".hidden.png", lambda path: path.write_bytes(b"x"), "a hidden file",
            marks=foreign_file("a hidden file", "editors, caches", "read, told: passed over"),
        ),
    ],
)  # fmt: skip
def test_what_is_no_data_is_passed_over_alike_by_training_and_embedding(tmp_path, name, make, told):
    put(tmp_path, "cat/1.png", "dog/2.png")
    make(tmp_path / "cat" / name)
    with pytest.warns(DataWarning, match=told):
        assert listed(tmp_path) == CLEAN
    with pytest.warns(DataWarning, match=told):
        assert expand([tmp_path], [".png"]) == [str(tmp_path / "cat/1.png"), str(tmp_path / "dog/2.png")]


@foreign_file("__MACOSX/ and .DS_Store", "archives made by macOS", "read, told: passed over")
def test_what_macos_puts_into_archives_is_no_class(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png", "__MACOSX/cat/._1.png", ".DS_Store", "cat/.DS_Store", "Thumbs.db")
    assert listed(tmp_path) == CLEAN
    with pytest.warns(DataWarning, match="a folder that a system or a program keeps"):
        assert len(expand([tmp_path], [".png"])) == 2


PAIRS = {
    "Pascal VOC": ("JPEGImages", "SegmentationClass", "Annotations"),
    "U-Net": ("images", "masks"),
    "YOLO": ("images", "labels"),
    "MMSegmentation": ("img_dir", "ann_dir"),
    "COCO": ("train2017", "annotations"),
    "Cityscapes": ("leftImg8bit", "gtFine"),
    "nnU-Net": ("imagesTr", "labelsTr"),
}


@pytest.mark.parametrize(
    "folders",
    [
        pytest.param(folders, id=name, marks=foreign_file("a tree for segmentation or detection", "several", "refused"))
        for name, folders in PAIRS.items()
    ],
)
def test_pictures_beside_their_masks_are_no_classes(tmp_path, folders):
    put(tmp_path, *(f"{folder}/{number}.png" for folder in folders for number in range(3)))
    with pytest.raises(DatasetError, match="are no classes") as caught:
        Pictures.open(tmp_path)
    assert f"{folders[0]}/" in caught.value.problem and "labels.csv" in caught.value.fix


@foreign_file("one folder with all files", "any", "refused: one class only, and what was taken for it")
def test_one_class_is_refused_with_what_was_taken_for_it(tmp_path):
    put(tmp_path, "photos/1.png", "photos/2.png")
    with pytest.raises(DatasetError, match=r"one class only, 'photos', taken from the names of the folders") as caught:
        Pictures.open(tmp_path)
    assert all(what in caught.value.fix for what in Pictures.layouts.values())
    assert Pictures.open(tmp_path, task=Classification(classes=("photos", "maps"))).targets() == [0, 0]


@foreign_file("train/, val/ and test/ without class folders", "object detection", "refused")
def test_splits_that_hold_files_are_no_classes(tmp_path):
    put(tmp_path, "train/1.png", "val/2.png", "test/3.png")
    with pytest.raises(DatasetError, match="hold files and no folder per class"):
        Pictures.open(tmp_path)


@foreign_file("classes of val that train does not have", "splits drawn by chance", "read, told")
def test_a_class_that_training_never_sees_is_told(tmp_path):
    put(tmp_path, "train/a/1.png", "train/b/2.png", "val/a/3.png", "val/c/4.png")
    with pytest.warns(DataWarning, match="classes of val of which train has nothing: c"):
        assert Pictures.open(tmp_path).task.classes == ("a", "b", "c")


@foreign_file("é as one character and as two", "macOS and Linux", "read, told: one class")
def test_a_letter_with_an_accent_is_one_however_it_is_composed(tmp_path):
    one, two = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    put(tmp_path, f"{one}/1.png", f"{two}/2.png", "bar/3.png")
    with pytest.warns(DataWarning, match="as one class"):
        assert Pictures.open(tmp_path).task.classes == ("bar", one)


@foreign_file("class names that differ in capitals", "several people", "read, told: two classes")
def test_names_that_differ_in_capitals_are_told(tmp_path):
    put(tmp_path, "Cat/1.png", "cat /2.png", "dog/3.png")
    with pytest.warns(DataWarning, match="Cat and cat as two classes"):
        Pictures.open(tmp_path)


@foreign_file("backslashes between folders", "Windows", "read")
def test_paths_of_windows_are_found(tmp_path):
    put(tmp_path, "images/cats/1.png", "images/dogs/2.png")
    table(tmp_path / "labels.csv", "path,label", r"images\cats\1.png,cat", r".\images\dogs\2.png,dog")
    assert listed(tmp_path) == [("images/cats/1.png", "cat"), ("images/dogs/2.png", "dog")]


@foreign_file("absolute paths of another machine", "scripts that list files", "refused, with the part that is there")
def test_a_path_of_another_machine_is_refused_with_what_is_here(tmp_path):
    put(tmp_path, "cats/1.png", "dogs/2.png")
    table(tmp_path / "labels.csv", "path,label", "/home/ann/data/cats/1.png,cat", "/home/ann/data/dogs/2.png,dog")
    with pytest.raises(DatasetError, match="do not exist") as caught:
        Pictures.open(tmp_path)
    assert "cats/1.png" in str(caught.value)


@foreign_file("labels 0.0 and 1.0 in train, 0 and 1 in test", "pandas, after a gap", "read: two classes")
def test_labels_are_equal_as_numbers_across_tables(tmp_path):
    put(tmp_path, *(f"{number}.png" for number in range(4)))
    table(tmp_path / "train.csv", "path,label", "0.png,0.0", "1.png,1.0")
    table(tmp_path / "test.csv", "path,label", "2.png,0", "3.png, 1")
    assert listed(tmp_path) == [("0.png", "0"), ("1.png", "1")]
    assert listed(tmp_path, "test") == [("2.png", "0"), ("3.png", "1")]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        pytest.param(
            "metadata.csv", ["file_name,label", "a.png,x", "b.png,y"],
            marks=foreign_file("metadata.csv with file_name", "Hugging Face's ImageFolder", "read"),
        ),
        pytest.param(
            "train_labels.csv", ["id,label", "a.png,x", "b.png,y"],
            marks=foreign_file("train_labels.csv with id", "Kaggle", "read"),
        ),
        pytest.param(
            "labels.csv", ["id,label", "a,x", "b,y"],
            marks=foreign_file("names without their suffix", "Kaggle", "read, told"),
        ),
        pytest.param(
            "annotations.tsv", ["filename\tclass", "a.png\tx", "b.png\ty"],
            marks=foreign_file("a table with tabs", "annotation tools", "read"),
        ),
        pytest.param(
            "metadata.jsonl",
            [json.dumps({"file_name": "a.png", "label": "x"}), json.dumps({"file_name": "b.png", "label": "y"})],
            marks=foreign_file("metadata.jsonl", "Hugging Face's ImageFolder", "read"),
        ),
        pytest.param(
            "labels.csv", ["path;label", "a.png;x", "b.png;y"],
            marks=foreign_file("semicolons", "Excel in Europe", "read"),
        ),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_tables_under_other_names(tmp_path, name, lines):
    put(tmp_path, "a.png", "b.png")
    table(tmp_path / name, *lines)
    assert listed(tmp_path) == [("a.png", "x"), ("b.png", "y")]


@foreign_file("class folders, and a table of file and split", "lists of splits", "read: labels from the folders")
def test_labels_come_from_the_folders_where_the_table_has_splits_alone(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png", "cat/3.png", "dog/4.png")
    table(
        tmp_path / "splits.csv", "file,split", "cat/1.png,train", "dog/2.png,train", "cat/3.png,test", "dog/4.png,test"
    )
    assert listed(tmp_path) == CLEAN
    assert listed(tmp_path, "test") == [("cat/3.png", "cat"), ("dog/4.png", "dog")]


@foreign_file("files in train/ and val/ beside the list that names them", "MMAction2", "read, told")
def test_files_in_folders_of_splits_beside_their_table_are_found(tmp_path):
    put(tmp_path, "train/a.png", "train/b.png", "val/a.png", "val/c.png")
    table(tmp_path / "train.csv", "path,label", "a.png,x", "b.png,y")
    table(tmp_path / "val.csv", "path,label", "a.png,y", "c.png,x")
    with pytest.warns(DataWarning, match="paths were found"):
        assert listed(tmp_path) == [("train/a.png", "x"), ("train/b.png", "y")]
    with pytest.warns(DataWarning, match="paths were found"):
        assert listed(tmp_path, "val") == [("val/a.png", "y"), ("val/c.png", "x")]


@foreign_file("a name in capitals, .JPG", "cameras", "read")
def test_suffixes_in_capitals_count(tmp_path):
    put(tmp_path, "cat/1.JPG", "dog/2.Png")
    assert listed(tmp_path) == [("cat/1.JPG", "cat"), ("dog/2.Png", "dog")]


def test_folders_called_by_numbers_are_classes_as_they_are_written(tmp_path):
    put(tmp_path, "train/007/1.png", "train/010/2.png", "test/007/3.png", "test/010/4.png")
    assert Pictures.open(tmp_path).task.classes == ("007", "010")
    assert [name for _, name in listed(tmp_path, "test")] == ["007", "010"]


def test_a_table_of_numbers_has_the_classes_of_folders_called_by_them(tmp_path):
    put(tmp_path / "a", "007/1.png", "010/2.png")
    put(tmp_path / "b", "1.png", "2.png")
    table(tmp_path / "b" / "labels.csv", "file,label", "1.png,10", "2.png,7")
    trained = Pictures.open(tmp_path / "a").task
    assert Pictures.open(tmp_path / "b", "all", task=trained).targets() == [1, 0]

"""Tables and lists about folders of files, and folders that are no classes, as other people keep them."""

import os
from pathlib import Path

import pytest

from mt_core.errors import DatasetError, DataWarning
from mt_core.sdk import FileOptions, list_files

foreign_file = pytest.mark.foreign_file

LINES = ("path,label,split", "1.png,a,train", "2.png,b,train", "3.png,b,test")


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not read here")


def table(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def listed(root: Path, split: str = "all") -> list[tuple[str, str | None]]:
    listing = list_files(root, split, (".png",), FileOptions())
    assert listing is not None
    return [
        (Path(os.path.relpath(path, root)).as_posix(), label)
        for path, label in zip(listing.samples, listing.labels, strict=True)
    ]


WAYS = {
    "./1.png": lambda _: "./1.png",
    "absolute": lambda root: str(root / "1.png"),
    "by a link": lambda _: "there/1.png",
}


@pytest.mark.parametrize("way", WAYS)
@foreign_file("./1.png beside 1.png", "scripts that join tables", "read, told: one file in two splits")
def test_a_file_is_one_however_its_path_is_written(tmp_path, way):
    put(tmp_path, "1.png", "2.png", "3.png")
    (tmp_path / "there").symlink_to(tmp_path)
    path = WAYS[way](tmp_path)
    table(tmp_path / "labels.csv", *LINES, f"{path},a,test")
    with pytest.warns(DataWarning, match="1 files that are in several splits"):
        listed(tmp_path)
    table(tmp_path / "labels.csv", *LINES, f"{path},b,train")
    with pytest.raises(DatasetError, match=r"is 'a' in line 2 and 'b' in line 5"):
        listed(tmp_path)


@foreign_file("links to one file under several names", "git-annex, caches", "read, told: files of their own")
def test_links_to_one_file_are_told(tmp_path):
    put(tmp_path, "1.png", "2.png", "3.png")
    (tmp_path / "4.png").symlink_to("1.png")
    table(tmp_path / "labels.csv", *LINES, "4.png,b,test")
    with pytest.warns(DataWarning, match="1 links to a file that other rows name too"):
        assert ("4.png", "b") in listed(tmp_path)


@foreign_file("splits.csv in the folder above the one that is given", "data sets with images/", "read, told: not used")
def test_a_table_above_the_folder_is_told(tmp_path):
    put(tmp_path, "images/cat/1.png", "images/dog/2.png")
    table(tmp_path / "splits.csv", "path,split", "images/cat/1.png,train", "images/dog/2.png,test")
    with pytest.warns(DataWarning, match=r"splits.csv: left out: it lists files of images/"):
        assert listed(tmp_path / "images") == [("cat/1.png", "cat"), ("dog/2.png", "dog")]
    table(tmp_path / "splits.csv", "path,split", "others/1.png,train")
    assert len(listed(tmp_path / "images")) == 2


@foreign_file("a damaged line in metadata.jsonl, beside class folders", "Hugging Face's ImageFolder", "refused by line")
def test_a_damaged_table_of_files_is_not_passed_over(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png")
    table(tmp_path / "metadata.jsonl", '{"file_name": "cat/1.png", "label": "x"}', '{"file_name":')
    with pytest.raises(DatasetError, match=r"metadata.jsonl, line 2: no JSON object"):
        listed(tmp_path)


@foreign_file("metadata.csv that names no files", "any", "read, told: not used")
def test_a_table_that_lists_no_files_is_told(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png")
    table(tmp_path / "metadata.csv", "")
    with pytest.warns(DataWarning, match="metadata.csv: left out: a table without a column of files"):
        assert len(listed(tmp_path)) == 2


@foreign_file("train.txt and test.txt beside class folders", "scripts, Food-101", "read, told: not used")
def test_lists_in_a_format_that_is_not_read_are_told(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png")
    table(tmp_path / "train.txt", "cat/1.png")
    with pytest.warns(DataWarning, match=r"train.txt: left out: a list in a format that is not read"):
        assert len(listed(tmp_path)) == 2


@foreign_file("file and split without a header", "scripts", "read: labels from the folders")
def test_a_column_of_split_names_is_no_label(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png", "dog/3.png")
    table(tmp_path / "splits.csv", "cat/1.png,train", "dog/2.png,train", "dog/3.png,test")
    assert listed(tmp_path, "train") == [("cat/1.png", "cat"), ("dog/2.png", "dog")]
    assert listed(tmp_path, "test") == [("dog/3.png", "dog")]


@foreign_file("ages or weights as labels", "medical tables", "refused: quantities, and what to do")
def test_quantities_are_no_classes(tmp_path):
    put(tmp_path, *(f"{number}.png" for number in range(4)))
    ages = ("23.5", "31.2", "44", "45.1")
    table(tmp_path / "labels.csv", "path,age", *(f"{number}.png,{age}" for number, age in enumerate(ages)))
    with pytest.raises(DatasetError, match=r"the labels are quantities, such as 23\.5, 31\.2, 44"):
        listed(tmp_path)
    table(tmp_path / "labels.csv", "path,stars", "0.png,0.5", "1.png,0.5", "2.png,1", "3.png,1")
    assert {label for _, label in listed(tmp_path)} == {"0.5", "1"}


@foreign_file("a table whose labels are not the folders'", "corrected labels", "read, told: as the table says")
def test_a_table_that_contradicts_the_folders_is_told(tmp_path):
    put(tmp_path, "cat/1.png", "cat/2.png", "dog/3.png")
    table(tmp_path / "labels.csv", "path,label", "cat/1.png,cat", "cat/2.png,dog", "dog/3.png,dog")
    with pytest.warns(DataWarning, match="1 files that lie in the folder of another class, as the table says"):
        assert ("cat/2.png", "dog") in listed(tmp_path)


@foreign_file("seg_train/seg_train/ and seg_test/seg_test/", "Kaggle, Intel scenes", "refused: called after splits")
def test_folders_called_after_splits_are_no_classes(tmp_path):
    put(
        tmp_path,
        *(f"seg_{split}/seg_{split}/{name}/1.png" for split in ("train", "test") for name in ("sea", "street")),
    )
    with pytest.raises(DatasetError, match="called after splits, and are no classes: seg_test/, seg_train/"):
        listed(tmp_path)


@foreign_file("1_mask.png beside 1.png", "BUSI, segmentation tools", "read, told: without the masks")
def test_masks_beside_their_pictures_are_left_out(tmp_path):
    put(tmp_path, "benign/1.png", "benign/1_mask.png", "benign/1_mask_1.png", "normal/2.png", "normal/a_mask.png")
    with pytest.warns(DataWarning, match="2 masks of the files beside them"):
        names = [name for name, _ in listed(tmp_path)]
    assert names == ["benign/1.png", "normal/2.png", "normal/a_mask.png"]


@foreign_file("masks/ beside the class folders", "segmentation tools", "read, told: as a class")
def test_masks_among_the_classes_are_told(tmp_path):
    put(tmp_path, "cat/1.png", "dog/2.png", "masks/1.png", "masks/2.png")
    with pytest.warns(DataWarning, match=r"masks/ as a class, though its files are called as those of others"):
        listed(tmp_path)


@foreign_file("cell_images/ with all classes again", "Kaggle, malaria cells", "read, told: without the copy")
def test_all_classes_once_more_in_a_folder_beside_them_are_left_out(tmp_path):
    put(tmp_path, *(f"{above}{name}/1.png" for above in ("", "cells/") for name in ("good", "ill")))
    with pytest.warns(DataWarning, match="folders of the same names as those beside it"):
        assert listed(tmp_path) == [("good/1.png", "good"), ("ill/1.png", "ill")]

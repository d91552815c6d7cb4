"""Texts that belong together, told by a column or by the files' names: never on both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from mt_core.data.training_data import open_training_data
from mt_core.errors import DataWarning, InputError, OptionError
from mt_plugin_text.dataset import TextDataset

foreign = pytest.mark.foreign_file
AUTHORS = ["ann", "bob", "ann", "cid", "dan", "bob", "ann", "eve", "cid", "ann"]
ROWS = [(f"note number {at} of them", author, "good" if at % 2 else "bad") for at, author in enumerate(AUTHORS)]


def opened(root: Path, split: str = "train", **options: Any) -> TextDataset:
    return TextDataset.open(root, split, options=TextDataset.Options(**options))


def numbers_of(dataset: TextDataset) -> list[int]:
    return [int(sample.first.split()[2]) for sample in dataset.samples]


def written(folder: Path, suffix: str, names: tuple[str, str, str] = ("text", "author", "label")) -> Path:
    path = folder / f"notes{suffix}"
    separator = "\t" if suffix == ".tsv" else ","
    if suffix == ".parquet":
        parquet.write_table(pa.table(dict(zip(names, map(list, zip(*ROWS, strict=True)), strict=True))), path)
    elif suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in ROWS))
    else:
        path.write_text("\n".join(separator.join(row) for row in (names, *ROWS)) + "\n")
    return path


@foreign("several texts of one author", "reviews, clinical notes", "read, with group: never on both sides")
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_over_all_folds_each_text_is_tested_once_and_no_author_is_on_both_sides(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix)
    tested = []
    for fold in (1, 2, 3):
        options = {"group": "author", "folds": 3, "fold": fold}
        train, test = opened(path, "train", **options), opened(path, "test", **options)
        assert not {*(train.groups() or ())} & {*(test.groups() or ())} and len(train) + len(test) == len(ROWS)
        assert [AUTHORS[number] for number in numbers_of(test)] == list(test.groups() or ())
        tested += numbers_of(test)
    assert sorted(tested) == list(range(len(ROWS)))


def test_the_authors_that_are_named_are_tested(tmp_path: Path) -> None:
    test = opened(written(tmp_path, ".csv"), "test", group="Author", test_group="bob,eve")
    assert numbers_of(test) == [at for at, author in enumerate(AUTHORS) if author in ("bob", "eve")]
    assert test.task.classes == ("bad", "good")


def test_a_column_of_groups_is_neither_text_nor_label(tmp_path: Path) -> None:
    # both names are known: as that of a text, and as that of a label
    for names in (("note", "title", "label"), ("text", "category", "grade")):
        dataset = opened(written(tmp_path, ".csv", names), group=names[1], label=names[2])
        assert numbers_of(dataset) == list(range(10)) and dataset.task.classes == ("bad", "good")
        assert f"groups in {names[1]}" in dataset.source


def test_columns_without_a_header_are_groups_by_number(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("\n".join(",".join(row) for row in ROWS) + "\n")
    dataset = opened(path, text="1", label="3", group="2")
    assert dataset.groups() == AUTHORS and dataset.task.classes == ("bad", "good")


@pytest.mark.filterwarnings("ignore:.*the upper folders as the classes")
def test_groups_of_text_files_are_in_their_names_or_folders(tmp_path: Path) -> None:
    for at, (text, author, label) in enumerate(ROWS):
        path = tmp_path / label / author / f"{author}_{at}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    by_name, by_folder = opened(tmp_path, group="(?P<who>[a-z]+)_.*"), opened(tmp_path, group="folder2")
    assert by_name.groups() == by_folder.groups() == [Path(sample).parent.name for sample in by_name.samples]


@foreign("authors in both train.tsv and test.tsv", "random splits", "read, told, with group")
def test_groups_of_both_tables_are_told(tmp_path: Path) -> None:
    for split, authors in {"train": "abcd", "test": "de"}.items():
        rows = "".join(f"some words by {author}\t{author}\t{label}\n" for author in authors for label in "01")
        (tmp_path / f"{split}.tsv").write_text(f"sentence\tauthor\tlabel\n{rows}")
    options = TextDataset.Options(group="author")
    with pytest.warns(DataWarning, match="1 of 2 groups of test are in train too, as parts of both: d"):
        parts = open_training_data(TextDataset, tmp_path, options, val_fraction=0.3, test_fraction=0.3, seed=0)
    assert not {*(parts.train.groups() or ())} & {*(parts.val.groups() or ())}


@foreign("texts without an author", "reviews", "read, told, with group: one each")
def test_texts_without_a_group_are_one_each_and_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("text,author,label\none text,ann,0\nanother text,,1\nthe third,ann,1\n")
    with pytest.warns(DataWarning, match="1 of 3 samples have no group"):
        assert opened(path, group="author").groups() == ["ann", None, "ann"]


def test_a_column_of_groups_without_a_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("text,author,label\none text,,0\nanother text,,1\n")
    with pytest.raises(OptionError, match="group=author is known of none of the 2 samples"):
        opened(path, group="author")


def test_groups_that_there_are_not_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ".csv")
    with pytest.raises(InputError, match=r"no column 'site'[\s\S]*'text', 'author', 'label'"):
        opened(path, group="site")
    with pytest.raises(InputError, match="'label' cannot be the group and the text or the label"):
        opened(path, group="label", label="label")
    with pytest.raises(OptionError, match=r"no group 'zoe'[\s\S]*ann, bob, cid, dan, eve"):
        opened(path, group="author", test_group="zoe")
    (tmp_path / "trec").mkdir()
    (tmp_path / "trec" / "train_5500.label").write_text("NUM:date When was it ?\nHUM:ind Who was it ?\n")
    with pytest.raises(OptionError, match=r"\(TREC\) have no group=author[\s\S]*leave the option group out"):
        opened(tmp_path / "trec", group="author")

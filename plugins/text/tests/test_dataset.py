"""Every benchmark's layout is recognised from little files in its true form, and every fault in one is explained."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from mt_core.contract import Classification
from mt_core.errors import DatasetError, InputError, MissingSplitError, OptionError
from mt_plugin_text.dataset import TextDataset
from mt_plugin_text.reading import only_text
from mt_plugin_text.tokenizer import TextTokenizer

MNLI = (
    "index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
    "sentence2_parse", "sentence1", "sentence2", "label1", "gold_label",
)  # fmt: skip


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def mnli(*rows: tuple[str, str, str]) -> str:
    cells = (
        ("0", "1", "1e", "fiction", "( )", "( )", "(ROOT )", "(ROOT )", a, b, label, label) for a, b, label in rows
    )
    return "\n".join("\t".join(line) for line in (MNLI, *cells)) + "\n"


def opened(root: Path, split: str = "train", **options: Any) -> list[tuple[Any, str | None]]:
    """Text (a pair as a tuple) and name of the class of each example."""
    dataset = TextDataset.open(root, split, options=TextDataset.Options(**options))
    found = []
    for example in (dataset[index] for index in range(len(dataset))):
        text = only_text(example.sample)
        said = text.first if text.second is None else (text.first, text.second)
        found.append((said, None if example.target is None else dataset.task.classes[example.target]))
    return found


# tables


def test_sst2_of_glue_is_read(tmp_path):
    put(tmp_path / "train.tsv", 'sentence\tlabel\nhide new secretions \t0\n"unfinished quote \t1\n')
    put(tmp_path / "dev.tsv", "sentence\tlabel\nit 's charming . \t1\n")
    put(tmp_path / "test.tsv", "index\tsentence\n0\tuneasy mishmash .\n")
    assert opened(tmp_path) == [("hide new secretions ", "0"), ('"unfinished quote ', "1")]
    assert opened(tmp_path, "val") == [("it 's charming . ", "1")]
    assert opened(tmp_path, "test") == [("uneasy mishmash .", None)]
    assert len(opened(tmp_path, "all")) == 4
    dataset = TextDataset.open(tmp_path)
    assert dataset.task == Classification(classes=("0", "1"))
    assert dataset.source == f"{tmp_path} (split tables; texts in sentence, labels in label)"
    assert pickle.loads(pickle.dumps(dataset))[1] == dataset[1]


def test_cola_without_header_is_read(tmp_path):
    put(tmp_path / "train.tsv", "gj04\t1\t\tOur friends won't buy this.\ngj04\t0\t*\tThey drank the pub.\n")
    put(tmp_path / "dev.tsv", "gj04\t1\t\tThe sailors rode the breeze.\n")
    put(tmp_path / "test.tsv", "index\tsentence\n0\tBill whistled past the house.\n")
    assert opened(tmp_path) == [("Our friends won't buy this.", "1"), ("They drank the pub.", "0")]
    assert opened(tmp_path, "test") == [("Bill whistled past the house.", None)]


def test_mnli_is_pairs_with_a_matched_and_a_mismatched_part(tmp_path):
    put(tmp_path / "train.tsv", mnli(("a", "b", "neutral"), ("c", "d", "entailment"), ("e", "f", "contradiction")))
    put(tmp_path / "dev_matched.tsv", mnli(("g", "h", "neutral"), ("i", "j", "-")))
    put(tmp_path / "dev_mismatched.tsv", mnli(("k", "l", "entailment")))
    put(tmp_path / "test_matched.tsv", "index\tsentence1\tsentence2\n0\tm\tn\n")
    put(tmp_path / "diagnostic.tsv", "index\tsentence1\tsentence2\n0\to\tp\n")
    assert opened(tmp_path)[0] == (("a", "b"), "neutral")
    assert opened(tmp_path, "val") == [(("g", "h"), "neutral"), (("i", "j"), None)]
    assert opened(tmp_path, "val", matched=False) == [(("k", "l"), "entailment")]
    assert opened(tmp_path, "test") == [(("m", "n"), None)]
    assert TextDataset.open(tmp_path).task.classes == ("contradiction", "entailment", "neutral")


def test_mrpc_with_its_further_files_is_read(tmp_path):
    put(tmp_path / "train.tsv", '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tA "b\t"C" d\n')
    put(tmp_path / "dev.tsv", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t8\te\tf\n")
    put(tmp_path / "dev_ids.tsv", "7\t8\n")
    put(tmp_path / "msr_paraphrase_train.txt", "x")
    assert opened(tmp_path) == [(('A "b', '"C" d'), "1")]
    assert opened(tmp_path, "val") == [(("e", "f"), "0")]


def test_snli_in_json_lines_is_read(tmp_path):
    for split, label in (("train", "neutral"), ("dev", "-"), ("test", "entailment")):
        row = {"gold_label": label, "sentence1": "a", "sentence1_parse": "(a)", "sentence2": split}
        put(tmp_path / f"snli_1.0_{split}.jsonl", json.dumps(row) + "\n")
    assert opened(tmp_path) == [(("a", "train"), "neutral")]
    assert opened(tmp_path, "val") == [(("a", "dev"), None)]


def test_parts_in_parquet_with_hidden_test_labels_are_read(tmp_path):
    for part, (text, label) in enumerate((("good", 1), ("bad", 0))):
        table = pa.table({"sentence": [text], "label": [label], "idx": [part]})
        parquet.write_table(table, tmp_path / f"train-{part:05d}-of-00002.parquet")
    parquet.write_table(pa.table({"sentence": ["?"], "label": [-1]}), tmp_path / "test-00000-of-00001.parquet")
    assert opened(tmp_path) == [("good", "1"), ("bad", "0")]
    assert opened(tmp_path, "test") == [("?", None)]


def test_minus_one_beside_other_classes_is_a_class(tmp_path):
    put(tmp_path / "train.csv", "text,label\nbad,-1\nso so,0\ngood,1\n")
    assert [label for _, label in opened(tmp_path)] == ["-1", "0", "1"]


def test_csv_with_quotes_and_a_column_of_splits_is_read(tmp_path):
    put(tmp_path / "imdb.csv", 'review,sentiment,split\n"so, so",negative,train\nfine,positive,TEST\nno,negative,dev\n')
    for root in (tmp_path, tmp_path / "imdb.csv"):
        assert opened(root) == [("so, so", "negative")]
        assert opened(root, "val") == [("no", "negative")]
        assert opened(root, "test") == [("fine", "positive")]
        assert len(opened(root, "all")) == 3


def test_table_without_splits_is_train_and_all(tmp_path):
    put(tmp_path / "a.csv", "text,label\ngood,1\nbad,0\n")
    assert opened(tmp_path) == opened(tmp_path, "all") == [("good", "1"), ("bad", "0")]
    with pytest.raises(MissingSplitError, match="no 'test'"):
        TextDataset.open(tmp_path, "test")


def test_columns_can_be_chosen_by_name_and_by_number(tmp_path):
    put(tmp_path / "a.csv", "x,y,z\nalpha,beta,gamma\nx0,y0,z0\n")
    assert opened(tmp_path, text="y", label="z") == [("beta", "gamma"), ("y0", "z0")]
    assert opened(tmp_path, text=["z", "y"], label="x") == [(("gamma", "beta"), "alpha"), (("z0", "y0"), "x0")]
    put(tmp_path / "a.csv", '"3","Title here","Story here"\n"4","Other","Else"\n')
    assert opened(tmp_path, text=3, label=1) == [("Story here", "3"), ("Else", "4")]


def test_numbers_with_gaps_are_classes_without_a_point(tmp_path):
    parquet.write_table(pa.table({"text": ["a", "b", "c"], "label": [1.0, None, 0.0]}), tmp_path / "t.parquet")
    assert opened(tmp_path) == [("a", "1"), ("b", None), ("c", "0")]


# other layouts


def test_trec_is_read_coarse_and_fine_in_latin_1(tmp_path):
    put(tmp_path / "train_5500.label", "DESC:manner How did it start ?\nLOC:city Où est Köln ?\n".encode("latin-1"))
    put(tmp_path / "TREC_10.label", b"NUM:dist How far is it ?\n")
    assert opened(tmp_path) == [("How did it start ?", "DESC"), ("Où est Köln ?", "LOC")]
    assert opened(tmp_path, "test", fine=True) == [("How far is it ?", "NUM:dist")]
    assert TextDataset.open(tmp_path).task.classes == ("DESC", "LOC", "NUM")
    with pytest.raises(DatasetError, match="one class only, 'NUM'"):
        opened(tmp_path / "TREC_10.label")
    with pytest.raises(MissingSplitError, match="no 'val'"):
        TextDataset.open(tmp_path, "val")


@pytest.mark.filterwarnings("ignore:.*1 files that lie beside the folders:mt_core.errors.DataWarning")
def test_imdb_is_read_without_its_unlabelled_reviews(tmp_path):
    root = tmp_path / "aclImdb"
    for name in ("train/neg/0_3.txt", "train/pos/0_9.txt", "train/unsup/0_0.txt", "test/pos/1_10.txt"):
        put(root / name, f"I read {name}<br />")
    put(root / "train/urls_neg.txt", "http://…")
    put(root / "imdb.vocab", "the\n")
    put(root / "README", "x")
    assert opened(root) == [("I read train/neg/0_3.txt<br />", "neg"), ("I read train/pos/0_9.txt<br />", "pos")]
    assert opened(root, "test") == [("I read test/pos/1_10.txt<br />", "pos")]
    assert TextDataset.open(root).task.classes == ("neg", "pos")


def test_file_of_a_folder_that_goes_is_an_error_and_never_a_text(tmp_path):
    put(tmp_path / "so so" / "a b.txt", "fine")
    put(tmp_path / "well" / "c.txt", "good")
    dataset = TextDataset.open(tmp_path)
    (tmp_path / "so so" / "a b.txt").unlink()
    with pytest.raises(InputError, match="does not exist"):
        only_text(dataset[0].sample)


def test_text_of_a_table_is_never_taken_for_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "t.csv", "text,label\nt.csv,1\ngone.txt,0\n")
    assert opened(tmp_path) == [("t.csv", "1"), ("gone.txt", "0")]


def test_classes_of_an_earlier_run_keep_their_order(tmp_path):
    put(tmp_path / "a.csv", "text,label\ngood,pos\n")
    task = Classification(classes=("pos", "other", "neg"))
    assert TextDataset.open(tmp_path, task=task).targets() == [0]
    with pytest.raises(OptionError, match="does not: pos"):
        TextDataset.open(tmp_path, task=Classification(classes=("neg",)))
    put(tmp_path / "a.csv", "text\ngood\n")
    assert TextDataset.open(tmp_path, task=task).targets() == [None]


# faults


def test_unknown_layout_is_told_with_those_that_are_known(tmp_path):
    put(tmp_path / "a.pdf", "x")
    with pytest.raises(DatasetError, match=r"no known layout[\s\S]*train\.tsv[\s\S]*TREC_10\.label[\s\S]*IMDb"):
        TextDataset.open(tmp_path)
    with pytest.raises(DatasetError, match="no known layout"):
        TextDataset.open(tmp_path / "a.pdf")
    with pytest.raises(DatasetError, match="does not exist"):
        TextDataset.open(tmp_path / "none")


def test_several_tables_without_a_name_are_told(tmp_path):
    put(tmp_path / "a.csv", "text,label\n")
    put(tmp_path / "b.csv", "text,label\n")
    with pytest.raises(DatasetError, match=r"2 tables, and none is called train: a\.csv, b\.csv"):
        TextDataset.open(tmp_path)


def test_several_tables_for_a_split_are_told(tmp_path):
    put(tmp_path / "train.csv", "text,label\n")
    put(tmp_path / "train.tsv", "text\tlabel\n")
    with pytest.raises(DatasetError, match=r"several files for train: train\.csv, train\.tsv"):
        TextDataset.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text\ngood\n", {}, "has no labels"),
        ("text,label\ngood,1\n", {"label": "stars"}, "no column 'stars' with labels"),
        ("text,label,split\ngood,1,train\nbad,0,\n", {}, "line 3: the split is missing"),
        ("text,label,split\ngood,1,third\n", {}, "line 2: 'third' is no split"),
    ],
)
def test_fault_of_a_table_is_told(tmp_path, content, options, message):
    put(tmp_path / "a.csv", content)
    with pytest.raises(DatasetError, match=message) as caught:
        TextDataset.open(tmp_path, options=TextDataset.Options(**options))
    assert caught.value.fix


def test_column_that_is_not_there_is_told(tmp_path):
    put(tmp_path / "train.csv", "text,label\ngood,1\n")
    with pytest.raises(InputError, match=r"train\.csv has no column 'review'"):
        TextDataset.open(tmp_path, options=TextDataset.Options(text="review"))


def test_line_of_trec_without_a_label_is_told(tmp_path):
    put(tmp_path / "train_5500.label", "DESC:manner How ?\nWhy not ?\n")
    with pytest.raises(DatasetError, match="line 2: 'Why not"):
        TextDataset.open(tmp_path)


def test_option_or_split_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(OptionError, match="fine=finest"):
        TextDataset.open(tmp_path, options=TextDataset.Options(fine="finest"))
    with pytest.raises(OptionError, match=r"no option 'column'[\s\S]*text=''"):
        TextDataset.open(tmp_path, options=TextDataset.Options(column="x"))
    with pytest.raises(OptionError, match="no split called 'third'"):
        TextDataset.open(tmp_path, "third")


# the demonstration


def test_demo_is_the_same_for_the_same_arguments_and_its_splits_are_disjoint():
    splits = {split: TextDataset.demo(split, size=200, seed=3) for split in ("train", "val", "test", "all")}
    again = TextDataset.demo("train", size=200, seed=3)
    said = {split: [example.sample.first for example in dataset] for split, dataset in splits.items()}
    assert said["train"] == [example.sample.first for example in again]
    assert said["train"] != [example.sample.first for example in TextDataset.demo("train", size=200, seed=4)]
    assert [len(texts) for texts in said.values()] == [200, 200, 200, 600]
    assert len({*said["train"], *said["val"], *said["test"]}) == 600
    assert splits["test"].task == Classification(classes=("negative", "positive"))
    assert "(synthetic)" in splits["test"].source


def test_demo_is_a_file_that_was_read_and_its_texts_are_short():
    dataset = TextDataset.demo("train", size=20)
    sample = dataset[0].sample
    assert Path(sample.file).suffix == ".tsv" and sample.first in Path(sample.file).read_text()
    tokenizer = TextTokenizer(8, TextTokenizer.Options.parse(TextDataset.demo_options))
    assert max(len(tokenizer.prepare(example.sample)["ids"]) for example in dataset) <= 40


def test_order_of_words_decides_in_the_demo():
    by_words: dict[tuple[str, ...], set[int]] = {}
    for example in TextDataset.demo("train", size=1440):
        adjectives = example.sample.first.split(" not ")[-1].split() if " but " in example.sample.first else None
        if adjectives:
            by_words.setdefault(tuple(sorted(adjectives)), set()).add(example.target)
    assert {0, 1} in by_words.values()


@pytest.mark.skipif("MT_DATA" not in os.environ, reason="MT_DATA names no folder of real data")
def test_real_sst2_is_read():
    dataset = TextDataset.open(Path(os.environ["MT_DATA"], "text", "SST-2"), "val")
    assert len(dataset) == 872
    assert dataset[0].sample.first == "it 's a charming and often affecting journey . " and dataset[0].target == 1
    assert sum(dataset.targets()) == 444

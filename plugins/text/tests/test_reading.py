"""Texts as they are found: every format, and every way in which a file can be broken."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from mt_core.contract import name_of
from mt_core.errors import InputError
from mt_plugin_text.columns import ColumnChoice
from mt_plugin_text.reading import LONGEST_TEXT, is_path, only_text, read_texts
from mt_plugin_text.text import Text
from mt_plugin_text.tokenizer import TextOptions, TextTokenizer


def written(folder: Path, content: str | bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet_of(path: Path, columns: dict[str, Any]) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def said(source: Any, **wanted: Any) -> list[Any]:
    """The texts of a source, pairs as tuples."""
    found = read_texts(source, ColumnChoice(**wanted))
    return [text.first if text.second is None else (text.first, text.second) for text in found]


# what is a text, and what a path


def test_string_is_a_text():
    for text in ("good", "Not bad. Really\nnot bad.", "either/or", "", "1.5", "x" * 100_000, "nul\0byte"):
        assert only_text(text) == Text(text)


def test_string_that_names_a_file_is_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "what it says", "notes")
    assert only_text("notes").first == "what it says"
    assert only_text(Text("notes")).first == "notes"


@pytest.mark.parametrize("name", ["gone.txt", "my reviews/gone.CSV", "gone.parquet"])
def test_string_that_ends_like_a_file_is_one_even_if_it_is_gone(name):
    with pytest.raises(InputError, match="does not exist"):
        only_text(name)


def test_lines_that_end_like_a_file_are_a_text():
    assert not is_path("Two lines,\nabout a.txt")
    assert not is_path("I read it in a.txt.")


def test_path_is_always_a_file(tmp_path):
    with pytest.raises(InputError, match="good does not exist"):
        only_text(Path("good"))
    for folder in (tmp_path, str(tmp_path)):
        with pytest.raises(InputError, match="is a folder"):
            only_text(folder)


def test_pairs_and_mappings_are_texts():
    assert said(("a", "b")) == said(["a", "b"]) == [("a", "b")]
    assert said({"id": 3, "Text": "good", "label": 1}) == ["good"]
    assert said({"premise": "a", "hypothesis": "b"}) == [("a", "b")]
    assert said({"x": "good"}) == ["good"]
    assert said({"x": "good", "y": "bad"}, text=("y",)) == ["bad"]


@pytest.mark.parametrize(
    "source", [3, None, object(), [], ["a"], ("a", "b", "c"), ("a", 1), {"label": "x"}, {"text": [1]}]
)
def test_object_that_is_no_text_is_refused(source):
    with pytest.raises(InputError) as caught:
        only_text(source)
    assert caught.value.fix


def test_what_read_gives_is_read_again_and_survives_pickling(tmp_path):
    tokenizer = TextTokenizer(8, TextOptions(embedding_width=2))
    for source in ("good", ("a", "b"), written(tmp_path, "good", "a.txt")):
        text = tokenizer.read(source)
        assert tokenizer.read(pickle.loads(pickle.dumps(text))) == text


# files


def test_text_file_is_one_text(tmp_path):
    text = 'First line\r\nsecond, "line"\n'
    path = written(tmp_path, f"\ufeff{text}", "review.txt")
    for source in (path, str(path), path.read_bytes(), text.encode("utf-16")):
        assert said(source) == ['First line\r\nsecond, "line"\n']
    assert name_of(only_text(path)) == str(path)


def test_file_of_any_other_suffix_is_one_text(tmp_path):
    assert said(written(tmp_path, "label\ttext\n1\tgood\n", "README.md")) == ["label\ttext\n1\tgood\n"]


def test_tsv_has_no_quotes(tmp_path):
    path = written(tmp_path, 'sentence\tlabel\n"unfinished , and 5\' 10" tall\t1\nfine\t0\n', "train.tsv")
    assert said(path) == ['"unfinished , and 5\' 10" tall', "fine"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_has_quotes_and_its_separator_is_found(tmp_path, separator):
    path = written(
        tmp_path, f'id{separator}review\n1{separator}"so{separator} ""so""\nla la"\n2{separator}fine\n', "a.csv"
    )
    assert said(path) == [f'so{separator} "so"\nla la', "fine"]


def test_json_lines_and_parquet_are_read(tmp_path):
    rows = [{"label": 1, "text": "good"}, {"label": 0, "text": None}, {"text": "bad", "label": 0, "more": [1]}]
    lines = written(tmp_path, "\n".join(map(json.dumps, rows)) + "\n\n", "a.jsonl")
    assert said(lines) == ["good", "", "bad"]
    path = parquet_of(tmp_path / "a.parquet", {"pixels": [[1], [2]], "text": ["good", None], "label": [1, 0]})
    assert said(path) == said(path.read_bytes()) == ["good", ""]


def test_strings_alone_are_json_lines_too(tmp_path):
    assert said(written(tmp_path, '"good"\n"b\\u00e4d"\n', "a.jsonl")) == ["good", "bäd"]


def test_content_tells_parquet_whatever_the_suffix(tmp_path):
    parquet_of(tmp_path / "a.csv", {"text": ["good"]})
    assert said(tmp_path / "a.csv") == ["good"]


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("index\tsentence", "0\tgood", "good"),
        ("headed\tContent\tlabel", "t\tgood\t1", "good"),
        ("label\tcomment_body", "1\tgood", "good"),
        ("index\tsentence1\tsentence2\tlabel", "0\ta\tb\t1", ("a", "b")),
        ("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", "0\t1\t2\ta\tb\t1", ("a", "b")),
        ("index\tquestion\tsentence\tlabel", "0\ta\tb\t1", ("a", "b")),
        ("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", "1\t2\t3\ta\tb", ("a", "b")),
        ("premise\thypothesis\tlabel", "a\tb\t1", ("a", "b")),
    ],
)
def test_columns_of_known_names_are_found(tmp_path, header, cells, expected):
    assert said(written(tmp_path, f"{header}\n{cells}\n", "a.tsv")) == [expected]


def test_columns_can_be_named_in_any_case(tmp_path):
    path = written(tmp_path, "a,b,c\n1,2,3\n", "a.csv")
    assert said(path, text=("B",)) == ["2"]
    assert said(path, text=("c", "a")) == [("3", "1")]


def test_table_without_header_is_read_where_there_is_no_doubt(tmp_path):
    assert said(written(tmp_path, "so good\nso bad\n", "a.csv")) == ["so good", "so bad"]
    assert said(written(tmp_path, "2,so good\n1,bad\n", "b.csv")) == ["so good", "bad"]
    assert said(written(tmp_path, "so good\tpos\nbad\tneg\n", "c.tsv")) == ["so good", "bad"]
    assert said(written(tmp_path, "gj04\t1\t\tOne left.\ngj04\t0\t*\tOne leave.\n", "d.tsv")) == [
        "One left.",
        "One leave.",
    ]
    assert said(written(tmp_path, '"3","Title","Story"\n', "e.csv"), text=("3",)) == ["Story"]


def test_text_says_where_it_stands(tmp_path):
    path = written(tmp_path, 'text\n"two\nlines"\nfine\n', "a.csv")
    assert [text.place for text in read_texts(path)] == ["line 3", "line 4"]
    assert name_of(next(read_texts(path))) == f"{path}, line 3"


def test_table_of_one_row_is_a_sample_and_of_more_is_none(tmp_path):
    assert only_text(written(tmp_path, "text\ngood\n", "one.csv")).first == "good"
    with pytest.raises(InputError, match=r"two\.csv holds more than one text[\s\S]*stream"):
        only_text(written(tmp_path, "text\ngood\nbad\n", "two.csv"))


def test_rows_come_before_the_file_has_been_read(tmp_path):
    found = read_texts(written(tmp_path, "text,label\n" + "good,1\n" * 50_000 + "bad,1,1\n", "a.csv"))
    assert next(found).first == "good"
    with pytest.raises(InputError, match="line 50002: 3 fields"):
        list(found)


# broken files


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty.txt": (b"", "is empty"),
    "empty.csv": (b"", "is empty"),
    "empty.jsonl": (b"", "is empty"),
    "empty.parquet": (b"", "is empty"),
    "spaces.txt": (b" \r\n\t ", "only spaces"),
    "mark.txt": ("\ufeff".encode(), "only spaces"),
    "latin.jsonl": (b'{"text": "\xe9"}\n', "line 1: the byte 0xe9"),
    "cut.txt": ("schön, schö".encode()[:-1], "line 1: the byte 0xc3"),
    "random.txt": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "line 1: the byte 0x89"),
    "random.tsv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "line 1: the byte 0x89"),
    "zeros.txt": (b"text\0text", "zero bytes"),
    "sheet.csv": (b"PK\x03\x04\x14\x00\x06\x00" + bytes(40), r"is a spreadsheet[\s\S]*CSV"),
    "header.csv": ("text,label\n", "a header but no rows"),
    "blank.tsv": ("\n\n", "has no rows"),
    "blank.jsonl": ("\n \n", "has no rows"),
    "columns.csv": (
        "id,stars,body_of_it\n1,5,good\n",
        r"no column known[\s\S]*'id', 'stars', 'body_of_it'[\s\S]*text=NAME",
    ),
    "twice.csv": ("text,label,text\na,1,b\n", "several columns called 'text'"),
    "columns.jsonl": ('{"id": 1, "stars": 2}\n', "no column known"),
    "long.csv": ("text,label\ngood,1\nso, so,1\n", "line 3: 3 fields"),
    "short.tsv": ("text\tlabel\ngood\t1\nbad\n", "line 3: 1 fields"),
    "quote.csv": ('text,label\n"good,1\nbad,0\n', "line"),
    "field.csv": ("text\n" + "x" * 200_000 + "\n", "line 2: field larger"),
    "broken.jsonl": ('{"text": "good"}\n{"text": "ba\n', "line 2: not JSON"),
    "deep.jsonl": ("[" * 100_000 + "\n", "line 1: not JSON"),
    "number.jsonl": ("1" * 10_000 + "\n", "line 1: not JSON"),
    "list.jsonl": ("[1, 2]\n", r"line 1: a int[\s\S]*one JSON object a line"),
    "nested.jsonl": ('{"text": "good"}\n{"text": {"en": "good"}}\n', "line 2: a cell holds a dict"),
    "lacking.jsonl": ('{"text": "good"}\n{"txt": "bad"}\n', "line 2: there is no 'text'"),
    "cut.parquet": (b"PAR1" + b"\x01" * 100, "cannot be read"),
    "random.parquet": (b"PAR\xfe\x81\x9c\x17\xff\x00", "UTF-8|zero bytes"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused_with_its_name_and_a_fix(tmp_path, name):
    content, message = BROKEN[name]
    for source in (written(tmp_path, content, name), str(tmp_path / name)):
        with pytest.raises(InputError, match=message) as caught:
            list(read_texts(source))
        assert name in caught.value.problem
        assert caught.value.fix


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\xfd", b"a\0b", b"PAR1PAR1"])
def test_broken_bytes_are_refused(content):
    with pytest.raises(InputError) as caught:
        list(read_texts(content))
    assert caught.value.fix


def test_broken_parquet_is_refused(tmp_path):
    whole = parquet_of(tmp_path / "a.parquet", {"text": [str(number) for number in range(1000)]})
    with pytest.raises(InputError, match=r"cut\.parquet cannot be read"):
        list(read_texts(written(tmp_path, whole.read_bytes()[:-100], "cut.parquet")))
    for name, columns, message in (
        ("none", {"text": pa.array([], pa.string())}, "has no rows"),
        ("nested", {"text": [["a"], ["b"]]}, "row 1: a cell holds a list"),
        ("bytes", {"text": [b"a"]}, "row 1: a cell holds a bytes"),
        ("columns", {"id": [1], "stars": [2]}, "no column known"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            list(read_texts(parquet_of(tmp_path / f"{name}.parquet", columns)))
        assert f"{name}.parquet" in caught.value.problem


def test_column_that_is_not_there_is_told_with_those_that_are(tmp_path):
    for name, content in (("a.csv", "text,label\ngood,1\n"), ("b.csv", "so good,1\n")):
        with pytest.raises(InputError, match=r"no column 'review'[\s\S]*columns are: '(text|1)'"):
            list(read_texts(written(tmp_path, content, name), ColumnChoice(text=("review",))))


def test_endless_line_and_endless_text_stay_out_of_memory(tmp_path):
    with pytest.raises(InputError, match=r"long\.jsonl has a line of more than"):
        list(read_texts(written(tmp_path, b'{"text": "' + b"7" * (1 << 24), "long.jsonl")))
    assert len(only_text(written(tmp_path, b"7" * (LONGEST_TEXT + 10), "long.txt")).first) == LONGEST_TEXT


def test_file_that_is_gone_is_told_of():
    with pytest.raises(InputError, match=r"gone\.csv does not exist"):
        list(read_texts(Path("gone.csv")))

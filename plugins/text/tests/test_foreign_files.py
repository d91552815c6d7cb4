"""Tables of texts as other people's programs write them, against pandas, csv and json when they are told how."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from mt_core.contract import Classification
from mt_core.errors import DatasetError, DataWarning, InputError
from mt_plugin_text.byte_pairs import clean, token_ids
from mt_plugin_text.dataset import TextDataset
from mt_plugin_text.reading import read_texts

foreign = pytest.mark.foreign_file


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def labelled(path: Path, **options: str) -> list[tuple[str, str | None]]:
    """Texts and the names of their classes."""
    dataset = TextDataset.open(path, options=TextDataset.Options.parse(options))
    assert isinstance(dataset.task, Classification)
    names = dataset.task.classes
    return [(text.first, None if target is None else names[target]) for text, target in dataset]


@contextmanager
def silence() -> Iterator[None]:
    """Nothing is told."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


TWO = [("so, so", "0"), ("very good", "1")]
BODY = 'text,label\n"so, so",0\nvery good,1\n'


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(BODY.replace("\n", "\r\n"), "t.csv", marks=foreign("Windows' line ends", "Windows", "read")),
        pytest.param(BODY.replace("\n", "\r"), "t.csv", marks=foreign("old Mac line ends", "Excel for Mac", "read")),
        pytest.param("\ufeff" + BODY, "t.csv", marks=foreign("a byte order mark", "Excel", "read")),
        pytest.param(BODY.encode("utf-16"), "t.csv", marks=foreign("UTF-16", "Excel, Unicode text", "read")),
        pytest.param(
            BODY.replace(",0", ";0").replace(",1", ";1").replace("t,l", "t;l"),
            "t.csv",
            marks=foreign("semicolons", "Excel in Europe", "read"),
        ),
        pytest.param("sep=,\n" + BODY, "t.csv", marks=foreign("a first line sep=,", "Excel", "read")),
        pytest.param('label,text\n0,"so, so"\n1,very good\n', "t.csv", marks=foreign("the label first", "any", "read")),
        pytest.param(
            "0\tso, so\n1\tvery good\n", "t.tsv", marks=foreign("no header, the label first", "benchmarks", "read")
        ),
        pytest.param(
            pd.read_csv(io.StringIO(BODY)).to_csv(), "t.csv", marks=foreign("numbers of rows first", "pandas", "read")
        ),
        pytest.param(
            'Review Text,Sentiment\n"so, so",0\nvery good,1\n',
            "t.csv",
            marks=foreign("names of several words, in capitals", "Kaggle", "read"),
        ),
        pytest.param(
            '{"text": "so, so", "label": 0}\n\n{"label": 1, "text": "very good", "more": null}\n',
            "t.jsonl",
            marks=foreign("JSON lines with keys in another order", "web services", "read"),
        ),
        pytest.param(
            json.dumps([{"text": "so, so", "label": 0}, {"text": "very good", "label": 1}], indent=1),
            "t.jsonl",
            marks=foreign("a JSON list in a file called .jsonl", "web services", "read"),
        ),
        pytest.param(
            json.dumps([{"text": "so, so", "label": 0}, {"text": "very good", "label": 1}]),
            "t.json",
            marks=foreign("a JSON list in a file called .json", "web services", "read"),
        ),
        pytest.param(
            '{"text": "so, so", "label": 0}\n{"text": "very good", "label": 1}\n',
            "t.json",
            marks=foreign("JSON lines in a file called .json", "Hugging Face, MongoDB", "read"),
        ),
    ],
)
def test_what_programs_do_to_a_table_changes_none_of_its_texts(tmp_path: Path, content: str | bytes, name: str) -> None:
    with silence():
        assert labelled(written(tmp_path, content, name)) == TWO


@foreign("line ends, commas and quotes within quotes", "web scrapers, Excel", "read")
def test_quoted_texts_go_over_lines(tmp_path: Path) -> None:
    content = 'text,label\n"one\r\ntwo, ""three""",a\n"\tfour",b\n'
    expected = [(row["text"], row["label"]) for row in csv.DictReader(io.StringIO(content, newline=""))]
    assert labelled(written(tmp_path, content)) == expected


@foreign("columns of JSON in a file called .json", "pandas, to_json", "refused")
def test_columns_of_json_are_no_texts(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"text": ["so, so", "very good"], "label": [0, 1]}), "t.json")
    with pytest.raises(InputError, match="a cell holds a list, not a text"):
        list(read_texts(path))


@foreign("quotes that do not end, between tabs", "GLUE, KorNLI", "read: quotes are characters")
def test_quotes_between_tabs_are_characters(tmp_path: Path) -> None:
    content = 'sentence\tlabel\n"I am happy, he said\t1\nHe said "no\t0\n"\t1\n'
    expected = pd.read_csv(io.StringIO(content), sep="\t", quoting=csv.QUOTE_NONE, dtype=str)
    with silence():
        found = labelled(written(tmp_path, content, "t.tsv"))
    assert found == list(expected.itertuples(index=False, name=None))


@foreign("quotes between tabs as in CSV", "pandas' to_csv(sep=tab)", "read, told: quotes as in CSV")
def test_quotes_that_pandas_wrote_are_no_characters(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ['He said "hi" to me', "fine"], "label": ["1", "0"]})
    path = tmp_path / "t.tsv"
    frame.to_csv(path, sep="\t", index=False)
    with pytest.warns(DataWarning, match="quotes between tabs as those of CSV"):
        assert labelled(path) == list(frame.itertuples(index=False, name=None))


@foreign("a tab within a text", "QQP", "refused: names the line")
def test_a_tab_too_many_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 3: 3 fields, where there are 2 columns"):
        list(read_texts(written(tmp_path, "text\tlabel\nfine\t1\nnot\tfine\t0\n", "t.tsv")))


@foreign("HTML's escapes", "web scrapers, IMDb", "read: undone")
def test_escapes_of_html_are_undone() -> None:
    assert clean("Tom &amp; Jerry &lt;3 &amp;quot;fun&amp;quot;") == 'tom & jerry <3 "fun"'
    assert token_ids("caf&eacute; &#39;x&#39;") == token_ids("café 'x'")


@foreign("UTF-8 that was read as Latin-1 once", "web scrapers", "read: repaired")
def test_text_that_was_decoded_wrongly_once_is_repaired() -> None:
    assert clean("cafÃ© â€œfineâ€\x9d") == clean("café “fine”")


@foreign("half a character (\\ud83d)", "JavaScript that cuts texts", "read")
def test_half_a_character_is_read(tmp_path: Path) -> None:
    first, _ = read_texts(written(tmp_path, '{"text": "good \\ud83d"}\n{"text": "bad"}\n', "t.jsonl"))
    assert token_ids(first.first)[0] == token_ids("good")[0]


@foreign("accents in Windows-1252", "SMS Spam, Sentiment140, Excel", "read, told")
def test_windows_1252_is_read_and_told(tmp_path: Path) -> None:
    content = "text,label\nschön hier,1\nnaïve,0\n".encode("cp1252")
    with pytest.warns(DataWarning, match="text that is not UTF-8, as Windows-1252"):
        found = labelled(written(tmp_path, content))
    assert [text for text, _ in found] == pd.read_csv(io.BytesIO(content), encoding="cp1252")["text"].tolist()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        pytest.param("shift-jis", "これは良い", marks=foreign("Shift-JIS", "Japan", "refused: names iconv")),
        pytest.param("gb18030", "这很好", marks=foreign("GB 18030", "China", "refused: names iconv")),
        pytest.param("euc-kr", "아주 좋아요", marks=foreign("EUC-KR", "Korea", "refused: names iconv")),
        pytest.param("koi8-r", "это хорошо", marks=foreign("KOI8-R", "Russia", "refused: names iconv")),
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, encoding: str, text: str) -> None:
    with pytest.raises(InputError, match=r"line 2: the byte .* is not UTF-8[\s\S]*iconv"):
        list(read_texts(written(tmp_path, f"text,label\n{text},1\n".encode(encoding))))


@foreign("0.0/1.0 in the training table, 0/1 in the test table", "pandas, after a gap", "read: the same classes")
def test_labels_are_equal_as_numbers(tmp_path: Path) -> None:
    train = "text,label\nfine,1.0\nbad,0.0\nso so,\n"
    assert labelled(written(tmp_path, train)) == [("fine", "1"), ("bad", "0"), ("so so", None)]
    task = TextDataset.open(tmp_path / "table.csv").task
    other = TextDataset.open(written(tmp_path, "text,label\nfine,1\nbad,0\n", "other.csv"), task=task)
    assert list(other.targets()) == [1, 0]


@foreign("true and True as labels", "JSON and Python", "read: one class")
def test_booleans_are_one_class(tmp_path: Path) -> None:
    content = '{"text": "a", "label": true}\n{"text": "b", "label": "True"}\n{"text": "c", "label": false}\n'
    assert [label for _, label in labelled(written(tmp_path, content, "t.jsonl"))] == ["True", "True", "False"]


@foreign("Positive and positive as labels", "people", "read, told: two classes")
def test_classes_that_differ_in_capitals_are_told(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="Positive and positive as two classes"):
        labelled(written(tmp_path, "text,label\nfine,Positive\ngood,positive\nbad,negative\n"))


@foreign("several columns of texts (title, text)", "news, shop reviews", "read, told: the first known; option text")
def test_other_texts_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "title,text,label\nNews,so so,0\nMore,very good,1\n")
    with pytest.warns(DataWarning, match="left out: the texts in title beside text"):
        assert [text for text, _ in labelled(path)] == ["so so", "very good"]
    assert [text for text, _ in labelled(path, text="title")] == ["News", "More"]


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@foreign("a header of unknown names (Comment by user, Liked)", "surveys", "read, told; training asks for the label")
def test_a_header_of_unknown_names_is_no_text(tmp_path: Path) -> None:
    path = written(tmp_path, "What they said,Liked\nI like it,1\nI hate it,0\nno way,0\n")
    assert [text.first for text in read_texts(path)] == ["I like it", "I hate it", "no way"]
    with pytest.raises(DatasetError, match="no labels"):
        TextDataset.open(path)
    assert labelled(path, label="Liked") == [("I like it", "1"), ("I hate it", "0"), ("no way", "0")]


@foreign("a column of texts under an unknown name, beside numbers", "Kaggle", "read, told: which")
def test_the_only_column_of_texts_is_found_by_its_cells(tmp_path: Path) -> None:
    lines = [f"{row},{row % 3},words that user {row} wrote,{row % 2}" for row in range(6)]
    with pytest.warns(DataWarning, match="the column What as that of the texts"):
        found = labelled(written(tmp_path, "\n".join(["Id,Group,What,Sentiment", *lines])))
    assert found[1] == ("words that user 1 wrote", "1")


@foreign("a class, a title and a text, no header", "AG News, DBpedia, Amazon", "read, told: a pair and its label")
def test_a_class_a_title_and_a_text_are_known(tmp_path: Path) -> None:
    content = '"3","Wall St. Bears","Short sellers, again"\n"4","Carlyle Looks Up","A private firm"\n'
    with pytest.warns(DataWarning, match="columns 2 and 3 as a pair of texts, and 1 as its label"):
        dataset = TextDataset.open(written(tmp_path, content))
    texts = [(text.first, text.second) for text, _ in dataset]
    assert texts == pd.read_csv(io.StringIO(content), header=None)[[1, 2]].apply(tuple, axis=1).tolist()
    assert dataset.task == Classification(classes=("3", "4"))


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        pytest.param(
            "v1,v2,,,\nham,Go there,,,\nspam,Free entry,,,\n",
            "t.csv",
            r"no column known to hold texts[\s\S]*option text=NAME",
            marks=foreign("names that say nothing (v1, v2)", "SMS Spam", "refused: asks for the option text"),
        ),
        pytest.param(
            '{"text": {"en": "good"}}\n',
            "t.jsonl",
            "holds a dict",
            marks=foreign("a text in a structure", "web services", "refused"),
        ),
        pytest.param(
            '{"text": "good",\n "label": 1}\n',
            "t.jsonl",
            "line 1: not JSON",
            marks=foreign("objects over several lines", "any", "refused"),
        ),
        pytest.param(
            "text,label\nso, so,0\nfine,1\n",
            "t.csv",
            "line 2: 3 fields",
            marks=foreign("a comma without quotes", "people", "refused"),
        ),
        pytest.param(
            "id,stars\n1,2\n2,3\n", "t.csv", "no column known", marks=foreign("a table without texts", "any", "refused")
        ),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, content: str, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        list(read_texts(written(tmp_path, content, name)))
    assert name in str(caught.value) and caught.value.fix

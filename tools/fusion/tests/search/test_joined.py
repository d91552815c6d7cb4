"""Columns of a table in an index."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mt_fusion import SearchError, build_index, search


@pytest.fixture
def vectors(write_vectors):
    return write_vectors("v.parquet", np.eye(3))


def found_by(index, where=None):
    """The numbers of the sources that are found, v-0.jpg being 0."""
    return sorted(int(record["source"][-5]) for record in search(index, np.ones((1, 3)), k=3, where=where)[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("items.csv", "source,price,colour\nv-2.jpg,5,red\nv-0.jpg,25.5,blue\nother.jpg,1,red\n"),
        ("items.csv", "\ufeffsource;price;colour\nv-2.jpg;5;red\nv-0.jpg;25.5;blue\n"),
        ("items.tsv", "source\tprice\tcolour\nv-2.jpg\t5\tred\nv-0.jpg\t25.5\tblue\n"),
        ("items.jsonl", '{"source": "v-2.jpg", "price": 5, "colour": "red"}\n'
         '{"source": "v-0.jpg", "price": 25.5, "colour": "blue"}\n'),
    ],
)  # fmt: skip
def test_columns_of_a_table_are_conditions_and_results(vectors, tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    index = build_index(vectors, tmp_path / "i", table=tmp_path / name)
    assert found_by(index, "price < 20") == [2]
    assert found_by(index, 'colour == "blue"') == [0]
    assert found_by(index, "price is None") == [1]
    best = search(index, np.eye(3)[2:], k=1)[0][0]
    assert (best["price"], best["colour"]) == (5, "red")
    assert index.record["table"]["matched"] == 2


def test_a_table_may_be_parquet_with_columns_of_any_kind(vectors, tmp_path):
    table = pa.table(
        {
            "file": ["v-0.jpg", "v-1.jpg"],
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "exact": pa.array([1, 2], pa.decimal128(5, 2)),
            "tags": [["x"], ["y", "z"]],
            "day": pa.array([0, 1], pa.date32()),
        }
    )
    pq.write_table(table, tmp_path / "items.parquet")
    index = build_index(vectors, tmp_path / "i", table=tmp_path / "items.parquet", key="file")
    assert found_by(index, 'kind == "b" and exact > 1.5 and tags.contains("z") and day == "1970-01-02"') == [1]
    assert search(index, np.eye(3)[:1], k=1)[0][0]["day"] == "1970-01-01"


def test_paths_are_matched_from_the_folder_of_the_table(write_vectors, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "items.csv").write_text("image,price\na0.jpg,5\nsub/a1.jpg,6\n")
    sources = ["photos/a0.jpg", os.path.join(tmp_path, "photos/sub/../sub/a1.jpg"), "photos/a2.jpg"]
    vectors = write_vectors("v.parquet", np.eye(3), sources)
    index = build_index(vectors, tmp_path / "i", table="photos/items.csv", key="image")
    assert [row["price"] for row in index.rows(range(3))] == [5, 6, None]


def test_rows_of_a_file_are_matched_by_a_second_key(write_vectors, tmp_path):
    vectors = write_vectors("v.parquet", np.eye(3), ["a.csv", "a.csv", "b.csv"], rows=[0, 1, 0])
    (tmp_path / "items.csv").write_text("source,row,price\na.csv,1,5\nb.csv,0,6\n")
    index = build_index(vectors, tmp_path / "i", table=tmp_path / "items.csv", key=["source", "row"])
    assert [row["price"] for row in index.rows(range(3))] == [None, 5, 6]


def test_names_that_the_index_has_itself_get_the_name_of_the_table(vectors, tmp_path):
    (tmp_path / "items.csv").write_text("source,size,score\nv-0.jpg,40,9\n")
    index = build_index(vectors, tmp_path / "i", table=tmp_path / "items.csv")
    assert index.record["table"]["renamed"] == {"size": "items_size", "score": "items_score"}
    assert found_by(index, "items_size == 40") == [0]


@pytest.mark.parametrize(
    ("content", "key", "says"),
    [
        ("source,price\nv-0.jpg,1\nv-0.jpg,2\n", "source", "has 2 rows for v-0.jpg"),
        ("file,price\nv-0.jpg,1\n", "source", "has no column source\n  fix: --key names the column"),
        ("file,price\nv-0.jpg,1\n", "fil", r"has no column fil; did you mean file\?"),
        (
            "source,price\nx.jpg,1\n",
            "source",
            "no source is a source of the vectors; there is 'x.jpg', they have 'v-0.jpg'",
        ),
        ("source,price,price\nv-0.jpg,1,2\n", "source", "has two columns called price"),
        ("source,price\nv-0.jpg,1,2\n", "source", r"items.csv cannot be read \(CSV parse error"),
        ("", "source", r"items.csv cannot be read \(Empty CSV"),
        ("source,rownum\nv-0.jpg,x\n", ["source", "rownum"], "the column rownum holds no row numbers"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(vectors, tmp_path, content, key, says):
    (tmp_path / "items.csv").write_text(content)
    with pytest.raises(SearchError, match=says):
        build_index(vectors, tmp_path / "i", table=tmp_path / "items.csv", key=key)
    assert not list(tmp_path.glob("i.*")) and not (tmp_path / "i").exists()


@pytest.mark.parametrize(("name", "says"), [("no.csv", "does not exist"), ("items.xlsx", ".xlsx is no table")])
def test_what_is_no_table_is_refused(vectors, tmp_path, name, says):
    (tmp_path / "items.xlsx").write_bytes(b"PK")
    with pytest.raises(SearchError, match=says):
        build_index(vectors, tmp_path / "i", table=tmp_path / name)


def test_a_table_in_another_encoding_is_refused(vectors, tmp_path):
    (tmp_path / "items.csv").write_bytes("source,name\nv-0.jpg,caf\xe9\n".encode("latin-1"))
    with pytest.raises(SearchError, match="in UTF-8"):
        build_index(vectors, tmp_path / "i", table=tmp_path / "items.csv")

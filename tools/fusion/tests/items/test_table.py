import json

import pytest

from mt_core.errors import DatasetError, DataWarning, InputError
from mt_fusion.items.opening import open_items
from mt_fusion.items.table import read_table


def test_empty_cells_and_marks_of_missing_values_are_none(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("a,b\n1,\nNA,x\n")
    found = read_table(path)
    assert found.rows == [{"a": "1", "b": None}, {"a": None, "b": "x"}]
    assert found.places[1].endswith("items.csv, line 3")


def test_a_row_of_json_may_lack_keys(tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_text('{"a": [1, 2], "b": "x"}\n\n{"b": "y"}\n')
    assert read_table(path).rows == [{"a": [1, 2], "b": "x"}, {"a": None, "b": "y"}]


def test_parquet_keeps_lists_and_numbers(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"photos": [["a.jpg", "b.jpg"], []], "price": [1.5, None]}), path)
    assert read_table(path).rows == [{"photos": ["a.jpg", "b.jpg"], "price": 1.5}, {"photos": None, "price": None}]


def test_the_column_of_row_numbers_without_a_name_is_left_out(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text(",a\n0,x\n1,y\n")
    with pytest.warns(DataWarning, match="column without a name"):
        assert read_table(path).names == ("a",)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", "a,b,a\n1,2,3\n", "several columns called 'a'"),
        ("t.csv", "a,b\n", "no rows"),
        ("t.csv", "", "empty"),
        ("t.jsonl", '{"a": 1, "a": 2}\n', "line 1: .*'a' stands there twice"),
        ("t.jsonl", "[1]\n", "line 1: no JSON object"),
        ("t.parquet", "PAR1 and nothing more", "cannot be read"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_table(path)


def test_a_column_called_split_divides_the_table(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("a,split\n1,train\n2,test\n3,train\n")
    _, tables = open_items(path)
    assert {name: [row["a"] for row in each.rows] for name, each in tables.items()} == {
        "train": ["1", "3"],
        "test": ["2"],
    }


def test_folders_of_files_are_rows(tmp_path):
    for item in ("one", "two", "three"):
        folder = tmp_path / item
        folder.mkdir()
        (folder / "photo.png").write_bytes(b"x")
        (folder / "about.txt").write_text("words")
    (tmp_path / "two" / "about.txt").unlink()
    (tmp_path / "labels.jsonl").write_text(
        "".join(json.dumps({"item": i, "y": i[0]}) + "\n" for i in ("one", "two", "three"))
    )
    (tmp_path / "labels.jsonl").rename(tmp_path / "more.jsonl")
    layout, tables = open_items(tmp_path)
    rows = {row["item"]: row for row in tables[""].rows}
    assert layout == "folders"
    assert rows["one"] == {"item": "one", "photo": ["one/photo.png"], "about": ["one/about.txt"], "y": "o"}
    assert rows["two"]["about"] is None


def test_a_split_that_is_none_is_refused_with_its_line(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("a,split\n1,train\n2,holdout\n")
    with pytest.raises(DatasetError, match=r"items\.csv, line 3: the column 'split' says 'holdout'"):
        open_items(path)

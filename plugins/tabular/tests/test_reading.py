"""Tables as they are found: every format, and every way in which a file can be broken."""

import gzip
from contextlib import nullcontext
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from mt_core.errors import DataWarning, InputError
from mt_plugin_tabular.cells import category_name, to_cell
from mt_plugin_tabular.reading import only_row, read_rows

ADULT = "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, 2174, 0, 40, Cuba, <=50K"


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found(tmp_path: Path, separator: str) -> None:
    path = written(tmp_path, f"a{separator}b\n1{separator}x y\n2{separator}z\n")
    assert list(read_rows(path)) == [{"a": "1", "b": "x y"}, {"a": "2", "b": "z"}]


def test_one_column_is_a_table(tmp_path: Path) -> None:
    assert list(read_rows(written(tmp_path, "a\n1\n2\n"))) == [{"a": "1"}, {"a": "2"}]


def test_file_without_header_gets_numbered_columns(tmp_path: Path) -> None:
    assert next(read_rows(written(tmp_path, "1,x\n2,y\n"))) == {"column_1": "1", "column_2": "x"}


def test_header_can_be_given(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\nx,y\n")
    assert next(read_rows(path, header="no")) == {"column_1": "a", "column_2": "b"}
    assert list(read_rows(written(tmp_path, "1,2\nx,y\n"), header="yes")) == [{"1": "x", "2": "y"}]


def test_quotes_line_ends_blank_lines_and_byte_order_mark_are_understood(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeffa,b\r\n"x, y","say ""so"""\r\n\r\n1,2')
    assert list(read_rows(path)) == [{"a": "x, y", "b": 'say "so"'}, {"a": "1", "b": "2"}]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_what_spreadsheets_export_is_read_and_told_where_it_is_a_guess(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "stadt\tpreis\nMünchen\t5 €\n".encode(encoding))
    with (
        pytest.warns(DataWarning, match=r"table\.csv: reinterpreted: text that is not UTF-8")
        if encoding == "cp1252"
        else nullcontext()
    ):
        assert list(read_rows(path)) == [{"stadt": "München", "preis": "5 €"}]


def test_row_numbers_of_a_data_frame_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",a\n0,x\n1,y\n", encoding="utf-8")  # as DataFrame.to_csv writes them
    assert list(read_rows(path)) == [{"a": "x"}, {"a": "y"}]


@pytest.mark.parametrize("token", ["", "?", "NA", "NaN", "nan", "null", "NULL", "None"])
def test_token_for_a_missing_value_is_missing(tmp_path: Path, token: str) -> None:
    assert list(read_rows(written(tmp_path, f"a,b\n1,{token}\n"))) == [{"a": "1", "b": None}]


def test_packed_text_and_bytes_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    text = b"a,b\n1,x\n,y\n"
    table = pa.table({"a": ["1", None], "b": ["x", "y"]})
    parquet.write_table(table, tmp_path / "t.parquet")
    expected = [{"a": "1", "b": "x"}, {"a": None, "b": "y"}]
    for source in (
        text,
        written(tmp_path, text),
        written(tmp_path, gzip.compress(text), "t.csv.gz"),
        tmp_path / "t.parquet",
        str(tmp_path / "t.parquet"),
    ):
        assert list(read_rows(source)) == expected


def test_parquet_types_become_cells(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": [1, None],
            "f": [0.5, float("nan")],
            "b": [True, False],
            "d": [datetime(2024, 2, 29), None],
            "c": pa.array(["u", "v"]).dictionary_encode(),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    first, second = read_rows(tmp_path / "t.parquet")
    assert first == {"i": 1.0, "f": 0.5, "b": "True", "d": "2024-02-29T00:00:00", "c": "u"}
    assert second == {"i": None, "f": None, "b": "False", "d": None, "c": "v"}


def test_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1.0]}), tmp_path / "t.csv")
    assert list(read_rows(tmp_path / "t.csv")) == [{"a": 1.0}]


def test_objects_in_memory_are_tables() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "t": pd.to_datetime(["2024-01-01", None])})
    expected = [{"a": 1.0, "b": "x", "t": "2024-01-01T00:00:00"}, {"a": 2.0, "b": None, "t": None}]
    assert list(read_rows(frame)) == expected
    assert list(read_rows(frame.to_dict("records"))) == expected
    assert only_row(frame.iloc[0]) == expected[0]
    assert only_row(expected[0]) == expected[0]
    assert next(read_rows(np.array([[1.0, np.nan], [2.0, 3.0]]))) == {"column_1": 1.0, "column_2": None}
    assert only_row(np.array([1, 2])) == {"column_1": 1.0, "column_2": 2.0}


def test_values_become_cells() -> None:
    values = [True, 3, np.float32(0.5), Decimal("1.5"), " x ", np.int64(2), b"y", np.datetime64("2024-01-01")]
    assert [to_cell(value) for value in values] == ["True", 3.0, 0.5, 1.5, "x", 2.0, "y", "2024-01-01"]
    assert [to_cell(value) for value in (time(9, 30), timedelta(minutes=1))] == ["09:30:00", 60.0]
    with pytest.warns(DataWarning, match="infinite numbers"):
        assert [to_cell(value) for value in (float("inf"), float("-inf"), float("nan"), 10**400)] == [None] * 4


def test_what_a_data_frame_has_for_missing_is_missing() -> None:
    pd = pytest.importorskip("pandas")
    assert to_cell(pd.NA) is None and to_cell(pd.NaT) is None


def test_whole_numbers_are_one_category_however_written() -> None:
    assert {category_name(value) for value in (3.0, "3", "3.0", "03")} == {"3"}
    assert category_name("x1") == "x1"


def test_adult_files_are_read_as_they_are(tmp_path: Path) -> None:
    train = only_row(written(tmp_path, ADULT + "\n\n", "adult.data"))
    test = only_row(written(tmp_path, f"|1x3 Cross validator\n{ADULT}.\n\n", "adult.test"))
    assert train == test
    assert (train["age"], train["occupation"], train["native-country"], train["income"]) == (
        "39",
        None,
        "Cuba",
        "<=50K",
    )


def test_file_of_several_rows_is_no_sample(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table\.csv holds more than one row[\s\S]*stream"):
        only_row(written(tmp_path, "a\n1\n2\n"))


NOISE = np.random.default_rng(0).bytes(2000)
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty.csv": (b"", "is empty"),
    "header.csv": ("a,b\n", "a header but no rows"),
    "blank.csv": ("\n\n", "no rows"),
    "zeros.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "not UTF-8|zero bytes"),
    "nul.csv": (b"a,b\n1,\x00\n", "zero bytes"),
    "mixed.csv": ("stadt,\nKöln,\n".encode() + "München,\n".encode("latin-1"), r"line 3: .* not UTF-8[\s\S]*iconv"),
    "long.csv": ("a,b\n1,2\n1,2,3\n", "line 3: 3 fields, where there are 2 columns"),
    "short.csv": ("a,b\n1,2\n1\n", "line 3: 1 fields"),
    "twice.csv": ("a,b,a\n1,2,3\n", "several columns called 'a'"),
    "quote.csv": ('a,b\n"1,2\n3,4\n', "line"),
    "cut.csv.gz": (gzip.compress(b"a,b\n" + NOISE.hex().encode())[:1000], "cannot be read"),
    "cut.parquet": (b"PAR1" + b"\x01" * 100, "cannot be read"),
    "table.xlsx": (b"PK\x03\x04\x14\x00\x06\x00" + bytes(40), "an Excel workbook"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused_with_its_name_and_a_fix(tmp_path: Path, name: str) -> None:
    content, message = BROKEN[name]
    with pytest.raises(InputError, match=message) as caught:
        list(read_rows(written(tmp_path, content, name)))
    assert name in caught.value.problem
    assert caught.value.fix


def test_truncated_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"t\.parquet cannot be read"):
        list(read_rows(path))


def test_parquet_without_rows_or_with_lists_is_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "none.parquet")
    with pytest.raises(InputError, match=r"none\.parquet has no rows"):
        list(read_rows(tmp_path / "none.parquet"))
    parquet.write_table(pa.table({"a": [[1, 2]]}), tmp_path / "lists.parquet")
    with pytest.raises(InputError, match=r"lists\.parquet: 'a' holds lists"):
        list(read_rows(tmp_path / "lists.parquet"))


def test_line_without_end_stays_out_of_memory(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n" + b"7" * ((1 << 24) + 10))
    with pytest.raises(InputError, match="line of more than"):
        list(read_rows(path))


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(read_rows(tmp_path / "none.csv"))
    with pytest.raises(InputError, match="is a folder"):
        list(read_rows(tmp_path))


@pytest.mark.parametrize("source", [3, None, object(), [1, {}], np.zeros((2, 2, 2)), {"a": [1, 2]}])
def test_object_that_is_no_table_is_refused(source: object) -> None:
    with pytest.raises(InputError):
        list(read_rows(source))


def test_data_frame_with_two_columns_of_one_name_is_refused() -> None:
    pd = pytest.importorskip("pandas")
    with pytest.raises(InputError, match="several columns called 'a'"):
        list(read_rows(pd.DataFrame([[1, 2]], columns=["a", "a"])))


def test_rows_come_before_the_file_has_been_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "1,2\n" * 100_000 + "1,2,3\n")
    found = read_rows(path)
    assert next(found) == {"a": "1", "b": "2"}
    with pytest.raises(InputError, match="line 100002"):
        list(found)


def test_what_a_masked_array_hides_is_missing():
    hidden = np.ma.masked_array([[1.0, -999.0], [2.0, 3.0]], mask=[[False, True], [False, False]])
    assert list(read_rows(hidden)) == [{"column_1": 1.0, "column_2": None}, {"column_1": 2.0, "column_2": 3.0}]


def test_a_table_of_arrow_keeps_its_names_and_its_cells():
    """Its array has no names, and dates as numbers."""
    table = pa.table(
        {"when": pa.array([0], pa.timestamp("ns")), "wait": pa.array([90], pa.duration("s")), "city": ["Ulm"]}
    )
    assert list(read_rows(table)) == [{"when": "1970-01-01T00:00:00", "wait": 90.0, "city": "Ulm"}]


def test_nested_lists_are_rows():
    assert list(read_rows([[1, "a"], [2.5, None]])) == [
        {"column_1": 1, "column_2": "a"},
        {"column_1": 2.5, "column_2": None},
    ]
    assert only_row([1, "a"]) == {"column_1": 1.0, "column_2": "a"}


def test_periods_and_intervals_of_pandas_are_texts():
    frame = pd.DataFrame({"month": pd.period_range("2020-01", periods=2, freq="M"), "age": pd.cut([3, 7], [0, 5, 10])})
    assert list(read_rows(frame)) == [{"month": "2020-01", "age": "(0, 5]"}, {"month": "2020-02", "age": "(5, 10]"}]


def test_a_sparse_matrix_is_refused_with_what_to_do():
    sparse = pytest.importorskip("scipy.sparse").csr_array([[0, 1], [2, 0]])
    with pytest.raises(InputError, match="is sparse") as caught:
        list(read_rows(sparse))
    assert "toarray" in caught.value.fix


def test_a_structure_in_json_is_refused_with_its_record_and_column(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1}\n{"a": {"b": 2}}\n', "t.jsonl")
    with pytest.raises(InputError, match=r"t\.jsonl, record 2: column 'a': a dict is no cell"):
        list(read_rows(path))

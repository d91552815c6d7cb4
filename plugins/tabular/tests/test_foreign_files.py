"""Tables as other people's programs write them, against pandas where it reads them when told how."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from mt_core.contract import Example
from mt_core.errors import DataWarning, InputError
from mt_plugin_tabular.dataset import TabularDataset
from mt_plugin_tabular.reading import read_rows
from mt_plugin_tabular.tokenizer import TabularTokenizer

foreign = pytest.mark.foreign_file

ROWS = [{"city": "Ulm", "pop": "126"}, {"city": "Bonn", "pop": "331"}, {"city": "Jena", "pop": "111"}]
BODY = "city,pop\nUlm,126\nBonn,331\nJena,111\n"


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("sep=;\n" + BODY.replace(",", ";"), marks=foreign("a first line sep=;", "Excel", "read")),
        pytest.param("# made 2020-01-01\n# by x, y\n" + BODY, marks=foreign("comments above", "any", "read")),
        pytest.param("\ufeff" + BODY.replace("\n", "\r\n"), marks=foreign("byte order mark, CRLF", "Excel", "read")),
        pytest.param(BODY.encode("utf-16"), marks=foreign("UTF-16", "Excel, Unicode text", "read")),
        pytest.param(BODY.encode("utf-16-le"), marks=foreign("UTF-16 without a mark", "SQL Server", "read")),
        pytest.param(BODY.replace("\n", ",\n"), marks=foreign("a separator at the end of all lines", "any", "read")),
        pytest.param(
            BODY.replace("126", "126,").replace("331", "331,").replace("111", "111,,"),
            marks=foreign("separators at the end of rows only; pandas shifts the columns", "spreadsheets", "read"),
        ),
        pytest.param(BODY.replace("pop\n", "pop,,\n"), marks=foreign("empty names at the end", "Excel", "read")),
        pytest.param(BODY.replace(",", " , "), marks=foreign("blanks around separators", "people", "read")),
        pytest.param(BODY + "\n\n,\n".replace(",", ""), marks=foreign("empty lines at the end", "any", "read")),
        pytest.param(BODY.replace(",", "\t"), marks=foreign("tabs in a file called .csv", "any", "read")),
        pytest.param(
            "| city | pop |\n|:-----|----:|\n| Ulm | 126 |\n| Bonn | 331 |\n| Jena | 111 |\n",
            marks=foreign("a frame of |---|", "Markdown", "read: without the frame"),
        ),
        pytest.param(
            "+----+\n| city | pop |\n+----+\n| Ulm  | 126 |\n| Bonn | 331 |\n| Jena | 111 |\n+----+\n",
            marks=foreign("a frame of +----+", "mysql", "read: without the frame"),
        ),
        pytest.param(
            " city | pop \n------+-----\n Ulm  | 126\n Bonn | 331\n Jena | 111\n(3 rows)\n",
            marks=foreign("a frame of ----+----, and (3 rows) below", "psql", "read: without the frame"),
        ),
        pytest.param(BODY.replace(",", "|"), marks=foreign("bars in a file called .csv", "mainframes", "read")),
        pytest.param(BODY.replace(",", "   "), marks=foreign("columns at blanks", "Fortran, UCI's .data", "read")),
        pytest.param(
            pd.read_csv(io.StringIO(BODY)).to_csv(), marks=foreign("numbers of rows, without a name", "pandas", "read")
        ),
        pytest.param(
            pd.read_csv(io.StringIO(pd.read_csv(io.StringIO(BODY)).to_csv())).to_csv(index=False),
            marks=foreign("a column Unnamed: 0", "pandas, saved twice", "read: left out"),
        ),
        pytest.param(
            '"city" "pop"\n"1" "Ulm" 126\n"2" "Bonn" 331\n"3" "Jena" 111\n',
            marks=foreign("one name fewer than columns", "R's write.table", "read"),
        ),
        pytest.param(
            '{"city": "Ulm", "pop": "126"}\n{"city": "Bonn", "pop": "331"}\n\n{"city": "Jena", "pop": "111"}\n',
            marks=foreign("JSON lines in a file called .csv", "web services", "read"),
        ),
        pytest.param(
            pd.read_csv(io.StringIO(BODY), dtype=str).to_json(orient="records"),
            marks=foreign("a JSON list of objects", "web services", "read"),
        ),
    ],
)
def test_what_programs_put_around_the_data_changes_none_of_them(tmp_path: Path, content: str | bytes) -> None:
    assert list(read_rows(written(tmp_path, content))) == ROWS


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(
            "Cities of Germany\n\n" + BODY.replace("\n", ",x\n"),
            "left out: lines of text above the header",
            marks=foreign("a title above the header", "Excel, statistics offices", "read, told: left out"),
        ),
        pytest.param(
            "Cities,,\n" + BODY.replace("\n", ",x\n"),
            "left out: lines of text above the header",
            marks=foreign("a title with empty cells beside it", "Excel", "read, told: left out"),
        ),
        pytest.param(
            BODY + "Total,568\n",
            "left out: a last row of totals",
            marks=foreign("a row of totals at the end", "Excel, pivot tables", "read, told: left out"),
        ),
        pytest.param(
            ",city,pop\nDE1,Ulm,126\nDE2,Bonn,331\nDE3,Jena,111\n",
            "left out: a column without a name",
            marks=foreign("a column without a name that is no row number", "pandas", "read, told: left out"),
        ),
    ],
)
def test_what_is_left_out_is_told(tmp_path: Path, content: str, told: str) -> None:
    with pytest.warns(DataWarning, match=told):
        found = [{name: row[name] for name in ("city", "pop")} for row in read_rows(written(tmp_path, content))]
    assert found == ROWS


@foreign("a row that is called Total among others", "groups in pivot tables", "read: a row like others")
def test_totals_within_the_table_stay(tmp_path: Path) -> None:
    assert len(list(read_rows(written(tmp_path, BODY + "Total,568\nGotha,45\nTotal,45\n")))) == 6


@foreign("accents in Windows-1252", "Excel", "read, told")
def test_windows_1252_is_read_and_told(tmp_path: Path) -> None:
    content = "stadt,land\nMünchen,Österreich\nKöln,x\n"
    with pytest.warns(DataWarning, match="text that is not UTF-8, as Windows-1252"):
        found = list(read_rows(written(tmp_path, content.encode("cp1252"))))
    assert found == pd.read_csv(io.BytesIO(content.encode("cp1252")), encoding="cp1252").to_dict("records")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        pytest.param(
            "名前,年\n太郎,3\n".encode("shift-jis"),
            "t.csv",
            "not UTF-8[\\s\\S]*shift-jis",
            marks=foreign("Shift-JIS", "Excel in Japanese", "refused: names iconv"),
        ),
        pytest.param(
            "имя,год\nИльи,3\n".encode("cp1251"),
            "t.csv",
            "not UTF-8[\\s\\S]*cp1251",
            marks=foreign("Windows-1251", "Excel in Russian", "refused: names iconv"),
        ),
        pytest.param(
            b"PK\x03\x04\x14\x00\x06\x00" + bytes(40),
            "t.xlsx",
            "Excel workbook[\\s\\S]*save the sheet as CSV",
            marks=foreign("an .xlsx file", "Excel", "refused: save as CSV"),
        ),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40),
            "t.csv",
            "old format[\\s\\S]*save the sheet as CSV",
            marks=foreign("an .xls file that is called .csv", "Excel", "refused: save as CSV"),
        ),
        pytest.param(
            "<!DOCTYPE html>\n<html><body>404</body></html>\n",
            "t.csv",
            "is HTML or XML",
            marks=foreign("a web page that was saved as .csv", "GitHub, portals", "refused: is HTML"),
        ),
        pytest.param(
            '{"city": {"0": "Ulm", "1": "Bonn"}, "pop": {"0": 126, "1": 331}}',
            "t.jsonl",
            "no cell of a table",
            marks=foreign("JSON by columns", "DataFrame.to_json()", "refused"),
        ),
        pytest.param(
            "a,b,a\n1,2,3\n", "t.csv", "several columns called 'a'", marks=foreign("one name twice", "joins", "refused")
        ),
        pytest.param(
            "a,b\n1,2\n1,2,3\n", "t.csv", "line 3: 3 fields", marks=foreign("a row that is too long", "any", "refused")
        ),
        pytest.param('a,b\n"1,2\n3,4\n', "t.csv", "line", marks=foreign("a quote that does not end", "any", "refused")),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(
    tmp_path: Path, content: str | bytes, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        list(read_rows(written(tmp_path, content, name)))
    assert caught.value.fix


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Country,2019,2020,2021", marks=foreign("years as names", "World Bank, Eurostat", "read: names")),
        pytest.param("Country,0,1,2", marks=foreign("numbers as names", "pandas", "read: names")),
    ],
)
def test_numbered_names_are_names(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, f"{header}\nA,1.5,2,3\nB,4,5.5,6\n")
    assert list(read_rows(path)) == pd.read_csv(path, dtype=str).to_dict("records")


@foreign("nulls, booleans, dates and an index in Parquet", "pandas", "read: the same rows as the CSV")
def test_parquet_says_what_the_text_says(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1.5, None, 3.0], "b": [True, False, None], "t": ["u", None, "v"]}, index=[0, 1, 2])
    frame.index.name = None
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=True), tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv")
    found = [list(read_rows(tmp_path / name)) for name in ("t.parquet", "t.csv")]
    assert found[0] == [
        {name: float(value) if name == "n" and value else value for name, value in row.items()} for row in found[1]
    ]


@foreign("keys without a value are not written in JSON lines", "web services", "read: missing")
def test_what_json_leaves_out_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1, "b": null}\n{"a": 2}\n', "t.jsonl")
    assert list(read_rows(path)) == [{"a": 1.0, "b": None}, {"a": 2.0, "b": None}]


@foreign("columns in another order, and one more", "later exports", "read: by name")
def test_columns_are_taken_by_name(tmp_path: Path) -> None:
    tokenizer = TabularTokenizer(4)
    tokenizer.calibrate(Example(row) for row in read_rows(written(tmp_path, "a,b\n1,x\n2,y\n3,x\n")))
    first = tokenizer.prepare(next(tokenizer.stream(written(tmp_path, "a,b\n2,y\n"))))
    other = tokenizer.prepare(next(tokenizer.stream(written(tmp_path, "b,new,a\ny,7,2\n"))))
    assert first["numbers"].equal(other["numbers"]) and first["categories"].equal(other["categories"])


@foreign("a column less than in training", "later exports", "refused: names the column")
def test_a_column_that_lacks_is_named(tmp_path: Path) -> None:
    tokenizer = TabularTokenizer(4)
    tokenizer.calibrate(Example(row) for row in read_rows(written(tmp_path, "a,b\n1,x\n2,y\n3,x\n")))
    with pytest.raises(InputError, match="lacks the column 'b'"):
        list(tokenizer.stream(written(tmp_path, "a\n2\n")))


@foreign("names with an accent composed in two ways", "macOS", "read: one name")
def test_names_are_equal_however_accents_are_composed(tmp_path: Path) -> None:
    composed, decomposed = "größe,x\n1,2\n", "gro\u0308ße,x\n1,2\n"
    assert list(read_rows(written(tmp_path, composed))) == list(read_rows(written(tmp_path, decomposed)))


@foreign("a table that says what each column was taken for", "any", "read: told before training")
def test_the_data_set_says_what_its_columns_are(tmp_path: Path) -> None:
    lines = [f"{row},{row % 3}.5,c{row % 2},7,2020-01-{row + 1:02},{'uv'[row % 2]}" for row in range(20)]
    dataset = TabularDataset.open(written(tmp_path, "\n".join(["id,n,c,k,d,y", *lines])))
    assert list(dataset.summary()) == [
        "numbers: n",
        "categories: c (2)",
        "dates: d",
        "left out: the column id (row numbers or keys)",
        "left out: the column k (constant)",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            "% by UCI\n@relation iris\n@attribute a numeric\n@attribute b {x,y}\n@data\n1,x\n", "an ARFF file",
            marks=foreign("an ARFF file called .csv", "Weka, OpenML", "refused: how to convert it"),
        ),
        pytest.param(
            "-- MySQL dump 10.13\nINSERT INTO `t` VALUES (1,'a'),(2,'b');\n", "a dump of SQL statements",
            marks=foreign("statements of SQL", "mysqldump, pg_dump", "refused: how to convert it"),
        ),
        pytest.param(
            '{"a": 1}\n{"a": 2}\n'.encode("utf-16"), "JSON text",
            marks=foreign("JSON lines in UTF-16", "PowerShell", "refused: says what it is"),
        ),
        pytest.param(
            '[["a", 1], ["b", 2]]', "JSON text",
            marks=foreign("a JSON list of lists", "pandas, to_json(orient='values')", "refused: says what it is"),
        ),
    ],
)  # fmt: skip
def test_text_that_is_no_table_is_refused_by_what_it_is(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"table.csv is {message}, and no table"):
        list(read_rows(written(tmp_path, content)))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            "Wert\n7,5\n8,25\n3\n", marks=foreign("one column of decimal commas", "Excel in German", "read, told"),
        ),
        pytest.param(
            "7,5\n8,25\n3,05\n",
            marks=foreign("decimal commas in one column without a name, 3,05 among them", "loggers", "read, told"),
        ),
    ],
)  # fmt: skip
def test_decimal_commas_do_not_divide_a_lone_column(tmp_path: Path, content: str) -> None:
    rows = list(read_rows(written(tmp_path, content)))
    assert [next(iter(row.values())) for row in rows] == content.replace("Wert\n", "").split()
    assert all(len(row) == 1 for row in rows)


def test_numbers_of_rows_beside_a_lone_column_stay(tmp_path: Path) -> None:
    """As R writes them: the header names one column, and rows have two."""
    assert len(next(read_rows(written(tmp_path, "1,15\n2,16\n3,07\n")))) == 2

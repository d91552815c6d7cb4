"""Rows of delimited text, however it is written."""

import io

import numpy as np
import pytest

from mt_core.errors import DatasetError, DataWarning, InputError
from mt_core.sdk import Delimited, dict_rows
from mt_core.sdk.separators import sniff_separator


def table(text: str, **options) -> Delimited:
    return Delimited(io.StringIO(text, newline=""), "t.csv", **options)


def numbers(text: str, columns=None, parsers=None, **options) -> list[list[float]]:
    return table(text, separators=",;\t ", comments=("#",), **options).numbers(columns, parsers)[0].tolist()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_and_header_are_found(separator):
    found = table(f"a{separator} b \n1{separator}x y\n2{separator}z\n")
    assert (found.separator, found.names, found.width) == (separator, ("a", "b"), 2)
    assert list(found) == [["1", "x y"], ["2", "z"]]


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["a;b", "1,5;2,5", "3,5;4,5"], ";"),
        (["1,5;2,5", "3,5;4,5"], ";"),
        (["1,5 2,5", "3,5 4,5"], " "),
        (["1, 2, 3", "4, 5, 6"], ","),
        (["2024-01-01 00:00,5", "2024-01-01 01:00,6"], ","),
        (["text", "one; two", "three; four"], ","),
        (["x y z", "1 2 3"], " "),
        (["Sensor 7", *["1;2;3"] * 12], ";"),
        (["a", "1"], ","),
    ],
)
def test_separator_is_the_one_that_divides_the_lines_evenly(lines, separator):
    assert sniff_separator(lines, ",;\t ") == separator


def test_quotes_blank_lines_and_comments_are_understood_and_lines_counted():
    found = table('# of today\n\n"a, b",c\n\n1,"2\n3"\n#\n4,5\n', comments=("#",))
    assert found.names == ("a, b", "c")
    assert [(found.line, row) for row in found] == [(6, ["1", "2\n3"]), (8, ["4", "5"])]


def test_without_quotes_they_are_characters_like_others():
    assert list(table('a\tb\n"x\t5" y\n', quoted=False)) == [['"x', '5" y']]


def test_the_header_can_be_given_or_told():
    assert list(table("1,2\nx,y\n", header=True)) == [["x", "y"]]
    assert list(table("a,b\nx,y\n", header=False)) == [["a", "b"], ["x", "y"]]
    assert table("id,7\n1,2\n", header=lambda cells: cells[0] == "id").names == ("id", "7")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows"),
        ("\n \n", "has no rows"),
        ("a,b\n", "a header but no rows"),
        ("a,b\n1,2\n\n1,2,3\n", "line 4: 3 fields, where there are 2 columns"),
        ('a,b\n"1,2\n3,4\n', "line 3: "),
        ('a,b\n"' + "x" * 200_000, "line 2: "),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(text, message):
    for read in (list, Delimited.numbers):
        with pytest.raises(InputError, match=rf"t\.csv.*{message}") as caught:
            read(table(text))
        assert caught.value.fix


def test_numbers_are_an_array_with_the_line_of_each_row():
    values, lines = table("x,y\n1,2\n\n3,4\n").numbers()
    assert values.tolist() == [[1, 2], [3, 4]] and lines.tolist() == [2, 4]


@pytest.mark.parametrize(
    "text", ["1,2,3\n4,5,6\n", "1;2;3\n4;5;6\n", "1 2  3\n 4 5 6\n", 'a,b,c\n1,"2",3\n4,5,6\n', "1.0;2,0;3\n4;5;6\n"]
)
def test_columns_are_taken_in_the_order_asked_for(text):
    assert numbers(text, [2, 0]) == [[3, 1], [6, 4]]


def test_columns_that_are_not_wanted_may_hold_anything_and_marks_are_missing():
    assert numbers("1,walk,2\n3,run,4\n", [0, 2]) == [[1, 2], [3, 4]]
    np.testing.assert_array_equal(numbers("1,NA\n-,2\n"), [[1, np.nan], [np.nan, 2]])


def test_decimal_commas_are_told_by_the_whole_column():
    with pytest.warns(DataWarning, match="t.csv: reinterpreted: decimal commas in the column a"):
        assert numbers("a;b\n1,5;1.5\n2;2\n1000,5;3\n") == [[1.5, 1.5], [2, 2], [1000.5, 3]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n0,5;250.000\n2;1.000\n", [[0.5, 250_000], [2, 1000]]),
        ("a;b\n1,234;2,500\n", [[1.234, 2.5]]),
        ('a,b\n"1,234",2\n', [[1234, 2]]),
        ("a\tb\n1,234\t0,5\n", [[1.234, 0.5]]),
        ("a\tb\n1,234\t0.5\n", [[1234, 0.5]]),
    ],
)
def test_what_could_be_a_thousand_is_told_by_other_columns_and_the_separator(text, expected):
    with pytest.warns(DataWarning, match="reinterpreted"):
        assert numbers(text) == expected


def test_a_column_can_be_read_in_a_way_of_its_own():
    assert numbers("t,x\n#\nI,5\nII,6\n", parsers={0: len}) == [[1, 5], [2, 6]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\n\n3,four\n", "line 4: 'four' in column 'y' is no number"),
        ("1,2\n3,4\nfive,6\n", "line 3: 'five' in column 1"),
        ("1,1_000\n2,3\n", "line 1: '1_000'"),
        ('1,2\n"3\n",4\n', "line"),
    ],
)
def test_a_cell_that_is_no_number_is_told_with_its_line_and_column(text, message):
    with pytest.raises(InputError, match=message):
        numbers(text)


def test_marks_in_some_rows_of_a_long_table_change_no_other_row():
    rows = [[float(row), row / 8] for row in range(10_000)]
    lines = [f"{first},{second}" for first, second in rows]
    lines[5000] = "?,7"
    found = np.array(numbers("\n".join(lines)))
    assert np.isnan(found[5000, 0]) and found[5000, 1] == 7
    assert np.delete(found, 5000, 0).tolist() == np.delete(rows, 5000, 0).tolist()


def test_rows_come_before_the_file_has_been_read():
    found = iter(table("a,b\n" + "1,2\n" * 100_000 + "1,2,3\n"))
    assert next(found) == ["1", "2"]
    with pytest.raises(InputError, match="line 100002"):
        list(found)


def test_tables_of_a_data_set_are_told_as_its_fault(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name, age\nAnn, 3 \n")
    assert dict_rows(path) == [{"name": "Ann", "age": "3"}]
    path.write_text("name,age\nAnn\n")
    with pytest.raises(DatasetError, match=r"t\.csv, line 2: 1 fields"):
        dict_rows(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        dict_rows(tmp_path / "gone.csv")


def test_a_cell_that_is_too_long_names_the_line():
    with pytest.raises(InputError, match=r"t\.csv, line 2: .*field"):
        list(table('a,b\n"' + "x" * 200_000))


@pytest.mark.parametrize(
    "above",
    ["sep=;\n", '"sep=;"\n', "# made by x\n# on 3 May\n", "% x;y\n\n", "\n"],
    ids=["sep", "quoted", "#", "%", "blank"],
)
def test_what_programs_write_above_the_header_is_passed_over(above):
    found = table(above + "a;b;c\n1,5;2;x\n3;4;y\n")
    assert (found.names, list(found)) == (("a", "b", "c"), [["1,5", "2", "x"], ["3", "4", "y"]])


@pytest.mark.parametrize("above", ["Sales of May\n\n", "Sales of May,,\n", "Sales\nof May\n"])
def test_titles_above_the_header_are_told(above):
    with pytest.warns(DataWarning, match="t.csv: left out: lines of text above the header"):
        found = table(above + "a,b,c\n1,2,x\n3,4,y\n")
    assert found.names == ("a", "b", "c")
    assert [row[0] for row in found] == ["1", "3"] and found.line == above.count("\n") + 3


def test_separators_at_the_end_of_rows_or_of_the_header_are_no_columns():
    assert list(table("a,b\n1,2,\n3,4,,\n")) == [["1", "2"], ["3", "4"]]
    assert list(table("a,b,\n1,2\n3,4\n")) == [["1", "2", ""], ["3", "4", ""]]
    assert numbers("a,b\n1,2,\n3,4,\n") == [[1, 2], [3, 4]]


def test_names_of_rows_that_the_header_lacks_are_found_where_they_are_wanted():
    text = '"a" "b"\n"one two" 1 2\n"x" 3 4\n'
    found = table(text, separators=", ", row_names=True)
    assert (found.names, list(found)) == (("", "a", "b"), [["one two", "1", "2"], ["x", "3", "4"]])
    with pytest.raises(InputError, match="line 2: 3 fields"):
        list(table(text, separators=", "))

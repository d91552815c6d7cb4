import math

import pytest

from mt_core.sdk import is_header, is_number, number_column, number_columns, number_format


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "-2.5", "1e3", " 4 "], [1, -2.5, 1000, 4]),
        (["1,5", "2", "-0,25"], [1.5, 2, -0.25]),
        (["1,234", "56", "1,234,567.8"], [1234, 56, 1234567.8]),
        (["1.234,5", "2,5", "1.234"], [1234.5, 2.5, 1234]),
        (["1 234,5", "12\u00a0345,5", "7"], [1234.5, 12345.5, 7]),
        (["1'234.5", "7"], [1234.5, 7]),
        (["$1,234", "$5"], [1234, 5]),
        (["12,5 %", "8 %"], [12.5, 8]),
        (["1 234", "7"], [1234, 7]),
        (["$1,234", "($6.50)", "$0", "7"], [1234, -6.5, 0, 7]),
        (["(1,234.5)", "12", "5-", "−7", "- 8"], [-1234.5, 12, -5, -7, -8]),  # noqa: RUF001 - a minus sign
        (["12,34,567", "1,00,000"], [1234567, 100000]),
        (["1’234,50", "7"], [1234.5, 7]),  # noqa: RUF001 - an apostrophe
        (["€ 1.234,50", "€ 7", "1.000 €"], [1234.5, 7, 1000]),
        (["1,250.00 USD", "3 USD"], [1250, 3]),
        (["12 kg", "7.5kg", "0"], [12, 7.5, 0]),
        (["$50K", "$7.5K"], [50, 7.5]),
        (["Rs. 1,234.50", "Rs. 7"], [1234.5, 7]),
        (["20 °C", "-3,5 °C"], [20, -3.5]),
        ([".5", "-.25", "5."], [0.5, -0.25, 5]),
        (["1,5e3", "2,5E-1"], [1500, 0.25]),
    ],
)
def test_a_column_is_read_as_all_of_its_cells_are_written(cells, numbers):
    written = number_format(cells)
    assert written is not None and [written.parse(cell) for cell in cells] == numbers


@pytest.mark.parametrize(
    "mark",
    ["", "-", "?", "NA", "n/a", "nan", "null", "inf", "-Infinity", "1e999", "--", "None", ".", "#N/A", "#DIV/0!"],
)
def test_marks_for_a_missing_value_are_missing_in_a_column_of_numbers(mark):
    written = number_format(["1", mark])
    assert written is not None and math.isnan(written.parse(mark))


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "x"],
        ["1_000"],
        ["5 kg", "5 lb"],
        ["5 %", "6"],
        ["$5", "€6"],
        ["1st", "2nd"],
        ["12:30"],
        ["5-6"],
        ["(5"],
        ["1.2k", "950"],
        ["1.5", "2,5"],
        ["12,34,5"],
        ["1,2,3"],
        ["2024-01-01"],
        ["."],
    ],
)
def test_what_no_format_reads_is_no_column_of_numbers(cells):
    written = number_format(cells)
    assert written is None or cells == ["."]


def test_words_without_a_number_are_a_header():
    assert is_header(["", "a", "b"]) and is_header(["5%", "Time (s)"])
    assert not any(map(is_header, ([""], ["a", "1"], ["a", "?"], ["1,5", "x"], ["nan", "nan"])))


def test_years_and_numbers_of_columns_are_a_header():
    assert is_header(["Country", "2019", "2020", "2021"]) and is_header(["", "0", "1", "2"])
    assert is_header(["0", "1", "2", "3"]) and is_header(["id", "1", "2", "3"])
    assert not any(map(is_header, (["0", "1", "2"], ["1", "2", "3", "4"], ["x", "3", "4", "5"], ["a", "2019", "2020"])))
    assert not is_header(["", "0", "1", "2.5"])


def test_what_python_reads_is_a_number_but_for_underscores():
    assert all(map(is_number, ("1", " 2.5e-3 ", "nan", "inf"))) and not any(map(is_number, ("", "1_000", "1,5")))


def test_a_comma_before_three_digits_is_decided_by_the_other_cells_or_told():
    alone = number_column(["1,234", "2,500"])
    assert alone.is_ambiguous and alone.written.parse("1,234") == 1234 and "could be decimals" in alone.notes[0]
    for decides, number in [("0,234", 1.234), ("1,2", 1.234), ("1,234,567", 1234), ("1,234.5", 1234), ("$1,234", 1234)]:
        found = number_column(["1,234", decides])
        assert not found.is_ambiguous and found.written.parse(decides if "$" in decides else "1,234") == number
    long = number_column(["1,234", "12345,678"])
    assert not long.is_ambiguous and long.written.parse("1,234") == 1.234


def test_other_columns_of_the_file_decide_too():
    assert number_column(["1,234"], decimal=",").written.parse("1,234") == 1.234
    assert number_column(["1.234", "250.000"], decimal=",").written.parse("250.000") == 250_000
    assert number_column(["1.234", "0.5"], decimal=",").written.parse("1.234") == 1.234
    assert number_column(["1.234"]).notes == ()


def test_points_before_three_digits_are_told_where_no_column_decides():
    alone = number_columns({"a": ["331.885", "720"], "b": ["7", "8"]})
    assert alone["a"].is_ambiguous and "taken for decimals, which could be thousands" in alone["a"].notes[0]
    assert not alone["b"].notes
    assert not number_columns({"a": ["1.234"], "b": ["0.75"]})["a"].notes
    assert not number_columns({"a": ["1.234", "0.500"]})["a"].notes
    assert number_columns({"a": ["331.885"], "b": ["0,5"]})["a"].written.parse("331.885") == 331885


def test_cells_that_are_no_numbers_are_told_apart_from_the_many_that_are():
    found = number_column(["1,5"] * 297 + ["-", "approx. 7", "approx. 7"])
    assert (found.num_numbers, found.misfits, found.is_almost) == (297, {"approx. 7": 2}, True)
    assert found.notes == ("decimal commas",)
    assert not number_column(["1", "2", "x"]).is_almost and number_column(["1", "2", "3", "x"]).is_almost
    assert not number_column(["x"]).is_almost and not number_column([]).is_almost
    assert not number_column(["1"] * 8 + ["x", "y"]).is_almost


def test_a_sentinel_is_a_number():
    assert number_column(["1", "-999"]).misfits == {} and number_format(["1", "-999"]).parse("-999") == -999

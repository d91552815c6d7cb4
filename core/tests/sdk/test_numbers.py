import math

import pytest

from mt_core.sdk import is_header, is_number, number_format


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
    ],
)
def test_a_column_is_read_as_all_of_its_cells_are_written(cells, numbers):
    written = number_format(cells)
    assert written is not None and [written.parse(cell) for cell in cells] == numbers


@pytest.mark.parametrize("mark", ["", "-", "?", "NA", "n/a", "nan", "null", "inf", "-Infinity", "1e999"])
def test_marks_for_a_missing_value_are_missing_in_a_column_of_numbers(mark):
    written = number_format(["1", mark])
    assert written is not None and math.isnan(written.parse(mark))


@pytest.mark.parametrize(
    "cells", [["1", "x"], ["1_000"], ["1.5", "2,5"], ["12,34,5"], ["1,2,3"], ["2024-01-01"], ["."]]
)
def test_what_no_format_reads_is_no_column_of_numbers(cells):
    written = number_format(cells)
    assert written is None or cells == ["."]


def test_words_without_a_number_are_a_header():
    assert is_header(["", "a", "b"]) and is_header(["5%", "Time (s)"])
    assert not any(map(is_header, ([""], ["a", "1"], ["a", "?"], ["1,5", "x"], ["nan", "nan"])))


def test_what_python_reads_is_a_number_but_for_underscores():
    assert all(map(is_number, ("1", " 2.5e-3 ", "nan", "inf"))) and not any(map(is_number, ("", "1_000", "1,5")))

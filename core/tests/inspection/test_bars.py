"""Numbers and pictures in characters."""

from __future__ import annotations

import numpy as np

from mt_core.inspection.bars import bar, blocks, columns, cut, sparkline, text_width, wrapped_rows


def test_a_bar_is_as_long_as_its_share_and_never_nothing_where_there_is_something():
    assert [bar(value, 10, 4) for value in (10, 5, 0, 0.01)] == ["████", "██", "", "▏"]


def test_a_sparkline_goes_from_the_least_to_the_most_with_gaps():
    assert sparkline([0, 7, np.nan, 3.5], 4) == "▁█ ▅"
    assert sparkline(np.repeat([0.0, 1.0], 50), 2) == "▁█"
    assert sparkline([np.nan], 3) == "" and sparkline([], 3) == "" and sparkline([2, 2], 2) == "▁▁"


def test_a_picture_is_dark_where_it_is_dark():
    lines = blocks(np.array([[0.0, 1.0]]).repeat(8, 0).repeat(4, 1), 40)
    assert {line.lstrip("█ ") for line in lines} == {""}
    assert all(line[: len(line) // 2].strip() == "" and line.endswith("█") for line in lines)


def test_columns_stand_below_each_other_also_where_letters_are_wide():
    assert columns([["a", "1"], ["漢字", "20"]], right=[1]) == ["a      1", "漢字  20"]
    assert text_width("e\u0301") == 1


def test_the_end_of_a_long_name_is_kept():
    assert cut("folder/file.png", 9) == "…file.png"


def test_what_is_long_goes_on_below_itself():
    assert wrapped_rows([["a", "one " * 12], ["bcd", "two"]], 40) == [
        "a    one one one one one one one one one",
        "     one one one",
        "bcd  two",
    ]

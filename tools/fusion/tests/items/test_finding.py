import pytest

from mt_core.errors import DatasetError, DataWarning, OptionError
from mt_fusion.items.finding import check_inputs, find_inputs
from mt_fusion.items.inputs import as_text, parse_inputs
from mt_fusion.items.table import read_table


def test_inputs_are_found_by_what_columns_hold(table):
    found = find_inputs(read_table(table), ["category"])
    assert as_text(found) == "photo=image,about=text,tabular:price+colour=tabular"
    assert [each.holds for each in found.values()] == ["files", "cells", "cells"]


def test_a_column_that_is_two_things_at_once_is_refused(write_table, rows):
    for at in range(1, 12, 2):
        rows[at]["photo"] = "none here"
    with pytest.raises(DatasetError, match=r"'photo' is two things at once: 4 of its cells name files .* 6 do not"):
        find_inputs(read_table(write_table(rows)), ["category"])


def test_a_column_without_files_is_refused_for_a_modality_of_files(table):
    with pytest.raises(DatasetError, match="'colour' names no files that image reads, but 'blue'"):
        check_inputs(parse_inputs("colour=image"), read_table(table))


def test_a_column_that_is_not_there_is_refused_with_the_nearest(table):
    with pytest.raises(OptionError, match="no column 'pric'; did you mean price"):
        check_inputs(parse_inputs("pric=tabular"), read_table(table))


def test_several_columns_of_files_are_several_inputs(table):
    with pytest.raises(OptionError, match=r"image reads files, and photo\+about are several columns"):
        check_inputs(parse_inputs("photo+about=image"), read_table(table))


def test_a_file_may_have_any_name_where_it_exists(write_table, rows, tmp_path):
    from PIL import Image

    for row in rows:
        row["photo"] = ""
    rows[0]["photo"] = "img.d/one picture"
    (tmp_path / "img.d").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "img.d" / "one picture", "png")
    found = check_inputs(parse_inputs("photo=image"), read_table(write_table(rows)))
    assert found["photo"].holds == "files"


def test_names_of_files_may_have_spaces_and_lists_may_have_gaps(write_table, rows, tmp_path):
    import json

    path = tmp_path / "items.jsonl"
    rows = [{"photo": [f"my red toy {at}.png", None], "x": {"a": at}, "category": "ab"[at % 2]} for at in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.warns(DataWarning, match="the column x, whose cells are lists or objects"):
        found = find_inputs(read_table(path), ["category"])
    assert {name: each.holds for name, each in found.items()} == {"photo": "files"}

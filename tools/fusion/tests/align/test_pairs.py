import pytest
import torch

from mt_core.errors import DatasetError
from mt_fusion.aligning.pairs import MISSING, pairs_of, with_parts


def rows_of(*rows):
    return [dict(zip("abc", row, strict=False)) for row in rows]


def made(rows, groups=None):
    return pairs_of(("a", "b"), rows, [f"row {number}" for number in range(len(rows))], groups)


def text(value):
    return {"text": value}


def test_sources_of_the_same_content_are_one_sample(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).write_bytes(b"same")
    (tmp_path / "z").write_bytes(b"another")
    rows = [{"a": tmp_path / name, "b": text(f" {number % 4}")} for number, name in enumerate("xyzxyzxyz")]
    pairs = made(rows)
    assert [len(each) for each in pairs.sources] == [2, 4]
    assert pairs.content_RI[:3].tolist() == [[0, 0], [0, 1], [1, 2]]


def test_a_cell_of_several_files_is_as_many_rows_and_a_row_of_one_input_none():
    pairs = made([*[{"a": [1, 2], "b": text(str(number))} for number in range(4)], {"a": 3}])
    assert len(pairs.places) == 8 and pairs.places[:2] == ["row 0", "row 0"]
    assert pairs.notes == ("left out: 1 rows with fewer than two inputs",)


def test_too_few_rows_are_refused():
    with pytest.raises(DatasetError, match="2 rows have two of the inputs a, b"):
        made(rows_of((1, 1), (2, 2), (3, None)))


def test_a_photo_with_five_captions_is_on_one_side():
    pairs = made([{"a": photo, "b": text(f"{photo} {number}")} for photo in range(40) for number in range(5)])
    pairs = with_parts(pairs, [None] * 200, 0.2, 1000, 0)
    photos = [set(pairs.content_RI[rows, 0].tolist()) for rows in (pairs.train, pairs.val)]
    assert not photos[0] & photos[1] and len(pairs.val) == 40
    assert pairs.notes[-1] == "held out: rows whose b and a training does not have"


def test_names_of_classes_are_on_both_sides():
    pairs = with_parts(made([{"a": row, "b": text(str(row % 10))} for row in range(100)]), [None] * 100, 0.2, 1000, 0)
    names = [set(pairs.content_RI[rows, 1].tolist()) for rows in (pairs.train, pairs.val)]
    assert len(names[0]) == 10 and len(names[1] & names[0]) >= 5
    assert "both parts have the same b (10 different ones)" in pairs.notes[-1]


def test_groups_that_are_named_are_held_out_whole():
    speakers = [f"s{row % 7}" for row in range(70)]
    pairs = with_parts(made(rows_of(*((row, row) for row in range(70))), speakers), [None] * 70, 0.2, 1000, 0)
    sides = [{speakers[row] for row in rows.tolist()} for rows in (pairs.train, pairs.val)]
    assert not sides[0] & sides[1] and len(sides[1]) == 2


def test_a_part_of_the_data_for_it_is_held_out_and_a_test_part_stays_alone():
    given = ["train"] * 8 + ["val"] * 4 + ["test"] * 2
    pairs = with_parts(made(rows_of(*((row, row) for row in range(14)))), given, 0.2, 3, 0)
    assert (
        pairs.train.tolist() == list(range(8)) and len(pairs.val) == 3 and set(pairs.val.tolist()) <= set(range(8, 12))
    )


def test_what_is_held_out_depends_on_the_seed_alone():
    rows = rows_of(*((row, row) for row in range(50)))
    drawn = [with_parts(made(rows), [None] * 50, 0.2, 1000, seed).val.tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_sample_that_cannot_be_read_takes_its_rows_with_it():
    pairs = with_parts(made(rows_of(*((row % 10, row) for row in range(20)))), ["train"] * 15 + ["val"] * 5, 0.2, 99, 0)
    less = pairs.without({0: torch.tensor([3])})
    assert less.content_RI[:, 0].eq(MISSING).sum() == 2
    assert 3 not in less.train.tolist() and 13 not in less.train.tolist() and len(less.train) == 13


def test_linked_are_those_that_share_a_row():
    pairs = made(rows_of(*((row // 2, row % 3) for row in range(8))))
    first, second, linked = pairs.linked(torch.tensor([0, 1, 4]), 0, 1)
    assert first.tolist() == [0, 2] and second.tolist() == [0, 1]
    assert linked.tolist() == [[True, True], [False, True]]

from pathlib import Path

import pytest

from mt_core.errors import DatasetError, DataWarning, OptionError
from mt_fusion.fused.dataset import FusedDataset


def opened(table, split="train", **options):
    return FusedDataset.open(Path(table), split, options=FusedDataset.Options(**options))


def test_a_row_is_an_item_of_the_inputs_that_it_has(table):
    dataset = opened(table)
    first, second = dataset[0], dataset[1]
    assert (first.sample, first.target) == ({"tabular": {"price": "10", "colour": "blue"}}, 0)
    assert second.sample["photo"] == table.parent / "img/1.png"
    assert second.sample["about"] == {"about": "a long story of thing number 1"}
    assert dataset.task.classes == ("bad", "good")


def test_the_summary_says_what_each_input_is_and_how_often_it_is_missing(table):
    assert opened(table).summary() == [
        "input photo: image, files of photo; 4 of 12 items lack it",
        "input about: text, cells of about; 3 of 12 items lack it",
        "input tabular: tabular, cells of price + colour",
    ]


def test_numbers_of_many_values_are_quantities(write_table, rows):
    for at, row in enumerate(rows):
        row["category"] = f"{at}.5"
    dataset = opened(write_table(rows))
    assert dataset.task.kind == "regression" and dataset.task.names == ("category",)
    assert dataset.targets()[3] == 3.5


def test_several_columns_of_zeros_and_ones_are_labels(write_table, rows):
    for at, row in enumerate(rows):
        row.update(warm=str(at % 2), big=str(int(at % 3 == 0)))
    dataset = opened(write_table(rows), target="warm,big")
    assert dataset.task.labels == ("warm", "big")
    assert list(dataset.targets()[3]) == [1.0, 1.0]


def test_items_of_one_group_stay_together(write_table, rows):
    for at, row in enumerate(rows):
        row["owner"] = f"owner {at // 3}"
    dataset = opened(write_table(rows), group="owner", test_group="owner 1")
    assert len(dataset) == 9 and "owner 1" not in dataset.groups()
    assert "owner" not in dataset[0].sample["tabular"]


def test_items_without_any_of_the_inputs_are_left_out(table):
    with pytest.warns(DataWarning, match="4 of 12 items, which have no input"):
        assert len(opened(table, inputs="photo=image")) == 8


def test_a_missing_target_is_told(write_table, rows):
    rows[2]["category"] = ""
    with pytest.warns(DataWarning, match="1 of 12 items have no target"):
        assert opened(write_table(rows)).targets()[2] is None


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"target": "colr"}, OptionError, "no column 'colr'; did you mean colour?"),
        ({"target": "colour", "inputs": "price+colour=tabular"}, OptionError, "'colour' is an input .* and the target"),
        ({"kind": "regression"}, OptionError, "'category' holds text: '.*'"),
    ],
)
def test_a_target_that_cannot_be_is_refused(table, options, error, says):
    with pytest.raises(error, match=says):
        opened(table, **options)


def test_without_a_column_of_a_known_name_the_target_is_asked_for(write_table, rows):
    for row in rows:
        row["sort"] = row.pop("category")
    with pytest.raises(OptionError, match="no column called target or label"):
        opened(write_table(rows))


def test_an_empty_target_is_refused(write_table, rows):
    for row in rows:
        row["category"] = ""
    with pytest.raises(DatasetError, match="'category' is empty"):
        opened(write_table(rows))


def test_several_targets_are_different_and_hold_no_text(table):
    with pytest.raises(OptionError, match="names a column twice"):
        opened(table, target="price,price")
    with pytest.raises(OptionError, match="'category' holds text"):
        opened(table, target="price,category")

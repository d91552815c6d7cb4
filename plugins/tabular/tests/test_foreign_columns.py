"""Columns of categories, names and keys as other people write them, and what is left out of them."""

from __future__ import annotations

from typing import Any

import pytest

from mt_core.contract import Example
from mt_core.errors import DataWarning
from mt_plugin_tabular.options import TabularOptions
from mt_plugin_tabular.reading import read_rows
from mt_plugin_tabular.tokenizer import TabularTokenizer

foreign = pytest.mark.foreign_file
pytestmark = pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")


def understood(content: bytes, **options: Any) -> dict[str, list[int]]:
    """The columns that become tokens, and the places of the categories."""
    rows = list(read_rows(content))
    tokenizer = TabularTokenizer(4, TabularOptions(**options))
    tokenizer.calibrate(Example(row) for row in rows)
    places = [tokenizer.prepare(row)["categories"].tolist() for row in rows]
    names = [column.name for column in tokenizer.columns if column.kind == "category"]
    found = {name: [row[place] for row in places] for place, name in enumerate(names)}
    return {column.name: found.get(column.name, []) for column in tokenizer.columns}


def csv_of(cells: list[str]) -> bytes:
    """A column `c` beside another that always can be used."""
    return "\n".join(["c;other", *(f"{cell};{row % 2}" for row, cell in enumerate(cells))]).encode()


@foreign("True, true and TRUE in one column", "Python, R and Excel", "read: one category")
def test_booleans_are_one_category_however_they_are_spelt() -> None:
    found = understood(csv_of(["True", "true", "TRUE", "False", "FALSE", "false"]))["c"]
    assert len({*found[:3]}) == len({*found[3:]}) == 1 and found[0] != found[3]


@foreign("Yes and yes in one column", "people", "read, told: two categories")
def test_categories_that_differ_in_capitals_are_told() -> None:
    with pytest.warns(DataWarning, match="Yes and yes as two categories in the column c"):
        understood(csv_of(["Yes", "yes", "no", "Yes"]))


@foreign("1.0 in one table, 1 in the next, among categories", "pandas, after a gap", "read: one category")
def test_categories_are_equal_as_numbers() -> None:
    found = understood(csv_of(["1.0", "2.0", "1", "02"]), categorical=("c",))["c"]
    assert found[0] == found[2] and found[1] == found[3] and found[0] != found[1]


@foreign("thousands of categories", "shop and log tables", "read, told: all but the 128 most frequent are unknown")
def test_rare_categories_are_unknown_and_told() -> None:
    cells = [f"item {number % 1000}" for number in range(2500)]
    with pytest.warns(DataWarning, match="2116 cells beyond the 128 most frequent categories in the column c"):
        found = understood(csv_of(cells))["c"]
    assert len(set(found)) == 129


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["7"] * 30, "constant"),
        ([""] * 30, "all missing"),
        ([f"name {number}" for number in range(30)], "names, keys or free text"),
    ],
    ids=["constant", "empty", "names"],
)
@foreign("columns that say nothing", "any export", "read, told: left out, with the reason")
def test_columns_that_vanish_are_told(cells: list[str], why: str) -> None:
    with pytest.warns(DataWarning, match=rf"left out: the column c \({why}\)"):
        assert list(understood(csv_of(cells))) == ["other"]


@foreign("a column of keys (PassengerId)", "databases, Kaggle", "read, told: left out")
def test_keys_are_left_out_and_told() -> None:
    text = "PassengerId;fare\n" + "\n".join(f"{row};{row % 7}.5" for row in range(892, 932))
    with pytest.warns(DataWarning, match=r"the column PassengerId \(row numbers or keys\)"):
        assert list(understood(text.encode())) == ["fare"]
    assert list(understood(text.encode(), numeric=("PassengerId",))) == ["PassengerId", "fare"]


@foreign("1 and 0 at prediction, where training had True and False", "SQL and pandas", "read: the same categories")
def test_booleans_of_another_program_are_the_same_categories() -> None:
    tokenizer = TabularTokenizer(4)
    tokenizer.calibrate(Example({"c": cell, "n": str(row)}) for row, cell in enumerate(["True", "False", "True"]))
    places = [
        tokenizer.prepare({"c": cell, "n": "1"})["categories"].item() for cell in ("True", "1", 1.0, "0", "False")
    ]
    assert places[0] == places[1] == places[2] != places[3] == places[4]

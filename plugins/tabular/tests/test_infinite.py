"""Infinite numbers are missing, and users are warned of them: no scale holds them."""

import pytest

from mt_core.contract import Example
from mt_core.errors import DataWarning
from mt_plugin_tabular.tokenizer import TabularTokenizer

ROWS = [{"price": str(number / 7), "size": str(number % 5)} for number in range(30)]


@pytest.fixture
def tokenizer():
    made = TabularTokenizer(8)
    made.calibrate([Example(row) for row in ROWS])
    return made


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_a_text_that_is_infinite_is_missing_and_told(tokenizer, cell):
    with pytest.warns(DataWarning, match="infinite numbers in the column price"):
        prepared = tokenizer.prepare({"price": cell, "size": "1"})
    assert prepared["numbers"].isnan().tolist() == [True, False]


def test_a_number_that_is_infinite_is_missing_and_told(tokenizer):
    with pytest.warns(DataWarning, match="infinite numbers"):
        row = tokenizer.read({"price": float("inf"), "size": 1.0})
    assert row["price"] is None


@pytest.mark.parametrize("cell", ["inf", "1e999"])
def test_they_are_told_when_columns_are_learned(cell):
    rows = [*ROWS, {"price": cell, "size": "1"}]
    with pytest.warns(DataWarning, match="1 infinite numbers in the column price"):
        TabularTokenizer(8).calibrate([Example(row) for row in rows])

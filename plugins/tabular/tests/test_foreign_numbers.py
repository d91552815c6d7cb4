"""Numbers as other people's programs write them, against pandas when it is told how they are written."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mt_core.contract import Example
from mt_core.errors import DataWarning, InputError
from mt_plugin_tabular.dataset import TabularDataset
from mt_plugin_tabular.options import TabularOptions
from mt_plugin_tabular.reading import read_rows
from mt_plugin_tabular.tokenizer import TabularTokenizer

foreign = pytest.mark.foreign_file
pytestmark = pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")


def understood(source: Path | bytes, **options: Any) -> dict[str, list[Any]]:
    """What a table's columns come to: numbers and days as the tokens have them, categories by their places."""
    rows = list(read_rows(source))
    tokenizer = TabularTokenizer(4, TabularOptions(**options))
    tokenizer.calibrate(Example(row) for row in rows)
    prepared = [tokenizer.prepare(row) for row in rows]
    found = {}
    for kind in ("numbers", "categories"):
        columns = [column for column in tokenizer.columns if (column.kind == "category") == (kind == "categories")]
        for place, column in enumerate(columns):
            values = np.array([row[kind][place] for row in prepared], np.float64)
            found[column.name] = (values * column.std + column.mean).tolist()
    return found


@contextmanager
def silence() -> Iterator[None]:
    """Nothing is told."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def csv_of(cells: list[str], separator: str = ";") -> bytes:
    """A column `c` beside another that always can be used."""
    lines = [f"{cell}{separator}{row % 2}" for row, cell in enumerate(cells)]
    return "\n".join([f"c{separator}other", *lines]).encode()


def close(found: list[float], expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())  # tokens are float32


@foreign(
    "decimal commas, points between thousands, currency and percent signs",
    "Excel in German",
    "read, told: exact values",
)
def test_a_german_table_is_read_as_pandas_reads_it_when_told_how(tmp_path: Path) -> None:
    text = "Zimmer;Flaeche;Miete;Quote\n3;75,5;1.250,00;12,5\n2;48,25;980,50;8,0\n4;120,0;12.300,75;100,0\n"
    path = tmp_path / "wohnungen.csv"
    path.write_text(text)
    expected = pd.read_csv(io.StringIO(text), sep=";", decimal=",", thousands=".")
    with pytest.warns(DataWarning, match="decimal commas in the columns Flaeche, Miete, Quote"):
        found = understood(path)
    for name in expected.columns:
        close(found[name], expected[name])


@pytest.mark.parametrize(
    ("cells", "expected", "told"),
    [
        pytest.param(
            ['"$1,234"', '"$2,500.50"', "$7"],
            [1234, 2500.5, 7],
            "numbers with \\$",
            marks=foreign("currency signs and commas between thousands", "US spreadsheets", "read, told: exact values"),
        ),
        pytest.param(
            ["€ 1.234,50", "1.000 €", "€ 7"],
            [1234.5, 1000, 7],
            "numbers with €",
            marks=foreign("euro signs before or behind", "European shop exports", "read, told: exact values"),
        ),
        pytest.param(
            ["1 234", "12 500", "7"],
            [1234, 12500, 7],
            "blanks between thousands",
            marks=foreign("blanks between thousands", "Excel in French, Polish or Swedish", "read, told: exact values"),
        ),
        pytest.param(
            ["1\u202f234,5", "12\u00a0500,25", "7"],
            [1234.5, 12500.25, 7],
            "decimal commas",
            marks=foreign(
                "narrow and non-breaking blanks in numbers", "LibreOffice, INSEE", "read, told: exact values"
            ),
        ),
        pytest.param(
            ["1'234.50", "1’000'000.25", "7"],  # noqa: RUF001 - an apostrophe
            [1234.5, 1000000.25, 7],
            "apostrophes between thousands",
            marks=foreign("apostrophes between thousands", "Swiss banks", "read, told: exact values"),
        ),
        pytest.param(
            ['"12,34,567"', '"1,00,000"', "7"],
            [1234567, 100000, 7],
            "commas between thousands",
            marks=foreign("groups of two digits (lakhs)", "Indian spreadsheets", "read, told: exact values"),
        ),
        pytest.param(
            ['"(1,234.50)"', "12.25", "(7)"],
            [-1234.5, 12.25, -7],
            "negative numbers in parentheses",
            marks=foreign("negative numbers in parentheses", "accounting exports", "read, told: exact values"),
        ),
        pytest.param(
            ["1.234,50-", "12,25", "7,00-"],
            [-1234.5, 12.25, -7],
            "decimal commas",
            marks=foreign("the minus behind the number", "SAP", "read, told: exact values"),
        ),
        pytest.param(
            ["\u22125.5", "\u22127", "3"],
            [-5.5, -7, 3],
            None,
            marks=foreign("a typographic minus sign", "Wikipedia tables", "read"),
        ),
        pytest.param(
            ["12.5 %", "8 %", "100%"],
            [12.5, 8, 100],
            "numbers with %",
            marks=foreign("percent signs", "spreadsheets", "read, told: 12.5 % is 12.5"),
        ),
        pytest.param(
            ["70 kg", "82.5kg", "0"],
            [70, 82.5, 0],
            "numbers with kg",
            marks=foreign("a unit behind each number", "hand-kept tables", "read, told: the unit"),
        ),
        pytest.param(
            ["1,234", "0,5", "12"],
            [1.234, 0.5, 12],
            "decimal commas",
            marks=foreign("1,234 beside 0,5", "European tables", "read, told: decided by the column"),
        ),
        pytest.param(
            ["1,234", "2,345,678", "12"],
            [1234, 2345678, 12],
            "commas between thousands",
            marks=foreign("1,234 beside 2,345,678", "US tables", "read, told: decided by the column"),
        ),
        pytest.param(
            ["1e3", "2.5E-1", "-7e0"], [1000, 0.25, -7], None, marks=foreign("exponents", "scientific programs", "read")
        ),
        pytest.param(
            ['"1"', '"2.5"', '"-3"'],
            [1, 2.5, -3],
            None,
            marks=foreign("every cell in quotes", "R, SQL exports", "read"),
        ),
    ],
)
def test_a_column_is_read_as_it_is_written(cells: list[str], expected: list[float], told: str | None) -> None:
    # the values are those that the cells were written from
    with pytest.warns(DataWarning, match=told) if told else silence():
        close(understood(csv_of(cells))["c"], expected)


@foreign("1.250 beside columns with decimal commas", "Excel in German", "read, told: thousands, decided by the file")
def test_points_between_thousands_are_told_by_the_other_columns() -> None:
    text = "area;price\n75,5;250.000\n48,25;189.500\n120,0;1.010.000\n"
    with pytest.warns(DataWarning, match="points between thousands in the column price"):
        found = understood(text.encode())
    close(found["price"], pd.read_csv(io.StringIO(text), sep=";", decimal=",", thousands=".")["price"])
    short = "area;price\n75,5;250.000\n48,25;189.500\n"
    with pytest.warns(DataWarning, match="points between thousands in the column price"):
        close(understood(short.encode())["price"], [250_000, 189_500])


@foreign("1,234 and nothing that tells", "any", "read, told: thousands; option decimal")
def test_what_nothing_decides_is_told_and_can_be_said() -> None:
    cells = csv_of(["1,234", "2,500", "7,125"], "\t")
    with pytest.warns(DataWarning, match="commas before three digits taken for thousands, which could be decimals"):
        close(understood(cells)["c"], [1234, 2500, 7125])
    with pytest.warns(DataWarning, match="decimal commas"):
        close(understood(cells, decimal=",")["c"], [1.234, 2.5, 7.125])


@foreign("1,234 and 331.885 in a table with semicolons", "Excel in German", "read, told: decided by the separator")
def test_semicolons_tell_that_commas_stand_before_fractions() -> None:
    with pytest.warns(DataWarning, match="decimal commas in the column c"):
        close(understood(csv_of(["1,234", "2,500"]))["c"], [1.234, 2.5])
    with pytest.warns(DataWarning, match="points between thousands in the column c"):
        close(understood(csv_of(["331.885", "720"]))["c"], [331885, 720])
    with pytest.warns(DataWarning, match="commas between thousands in the column c"):
        close(understood(csv_of(['"1,234"', '"2,500"'], ","))["c"], [1234, 2500])
    with silence():
        close(understood(csv_of(["331.885", "720"], ","))["c"], [331.885, 720])
        close(understood(csv_of(["7.4", "1.250"]))["c"], [7.4, 1.25])


@foreign("331.885 and nothing that tells", "German registers", "read, told: decimals; option decimal")
def test_points_before_three_digits_are_told() -> None:
    cells = csv_of(["331.885", "111.343", "720"], "\t")
    with pytest.warns(DataWarning, match="points before three digits taken for decimals, which could be thousands"):
        close(understood(cells)["c"], [331.885, 111.343, 720])
    with pytest.warns(DataWarning, match="points between thousands"):
        close(understood(cells, decimal=",")["c"], [331885, 111343, 720])


@pytest.mark.parametrize("mark", ["-", "--", "NA", "N/A", "null", "None", "?", ".", "#N/A", "#DIV/0!", "n.a.", "\\N"])
@foreign("one mark for a missing value among 300 numbers", "spreadsheets, SAS, MySQL, people", "read: missing")
def test_one_mark_among_300_numbers_is_missing(mark: str) -> None:
    found = understood(csv_of([*(f"{number}.5" for number in range(299)), mark]))["c"]
    close(found[:-1], np.arange(299) + 0.5)
    assert math.isnan(found[-1])


@foreign("a few cells that are no numbers", "people", "read, told: these cells are missing")
def test_a_few_words_among_numbers_are_missing_and_told() -> None:
    cells = [*(f"{number}.5" for number in range(298)), "approx. 7", "<5"]
    with pytest.warns(DataWarning, match=r"2 of 300 cells that are no numbers \('approx. 7', '<5'\) in the column c"):
        found = understood(csv_of(cells))["c"]
    close(found[:-2], np.arange(298) + 0.5)
    assert np.isnan(found[-2:]).all()


@foreign("a third of the cells are no numbers", "people", "read, told: categories, or left out")
def test_many_words_among_numbers_make_categories_and_are_told() -> None:
    cells = [*(f"{number % 30}.5" for number in range(200)), *["unknown"] * 100]
    with pytest.warns(DataWarning, match=r"numbers as categories in the column c, for 100 of 300 cells are none"):
        understood(csv_of(cells))


@foreign("-999 for a missing value", "weather stations", "read as the number; option missing, and it is missing")
def test_a_sentinel_is_a_number_unless_the_user_says_otherwise() -> None:
    cells = csv_of(["1.5", "2.5", "-999", "4.5"])
    close(understood(cells)["c"], [1.5, 2.5, -999, 4.5])
    found = understood(cells, missing=("-999",))["c"]
    close(found[:2] + found[3:], [1.5, 2.5, 4.5])
    assert math.isnan(found[2])


@foreign("-999 beside numbers far from it", "weather stations", "read; in doubt, before training")
def test_a_likely_sentinel_is_shown_before_training(tmp_path: Path) -> None:
    lines = [f"{-999 if row % 7 == 3 else row % 5 + 0.5};{row % 3};{'uv'[row % 2]}" for row in range(40)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["t;n;y", *lines]))
    summary = list(TabularDataset.open(path).summary())
    assert summary == [
        "numbers: t, n",
        "in doubt: -999 in the column t: if it means that there is no value, say -O missing=-999",
    ]


@foreign("whole numbers beyond 2^53", "snowflake ids, hashes", "read; in doubt, before training")
def test_long_keys_are_shown_before_training(tmp_path: Path) -> None:
    lines = [f"{(1 << 60) + row},{row % 5 + 0.5},{'uv'[row % 2]}" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["post,n,y", *lines]))
    summary = list(TabularDataset.open(tmp_path / "t.csv").summary())
    assert any(line.startswith("in doubt: numbers beyond 2^53 in the column post") for line in summary)


@foreign(
    "numbers of hundreds of digits", "damaged files, keys", "read: missing, like infinite ones; left out, and told"
)
def test_numbers_beyond_all_bounds_are_missing() -> None:
    with pytest.warns(DataWarning, match=r"the column c \(all missing or infinite\)"):
        assert list(understood(csv_of(["9" * 400, "9" * 500]))) == ["other"]


@foreign("infinite numbers", "divisions by zero in R and NumPy", "read, told: missing")
def test_infinite_numbers_are_missing_and_told() -> None:
    with pytest.warns(DataWarning, match="2 infinite numbers in the column c"):
        found = understood(csv_of(["1.5", "inf", "-Inf", "2.5"]))["c"]
    assert np.isnan(found).tolist() == [False, True, True, False]


@foreign("two units in a column", "hand-kept tables", "read, told: those of the other unit are missing, or categories")
def test_two_units_are_not_mixed() -> None:
    cells = [f"{number}.5 kg" for number in range(50, 70)]
    with pytest.warns(DataWarning, match=r"1 of 21 cells that are no numbers \('150 lb'\) in the column c"):
        found = understood(csv_of([*cells, "150 lb"]))["c"]
    close(found[:-1], np.arange(50, 70) + 0.5)
    assert math.isnan(found[-1])


@foreign("a word in a column that was numbers in training", "later exports", "refused: names column and cell")
def test_a_word_in_a_clean_column_is_refused_later() -> None:
    tokenizer = TabularTokenizer(4)
    tokenizer.calibrate(Example({"c": f"{number}.5"}) for number in range(9))
    with pytest.raises(InputError, match=r"column 'c' holds 'unknown', which is no number[\s\S]*leave it empty"):
        tokenizer.prepare({"c": "unknown"})

"""Columns to tokens: what each column is taken for, and what each token says."""

import json
import math
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mt_core.contract import Example
from mt_core.errors import DataWarning, InputError, MtError, OptionError
from mt_plugin_tabular.cells import Row
from mt_plugin_tabular.numbers import Periodic, PiecewiseLinear, piecewise_linear, quantile_edges
from mt_plugin_tabular.survey import KEPT_ROWS, TableSummary
from mt_plugin_tabular.tokenizer import TabularOptions, TabularTokenizer

ROWS: list[Row] = [
    {"age": "30", "pay": "1.5", "town": "Ulm", "born": "1990-01-01"},
    {"age": "40", "pay": None, "town": "Bonn", "born": "1980-01-01"},
    {"age": "50", "pay": "2.5", "town": "Ulm", "born": "1970-01-01"},
    {"age": "60", "pay": "9.5", "town": None, "born": "1960-01-01"},
]


def made(rows: Iterable[Row] = ROWS, width: int = 8, **options: Any) -> TabularTokenizer:
    torch.manual_seed(0)
    tokenizer = TabularTokenizer(width, TabularOptions(**options))
    tokenizer.calibrate(Example(row) for row in rows)
    return tokenizer


def tokens(tokenizer: TabularTokenizer, rows: Sequence[Row]) -> Tensor:
    values: Tensor = tokenizer(tokenizer.collate([tokenizer.prepare(row) for row in rows])).values
    return values.detach()


def kinds(tokenizer: TabularTokenizer) -> dict[str, str]:
    return {column.name: column.kind for column in tokenizer.columns}


def column_of(values: Iterable[Any], **options: Any) -> TabularTokenizer:
    """Calibrated on one column `c` beside another that always can be used."""
    return made([{"c": value, "other": str(index % 2)} for index, value in enumerate(values)], **options)


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@pytest.mark.parametrize(
    ("cells", "mean"),
    [(["1,5", "2,5", "-", "8"], 4.0), (["$1,200", "$800"], 1000.0), (["1.234,5", "65,5"], 650.0)],
)
def test_numbers_are_read_as_their_column_writes_them(cells: list[str], mean: float) -> None:
    column = column_of(cells).columns[0]
    assert (column.kind, column.mean) == ("number", pytest.approx(mean))
    again = TabularTokenizer(8, TabularOptions())
    again.restore(json.loads(json.dumps(column_of(cells).calibration())))
    assert again.columns[0] == column


def test_number_between_edges_fills_its_bin_in_part() -> None:
    # by hand, equation 1 of arXiv:2203.05556: edges 0 1 3 7; the second column has one bin, 10 to 20
    left, span = torch.tensor([[0.0, 1, 3], [10, 0, 0]]), torch.tensor([[1.0, 2, 4], [10, 1, 1]])
    values = torch.tensor([[2.0, 12.5], [0.25, 20], [7, 10], [-1, 25], [9, 0]])
    expected = [
        [[1, 0.5, 0], [0.25, 0, 0]],
        [[0.25, 0, 0], [1, 0, 0]],
        [[1, 1, 1], [0, 0, 0]],
        [[-1, 0, 0], [1.5, 0, 0]],
        [[1, 1, 1.5], [-1, 0, 0]],
    ]
    torch.testing.assert_close(piecewise_linear(values, left, span, torch.tensor([3, 1])), torch.tensor(expected))


def test_freak_value_counts_as_four_bin_widths_away() -> None:
    left, span = torch.tensor([[0.0, 1]]), torch.tensor([[1.0, 2]])
    coded = piecewise_linear(torch.tensor([[1e30], [-1e30]]), left, span, torch.tensor([2]))
    assert coded.tolist() == [[[1.0, 5.0]], [[-4.0, 0.0]]]


def test_edges_are_quantiles() -> None:
    assert quantile_edges(np.arange(101.0), 4).tolist() == [0, 25, 50, 75, 100]


def test_each_of_a_few_values_is_an_edge() -> None:
    assert quantile_edges(np.array([1.0, 1, 1, 2, 5, 5]), 48).tolist() == [1, 2, 5]


def test_frequent_value_leaves_the_quantiles_of_the_others() -> None:
    edges = quantile_edges(np.concatenate([np.zeros(900), np.arange(1.0, 102)]), 5)
    assert edges.tolist() == [0, 1, 26, 51, 76, 101]


def test_periodic_embedding_is_sine_and_cosine_of_learned_frequencies() -> None:
    periodic = Periodic(2, 4, num_frequencies=1, sigma=1.0)
    with torch.no_grad():
        periodic.frequencies.copy_(torch.tensor([[0.25], [0.5]]))
    encoded = periodic.encode(torch.tensor([[1.0, 0.5]]))
    torch.testing.assert_close(encoded, torch.tensor([[[1.0, math.cos(math.pi / 2)], [1.0, 0.0]]]), atol=1e-6, rtol=0)
    assert periodic.frequencies.requires_grad


def test_linear_layer_of_a_column_sees_its_column_alone() -> None:
    embedding = PiecewiseLinear([[0.0, 1, 2], [0.0, 2]], width=3)
    code = torch.tensor([1.0, 0.5])
    expected = code @ embedding.project.weight[0] + embedding.project.bias[0]
    torch.testing.assert_close(embedding(torch.tensor([[1.5, 0.3]]))[0, 0], expected)


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_kinds_are_inferred() -> None:
    assert kinds(made()) == {"age": "number", "pay": "number", "town": "category", "born": "date"}
    assert kinds(column_of(["True", "False"] * 3))["c"] == "category"
    assert kinds(column_of(["1", "2", "x"]))["c"] == "category"
    assert kinds(column_of(["1", "2", None, "inf"]))["c"] == "number"


def test_days_are_the_numbers_of_a_date() -> None:
    column = next(column for column in made().columns if column.name == "born")
    assert column.mean == pytest.approx((7305 + 3652 + 0 - 3653) / 4)  # days of the four dates since 1970-01-01


def test_kinds_can_be_overridden() -> None:
    tokenizer = made(categorical=("age",), ignore=("town",), numeric=("pay",))
    assert kinds(tokenizer) == {"age": "category", "pay": "number", "born": "date"}
    assert tokenizer.dropped == {"town": "ignored by option"}
    assert TabularOptions.parse({"ignore": "a,b"}).ignore == ("a", "b")  # type: ignore[attr-defined]


def test_override_that_cannot_be_is_refused() -> None:
    with pytest.raises(OptionError, match=r"no column 'size'[\s\S]*age, pay, town, born"):
        made(ignore=("size",))
    with pytest.raises(InputError, match="'town' is to be a number and holds 'Ulm'"):
        made(numeric=("town",))


def test_text_far_down_is_found_although_its_row_is_not_kept() -> None:
    survey = TableSummary({"c": "1" if index < KEPT_ROWS else "x"} for index in range(KEPT_ROWS + 1))
    assert survey.texts["c"] == {"x": 1} and "x" in survey.present("c")
    assert len(survey.kept) == KEPT_ROWS


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([None] * 30, "all missing"),
        (["inf"] * 30, "all missing or infinite"),
        (["7"] * 30, "constant"),
        (["x"] * 30, "constant"),
        ([f"name {index}" for index in range(30)], "30 different texts in 30 cells: names, keys or free text"),
    ],
)
def test_column_that_says_nothing_is_dropped_with_its_reason(values: list[Any], reason: str) -> None:
    with pytest.warns(DataWarning, match="left out: the column c "):
        tokenizer = column_of(values)
    assert tokenizer.calibration()["dropped"] == {"c": reason}
    assert kinds(tokenizer) == {"other": "number"}


def test_table_without_a_usable_column_is_refused() -> None:
    with pytest.raises(InputError, match=r"no column of the 2 rows can be used \(c: constant\)"):
        made([{"c": "1"}, {"c": "1"}])


def test_one_row_cannot_be_calibrated_on() -> None:
    with pytest.raises(InputError, match="no column of the 1 rows"):
        made(ROWS[:1])


def test_no_columns_before_calibration() -> None:
    tokenizer = TabularTokenizer(8)
    assert tokenizer.calibration() == {}
    assert tokenizer.read(ROWS[0]) == ROWS[0]
    with pytest.raises(MtError, match=r"no columns yet[\s\S]*calibrate"):
        tokenizer.prepare(ROWS[0])


def test_token_for_each_column() -> None:
    values = tokens(made(), ROWS)
    assert values.shape == (4, 4, 8)
    assert values.isfinite().all()


@pytest.mark.parametrize("numbers", ["ple", "periodic"])
def test_cell_changes_its_own_token_and_no_other(numbers: str) -> None:
    tokenizer = made(number_embedding=numbers)
    order = ["age", "pay", "born", "town"]  # numbers first
    changes: Row = {"age": "41", "pay": "2.25", "born": "1985-06-01", "town": "Bonn"}
    before = tokens(tokenizer, [ROWS[0]])
    for place, name in enumerate(order):
        after = tokens(tokenizer, [{**ROWS[0], name: changes[name]}])
        assert (after != before).any(-1)[0].tolist() == [index == place for index in range(4)]


def test_missing_and_unknown_cells_have_vectors_of_their_own() -> None:
    tokenizer = made()
    rows: list[Row] = [{**ROWS[0], "town": town} for town in ("Ulm", "Bonn", None, "Paris", "Rome")]
    assert [tokenizer.prepare(row)["categories"].item() for row in rows] == [2, 3, 1, 0, 0]
    assert len({tuple(token.tolist()) for token in tokens(tokenizer, rows)[:, 3]}) == 4
    pays: list[Row] = [{**ROWS[0], "pay": pay} for pay in (None, "inf", "4.5")]
    assert tokenizer.prepare(pays[0])["numbers"].isnan().tolist() == [False, True, False]
    with pytest.warns(DataWarning, match="infinite numbers in the column pay"):
        first, second, average = tokens(tokenizer, pays)[:, 1]
    assert torch.equal(first, second) and not torch.equal(first, average)


@pytest.mark.filterwarnings("ignore::mt_core.errors.DataWarning")
def test_categories_beyond_the_most_frequent_are_unknown() -> None:
    tokenizer = column_of(["a", "b", "b", "c", "c", "c"], max_categories=2)
    indices = [tokenizer.prepare({"c": value, "other": "1"})["categories"].item() for value in "cba"]
    assert indices == [2, 3, 0]


def test_number_categories_do_not_depend_on_how_they_are_written() -> None:
    tokenizer = column_of(["1", "2", "1"], categorical=("c",))
    prepared = [tokenizer.prepare({"c": value, "other": "1"})["categories"].item() for value in ("2", "2.0", 2.0)]
    assert prepared == [3, 3, 3]


def test_batch_changes_no_row() -> None:
    tokenizer = made()
    together = tokens(tokenizer, ROWS)
    for index, row in enumerate(ROWS):
        torch.testing.assert_close(tokens(tokenizer, [row])[0], together[index])


def test_huge_numbers_give_finite_tokens() -> None:
    tokenizer = column_of(["-1e300", "0", "1e-300", "1e300"])
    assert tokens(tokenizer, [{"c": value, "other": "1"} for value in ("1e308", "-1e308", "1e-320")]).isfinite().all()


@pytest.mark.parametrize("numbers", ["ple", "periodic"])
def test_restored_tokenizer_gives_the_same_tokens(numbers: str) -> None:
    tokenizer = made(number_embedding=numbers)
    restored = TabularTokenizer(8, TabularOptions(number_embedding=numbers))  # type: ignore[arg-type]
    restored.restore(json.loads(json.dumps(tokenizer.calibration(), allow_nan=False)))
    restored.load_state_dict(tokenizer.state_dict())
    assert torch.equal(tokens(restored, ROWS), tokens(tokenizer, ROWS))
    assert restored.calibration() == tokenizer.calibration()


def test_calibrating_again_starts_anew() -> None:
    tokenizer = made()
    tokenizer.calibrate([Example({"x": "1"}), Example({"x": "2"})])
    assert kinds(tokenizer) == {"x": "number"}
    assert tokens(tokenizer, [{"x": "1"}]).shape == (1, 1, 8)


def test_same_seed_gives_the_same_weights() -> None:
    assert torch.equal(tokens(made(), ROWS), tokens(made(), ROWS))


def test_tokenizer_survives_pickling() -> None:
    tokenizer = made()
    assert torch.equal(tokens(pickle.loads(pickle.dumps(tokenizer)), ROWS), tokens(tokenizer, ROWS))


def test_every_weight_gets_a_gradient() -> None:
    tokenizer = made()
    rows: list[Row] = [*ROWS, {**ROWS[0], "age": None, "born": None, "town": "Paris"}]
    tokenizer(tokenizer.collate([tokenizer.prepare(row) for row in rows])).values.square().sum().backward()
    for name, weight in tokenizer.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_cells_are_hidden_in_training_only_and_as_the_generator_says() -> None:
    tokenizer = made(drop=0.5)
    first = [tokenizer.prepare(ROWS[0], torch.Generator().manual_seed(seed)) for seed in range(50)]
    again = [tokenizer.prepare(ROWS[0], torch.Generator().manual_seed(seed)) for seed in range(50)]
    for left, right in zip(first, again, strict=True):
        torch.testing.assert_close(left, right, equal_nan=True)
    assert 0.3 < torch.stack([item["numbers"] for item in first]).isnan().float().mean() < 0.7
    assert {item["categories"].item() for item in first} == {0, 2}
    assert not tokenizer.prepare(ROWS[0])["numbers"].isnan().any()


def test_further_columns_are_ignored_and_lacking_ones_named() -> None:
    tokenizer = made()
    assert torch.equal(tokens(tokenizer, [{**ROWS[0], "label": "x"}]), tokens(tokenizer, [ROWS[0]]))
    for use in (tokenizer.read, tokenizer.prepare):
        with pytest.raises(InputError, match=r"lacks the columns 'pay', 'town'"):
            use({"age": "30", "born": "1990-01-01"})


def test_cell_of_the_wrong_kind_is_refused_with_its_column() -> None:
    with pytest.raises(InputError, match=r"'age' holds 'old', which is no number[\s\S]*categorical=age"):
        made().prepare({**ROWS[0], "age": "old"})


def test_stream_gives_every_row_of_a_file_and_names_the_file_that_lacks_a_column(tmp_path: Path) -> None:
    tokenizer = made()
    path = tmp_path / "people.csv"
    path.write_text("age,pay,town,born\n30,1.5,Ulm,1990-01-01\n40,,Bonn,1980-01-01\n")
    assert list(tokenizer.stream(path)) == ROWS[:2]
    path.write_text("age,pay,town\n30,1.5,Ulm\n")
    with pytest.raises(InputError, match=r"people\.csv.* lacks the column 'born'"):
        list(tokenizer.stream(path))


def test_more_columns_than_attention_can_carry_are_refused() -> None:
    with pytest.raises(InputError, match="1,025 columns are more than 1,024"):
        made([dict.fromkeys((f"c{index}" for index in range(1025)), value) for value in ("0", "1")])

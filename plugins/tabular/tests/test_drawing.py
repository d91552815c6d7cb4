"""Rows of tables drawn as a lattice of cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from mt_core.contract import Example
from mt_core.encoder import load_encoder
from mt_core.model import make_tokenizer
from mt_plugin_tabular.cells import Row
from mt_plugin_tabular.drawing import Lattice
from mt_plugin_tabular.tokenizer import TabularOptions, TabularTokenizer

ROWS: list[Row] = [{"age": str(age), "town": town} for age, town in zip((0, 10, 20, 30, 40), "aabab", strict=True)]
SIZE = 16  # of two columns each is half of the width


def made(rows: Iterable[Row] = ROWS, **options: Any) -> TabularTokenizer:
    picture = {"view": "picture", "picture_size": SIZE, "picture_patch": 8}
    tokenizer = TabularTokenizer(8, TabularOptions.parse({**picture, **options}))
    tokenizer.calibrate(Example(row) for row in rows)
    return tokenizer


def batch_of(tokenizer: TabularTokenizer, *rows: Row) -> Mapping[str, Tensor]:
    return tokenizer.collate([tokenizer.prepare(row) for row in rows])


def drawn(tokenizer: TabularTokenizer, *rows: Row) -> Tensor:
    """(B, 3, S, S)."""
    pictures = tokenizer.draw(batch_of(tokenizer, *rows))
    assert pictures is not None
    return pictures[:, 0]


def halves(picture: Tensor) -> tuple[Tensor, Tensor]:
    left, right = picture.split(SIZE // 2, dim=-1)
    return left, right


def test_a_number_is_as_red_as_it_stands_among_the_training_rows_and_as_green_as_it_is_large() -> None:
    tokenizer = made()
    for age, quantile in ((0, 0.0), (10, 0.25), (25, 0.625), (40, 1.0), (99, 1.0)):
        red, green, blue = halves(drawn(tokenizer, {"age": str(age), "town": "a"})[0])[0]
        deviations = (age - 20) / math.sqrt(200)  # the mean and the variance of 0, 10, 20, 30, 40
        torch.testing.assert_close(red, torch.full_like(red, quantile))
        torch.testing.assert_close(green, torch.full_like(green, (1 + math.tanh(deviations / 2)) / 2))
        assert blue.sum() == pytest.approx(quantile * SIZE * SIZE / 2)
        assert (blue.diff(dim=0) >= 0).all()  # full below, empty above


def test_a_category_has_the_same_code_in_every_table_and_another_than_others() -> None:
    first = made()
    second = made([{"size": str(size), "town": town} for size, town in enumerate("babac")])
    codes = [
        halves(drawn(tokenizer, row)[0])[1]
        for tokenizer, row in (
            (first, {"age": "1", "town": "a"}),
            (second, {"size": "3", "town": "a"}),
            (first, {"age": "1", "town": "b"}),
        )
    ]
    assert torch.equal(codes[0], codes[1]) and not torch.equal(codes[0], codes[2])


def test_a_missing_cell_and_an_unknown_category_look_like_no_value() -> None:
    tokenizer = made()
    rows: list[Row] = [{"age": "20", "town": town} for town in ("a", "b", None, "z")]
    categories = [halves(picture)[1] for picture in drawn(tokenizer, *rows)]
    assert len({tuple(cell.flatten().tolist()) for cell in categories}) == 4
    gap = halves(drawn(tokenizer, {"age": None, "town": "a"})[0])[0]
    ages = [halves(drawn(tokenizer, {"age": str(age), "town": "a"})[0])[0] for age in range(-40, 80, 5)]
    assert min((gap - age).abs().mean() for age in ages) > 0.1
    torch.testing.assert_close(gap, categories[2])  # missing is missing, whatever the column


def test_a_cell_changes_its_own_place_in_the_picture_and_no_other() -> None:
    names = "abcdefg"
    tokenizer = made([dict(zip(names, map(str, range(step, step + 7)), strict=True)) for step in (0, 5, 9)])
    row: Row = dict(zip(names, map(str, range(7)), strict=True))
    before = drawn(tokenizer, row)[0]
    seen = torch.zeros(SIZE, SIZE)
    for name in names:
        seen += (drawn(tokenizer, {**row, name: "8"})[0] != before).any(0)
    assert torch.equal(seen, torch.ones(SIZE, SIZE))  # each pixel belongs to exactly one column


@pytest.mark.parametrize("columns", [1, 2, 5, 14, 100])
def test_columns_share_the_whole_picture_out_evenly(columns: int) -> None:
    areas = torch.bincount(Lattice(columns, 64).column.flatten(), minlength=columns)
    assert len(areas) == columns and areas.sum() == 64 * 64
    assert areas.min() > 0.4 * 64 * 64 / columns


def test_pictures_follow_the_numbers_by_their_gradient() -> None:
    tokenizer = made()
    batch = dict(batch_of(tokenizer, ROWS[1], ROWS[3]))
    batch["numbers"].requires_grad_()
    pictures = tokenizer.draw(batch)
    assert pictures is not None
    pictures.sum().backward()
    assert (batch["numbers"].grad > 0).all()  # larger numbers are brighter in all three colours


@pytest.mark.parametrize("kept", ["age", "town"])
def test_tables_of_numbers_alone_and_of_categories_alone_are_drawn(kept: str) -> None:
    tokenizer = made([{kept: row[kept]} for row in ROWS])
    assert drawn(tokenizer, *ROWS).isfinite().all()


def test_the_view_of_pictures_has_the_encoders_own_stem_and_nothing_else_to_learn() -> None:
    encoder = load_encoder("mt-tiny")
    tokenizer = make_tokenizer(TabularTokenizer, encoder, {"view": "picture"}, seed=0)
    tokenizer.calibrate(Example(row) for row in ROWS)
    assert {name.split(".")[0] for name, _ in tokenizer.named_parameters()} == {"picture"}
    tokens = tokenizer(batch_of(tokenizer, *ROWS))
    assert tokens.values.shape == (len(ROWS), 16, encoder.width) and tokens.grid == (4, 4)

import textwrap

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import nn

import mt_core.contract.tokenizer as module
from mt_core.contract import Options, Tokenizer, Tokens, reading
from mt_core.errors import ContractError, InputError
from mt_core.sdk.blocks import LearnedPositions


@pytest.fixture
def example() -> type[Tokenizer]:
    """The tokenizer that the module's docstring opens with, as an author would copy it."""
    code = textwrap.dedent(module.__doc__.partition(".npy` files:")[2])
    parts = (Options, Tokenizer, Tokens, reading, LearnedPositions, Field)
    names = {"nn": nn, "np": np, "torch": torch, **{part.__name__: part for part in parts}}
    exec("from pathlib import Path\n" + code, names)
    return names["SeriesTokenizer"]


def test_the_documented_tokenizer_turns_series_into_tokens(example, tmp_path):
    tokenizer = example(8)
    np.save(tmp_path / "series.npy", np.arange(40.0))
    items = [tokenizer.prepare(tokenizer.read(source)) for source in (tmp_path / "series.npy", np.arange(70.0))]
    tokens = tokenizer(tokenizer.collate(items))
    assert tokens.values.shape == (2, 4, 8)
    assert tokens.mask.sum(1).tolist() == [2, 4]


def test_the_documented_tokenizer_refuses_a_bad_file_by_name(example, tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"no numbers")
    with pytest.raises(InputError, match=r"bad\.npy"):
        example(8).read(tmp_path / "bad.npy")


def test_by_default_a_source_is_one_sample_and_nothing_is_calibrated(example):
    tokenizer = example(8)
    assert len(list(tokenizer.stream(np.arange(20.0)))) == 1
    tokenizer.calibrate([])
    assert tokenizer.calibration() == {}


def test_another_order_of_an_array_is_its_rows_shuffled():
    rows = np.arange(20).reshape(10, 2)
    shuffled = Tokenizer(8).permuted(rows, torch.Generator().manual_seed(0))
    assert shuffled.tolist() != rows.tolist() and sorted(shuffled.tolist()) == rows.tolist()
    assert rows[0].tolist() == [0, 1]  # the sample itself stays as it is


def test_an_order_that_nobody_explained_is_refused():
    with pytest.raises(ContractError, match="another order of a dict") as refused:
        Tokenizer(8).permuted({}, torch.Generator())
    assert "override `permuted`" in refused.value.fix


def test_channels_that_nobody_explained_are_refused():
    with pytest.raises(ContractError, match="what channels a sample has") as refused:
        Tokenizer(8).with_channels(np.zeros((3, 2)), 4)
    assert "override `with_channels`" in refused.value.fix


def test_a_sample_is_read_by_people_as_text_where_it_is_one():
    tokenizer = Tokenizer(8)
    samples = ["a dog", {"age": 3, "job": "baker"}, np.zeros(3)]
    assert [tokenizer.as_text(sample) for sample in samples] == ["a dog", "age: 3, job: baker", None]

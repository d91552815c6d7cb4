"""An option that tokenizer and dataset both have is given once. Here it is `noise`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import Field

import mt_core as mt
from mt_core.contract import Options
from mt_core.data.dataset_options import dataset_options, options_of_both
from mt_core.errors import OptionError
from mt_core.plugins import get


class ToyDatasetOptions(Options):
    noise: float = Field(default=0.05, description="As of the tokenizer.")
    fold: int = Field(default=1, ge=1, description="Which is the test.")


@pytest.fixture(autouse=True)
def opened(toy, monkeypatch) -> list[Options]:
    """The toy dataset has options, and here is what it was opened with."""
    dataset, seen = get("toy").dataset, []
    open_folder = dataset.open.__func__
    monkeypatch.setattr(dataset, "Options", ToyDatasetOptions)

    def watched(cls, root, split="train", *, task=None, options=None):
        seen.append(options)
        return open_folder(cls, root, split, task=task)

    monkeypatch.setattr(dataset, "open", classmethod(watched))
    return seen


@pytest.fixture
def data(tmp_path) -> Path:
    for sign, name in ((-1, "falling"), (1, "rising")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(4):
            np.save(tmp_path / "data" / name / f"{number}.npy", sign * np.linspace(-1, 1, 12, dtype=np.float32))
    return tmp_path / "data"


def fit(model, data, **more):
    return mt.fit(model, data, epochs=1, num_workers=0, **more)


def test_an_option_of_both_that_load_was_given_reaches_the_data(small_encoder, data, opened):
    fit(mt.load("toy", encoder=small_encoder, noise=0.5), data)
    assert {options.noise for options in opened} == {0.5}


def test_an_option_of_both_that_the_data_was_given_reaches_the_tokenizer_and_the_run(small_encoder, data, tmp_path):
    model = mt.load("toy", encoder=small_encoder, dropout=0.2)
    fit(model, data, data_options={"noise": "0.5", "fold": 2}, out=tmp_path / "run")
    assert (model.tokenizer.options.noise, model.tokenizer.options.dropout) == (0.5, 0.2)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data"]["options"] == {"noise": 0.5, "fold": 2}
    assert record["tokenizer"]["options"]["noise"] == 0.5


def test_two_values_of_one_option_are_refused(small_encoder, data):
    model = mt.load("toy", encoder=small_encoder, noise=0.05)
    with pytest.raises(OptionError, match=r"noise is 0\.5 for the data and 0\.05 for the tokenizer"):
        fit(model, data, data_options={"noise": 0.5})


def test_a_tokenizer_that_is_not_as_it_was_made_is_not_made_again(small_encoder, data):
    model = mt.load("toy", encoder=small_encoder)
    with torch.no_grad():
        model.tokenizer.project.weight.zero_()
    with pytest.raises(OptionError, match="give noise once"):
        fit(model, data, data_options={"noise": 0.5})
    assert not model.tokenizer.project.weight.any()


def test_evaluation_repeats_the_options_of_the_run_and_refuses_another_of_both(small_encoder, data, opened, tmp_path):
    fit(mt.load("toy", encoder=small_encoder, noise=0.5), data, data_options={"fold": 3}, out=tmp_path / "run")
    model = mt.load_run(tmp_path / "run", encoder=small_encoder)
    opened.clear()
    mt.evaluate(model, data, "train", num_workers=0)
    mt.evaluate(model, data, "train", num_workers=0, data_options={"fold": 1, "noise": 0.5})
    assert [(options.noise, options.fold) for options in opened] == [(0.5, 3), (0.5, 1)]
    with pytest.raises(OptionError, match="a trained model keeps its own"):
        mt.evaluate(model, data, "train", data_options={"noise": 0.1})


def test_a_model_trained_on_a_dataset_gives_the_data_what_its_tokenizer_has(small_encoder):
    model = mt.load("toy", encoder=small_encoder, noise=0.25)
    fit(model, get("toy").dataset.demo(size=8))
    assert dataset_options(model, {}) == ToyDatasetOptions(noise=0.25)


def test_a_new_tokenizer_and_its_data_get_one_value_of_what_both_have():
    given = [({}, {}), ({"noise": "0.5"}, {"fold": 2}), ({}, {"noise": 0.2})]
    made = [options_of_both(get("toy"), of_tokenizer, of_data) for of_tokenizer, of_data in given]
    assert [(for_tokenizer["noise"], for_data) for for_tokenizer, for_data in made] == [
        (0.05, ToyDatasetOptions()),
        (0.5, ToyDatasetOptions(noise=0.5, fold=2)),
        (0.2, ToyDatasetOptions(noise=0.2)),
    ]
    with pytest.raises(OptionError, match=r"noise is 0\.5 for the data and 0\.1 for the tokenizer"):
        options_of_both(get("toy"), {"noise": 0.1}, {"noise": 0.5})

"""`mt cache`, and commands that keep nothing."""

import json
import os

import numpy as np
import pytest

from mt_core.cli import main
from mt_core.data.cache_folder import features_folder

pytestmark = pytest.mark.usefixtures("toy", "feature_cache")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder per class."""
    monkeypatch.chdir(tmp_path)
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(8):
            series = sign * np.linspace(-1, 1, 12 + number)
            np.save(tmp_path / "data" / name / f"{number}.npy", series.astype(np.float32))
    return tmp_path


def embed(encoder, *more):
    return main(["embed", "toy", "data", "-o", "v.parquet", "-q", "--num-workers", "0", "--encoder", encoder, *more])


def info(capsys):
    capsys.readouterr()
    assert main(["cache", "info", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_cache_tells_what_it_holds_and_is_emptied(folder, small_encoder_file, capsys):
    assert embed(str(small_encoder_file)) == 0
    told = info(capsys)
    assert [(row["modality"], row["pool"], row["vectors"]) for row in told["contents"]] == [("toy", "mean", 16)]
    assert told["bytes"] == sum(path.stat().st_size for path in features_folder().glob("*/*.parquet")) < told["limit"]
    assert main(["cache", "info"]) == 0
    assert "16 vectors" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert info(capsys)["contents"] == []


def test_a_command_without_the_cache_keeps_nothing(folder, small_encoder_file, capsys):
    encoder = str(small_encoder_file)
    assert embed(encoder, "--no-cache") == 0
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", encoder]
    train = ["train", "toy", "--data", "data", "--out", "run", "--tune", "probe", "--no-cache", *settings]
    assert main(train) == 0
    assert main(["evaluate", "run", "--data", "data", "-q", "--num-workers", "0", "--no-cache"]) == 0
    assert info(capsys)["contents"] == [] and "MT_CACHE_BYTES" not in os.environ


def test_a_run_is_evaluated_again_without_computing_a_feature(folder, small_encoder_file, capsys, monkeypatch):
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", str(small_encoder_file)]
    assert main(["train", "toy", "--data", "data", "--out", "run", *settings]) == 0
    evaluate = ["evaluate", "run", "--data", "data", "-q", "--num-workers", "0", "--json"]
    capsys.readouterr()
    assert main(evaluate) == 0
    first = json.loads(capsys.readouterr().out)
    monkeypatch.setattr("mt_core.model.MetaTransformer.encode", lambda *_: pytest.fail("a feature was computed twice"))
    assert main(evaluate) == 0
    assert json.loads(capsys.readouterr().out) == first

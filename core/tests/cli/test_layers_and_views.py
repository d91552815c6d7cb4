"""`--layers` and `--view`, on the toy modality, which has one view."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydantic import Field

import mt_core as mt
from mt_core.cli import main
from mt_core.contract import Options
from mt_core.errors import OptionError

pytestmark = pytest.mark.usefixtures("toy")


class Grouped(Options):
    group: str | None = Field(default=None, description="What belongs together.")


@pytest.fixture
def series(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "data" / label / f"{number}.npy" for label in "ab" for number in range(8)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.linspace(number, 1, 12, dtype=np.float32))
    return [str(path) for path in paths]


def test_layers_stand_side_by_side_and_the_file_says_which(series, small_encoder_file, tmp_path):
    out, encoder = str(tmp_path / "v.parquet"), str(small_encoder_file)
    assert main(["embed", "toy", *series, "-o", out, "--layers", "1,2", "--encoder", encoder, "-q"]) == 0
    table = pq.read_table(out)
    vectors = np.stack(table["vector"].to_numpy())
    alone = mt.embed(mt.load("toy", encoder=small_encoder_file), series)
    np.testing.assert_allclose(vectors[:, 64:], alone, rtol=1e-5, atol=1e-6)
    assert vectors.shape[1] == 128
    assert json.loads(table.schema.metadata[b"mt.layers"]) == [1, 2]


def test_vectors_of_other_layers_are_not_added(series, small_encoder_file, tmp_path, capsys):
    out, encoder = str(tmp_path / "v.parquet"), str(small_encoder_file)
    assert main(["embed", "toy", series[0], "-o", out, "--layers", "1", "--encoder", encoder, "-q"]) == 0
    assert main(["embed", "toy", *series, "-o", out, "--layers", "2", "--encoder", encoder, "-q"]) == 2
    assert "layers" in capsys.readouterr().err


def test_a_run_keeps_its_layers(series, small_encoder_file, tmp_path, capsys):
    data, run, encoder = str(tmp_path / "data"), str(tmp_path / "run"), str(small_encoder_file)
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", encoder]
    assert main(["train", "toy", "--data", data, "--out", run, "--layers", "quarters", *settings]) == 0
    assert mt.load_run(run).encoder.layers == (1, 2)
    assert main(["embed", run, *series, "-o", str(tmp_path / "v.parquet"), "--layers", "1"]) == 2
    assert "a run has its own layers" in capsys.readouterr().err
    assert main(["train", "toy", "--data", data, "--out", run, "--layers", "quarters", "--resume", *settings]) == 0
    assert main(["train", "toy", "--data", data, "--out", run, "--layers", "1", "--resume", *settings]) == 2
    assert "started with other settings (layers)" in capsys.readouterr().err


def test_two_views_at_once_are_refused(series, tmp_path, capsys):
    command = ["embed", "toy", *series, "-o", str(tmp_path / "v.npy"), "--view", "picture", "-O", "view=tokens"]
    assert main(command) == 2
    assert "two views" in capsys.readouterr().err


def test_a_view_is_an_option_of_the_tokenizers_that_have_views(series, tmp_path, capsys):
    data, out = str(tmp_path / "data"), str(tmp_path / "out")
    for command in (
        ["embed", "toy", *series, "-o", f"{out}.parquet", "--view", "picture"],
        ["train", "toy", "--data", data, "--out", out, "--view", "picture"],
        ["show", "toy", *series, "-o", f"{out}.png", "--view", "picture"],
    ):
        assert main(command) == 2
        assert "this modality has one view, its own tokens" in capsys.readouterr().err
    assert not Path(f"{out}.png").exists()


def test_a_modality_of_pictures_says_that_it_is_drawn_already(small_encoder_file, monkeypatch):
    from mt_plugin_toy.tokenizer import ToyTokenizer

    monkeypatch.setattr(ToyTokenizer, "draw", lambda self, batch: None)
    with pytest.raises(OptionError, match="its samples are pictures already"):
        mt.load("toy", encoder=small_encoder_file, view="picture")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["-O", "noise=0.5"], "tokenizer.options.noise 0.5, was 0.05"),
        (["-D", "group=folder1"], "data.options.group folder1, was not given"),
        (["-S", "lr=0.5"], "recipe.lr 0.5, was 0.001"),
    ],
)
def test_a_complete_run_is_not_shown_as_the_result_of_other_options(
    series, small_encoder_file, tmp_path, capsys, monkeypatch, change, named
):
    from mt_plugin_toy.dataset import ToyDataset

    monkeypatch.setattr(ToyDataset, "Options", Grouped)
    line = ["train", "toy", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "-q"]
    line += ["--encoder", str(small_encoder_file), "--tune", "knn", "--num-workers", "0"]
    assert main(line) == 0
    assert main([*line, "--resume"]) == 0
    assert main([*line, "--resume", *change]) == 2
    assert named in capsys.readouterr().err


def test_a_run_and_a_file_of_vectors_say_their_token_budget(series, small_encoder_file, tmp_path, capsys):
    data, run, encoder = str(tmp_path / "data"), str(tmp_path / "run"), str(small_encoder_file)
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", encoder]
    assert main(["train", "toy", "--data", data, "--out", run, "--token-budget", "tiles:16", *settings]) == 0
    assert str(mt.load_run(run).encoder.budget) == "tiles:16"
    assert main(["embed", run, *series, "-o", str(tmp_path / "v.parquet"), "-q"]) == 0
    assert pq.read_schema(tmp_path / "v.parquet").metadata[b"mt.token_budget"] == b'"tiles:16"'
    assert main(["embed", run, *series, "-o", str(tmp_path / "w.parquet"), "--token-budget", "32"]) == 2
    assert "a run has its own token budget" in capsys.readouterr().err
    assert main(["train", "toy", "--data", data, "--out", run, "--resume", *settings]) == 2
    assert "started with other settings (token_budget)" in capsys.readouterr().err


def test_vectors_of_another_token_budget_are_not_added(series, small_encoder_file, tmp_path, capsys):
    command = ["embed", "toy", "-o", str(tmp_path / "v.parquet"), "--encoder", str(small_encoder_file), "-q"]
    assert main([*command, series[0], "--token-budget", "16"]) == 0
    assert main([*command, *series]) == 2
    assert "token budget merge:16" in capsys.readouterr().err
    assert main([*command, *series, "--token-budget", "8"]) == 2
    assert "8 is no budget of tokens" in capsys.readouterr().err

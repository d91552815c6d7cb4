"""`mt predict --out`, with what a plugin shows of its predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mt_core.cli import main
from mt_core.errors import InputError
from mt_core.plugins import registry

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def run(tmp_path, small_encoder_file) -> str:
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(4):
            np.save(tmp_path / "data" / name / f"{number}.npy", sign * np.linspace(-1, 1, 12, dtype=np.float32))
    out = str(tmp_path / "run")
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", str(small_encoder_file)]
    assert main(["train", "toy", "--data", str(tmp_path / "data"), "--out", out, *settings]) == 0
    return out


@pytest.fixture
def pictures(monkeypatch):
    """The toy modality shows its predictions as a text file."""

    def write(source, records, task, folder):
        if "broken" in source:
            raise InputError(f"{source} cannot be shown", fix="try another")
        path = folder / f"{Path(source).stem}.txt"
        path.write_text(f"{len(records)} of {task.kind}")
        return [path]

    loaded = registry.get("toy")
    object.__setattr__(loaded, "pictures", write)


def test_predictions_are_written_a_line_a_sample_with_what_the_plugin_shows(run, tmp_path, pictures, capsys):
    np.save(tmp_path / "three.npy", np.ones((3, 12), np.float32))
    capsys.readouterr()
    assert main(["predict", run, str(tmp_path / "three.npy"), "--out", str(tmp_path / "shown")]) == 0
    told = capsys.readouterr().out.splitlines()
    table, picture = tmp_path / "shown" / "predictions.jsonl", tmp_path / "shown" / "three.txt"
    assert told == [str(picture), f"{table}: 3 predictions"]
    records = [json.loads(line) for line in table.read_text().splitlines()]
    assert [record["row"] for record in records] == [0, 1, 2]
    assert picture.read_text() == "3 of classification"


def test_a_source_that_cannot_be_shown_is_told_and_the_others_go_on(run, tmp_path, pictures, capsys):
    for name in ("broken", "sound"):
        np.save(tmp_path / f"{name}.npy", np.ones(12, np.float32))
    files = [str(tmp_path / f"{name}.npy") for name in ("broken", "sound")]
    assert main(["predict", run, *files, "--out", str(tmp_path / "shown")]) == 1
    assert "cannot be shown" in capsys.readouterr().err
    assert (tmp_path / "shown" / "sound.txt").is_file()


def test_of_two_sources_of_one_name_none_is_written_over(run, tmp_path, pictures, capsys):
    for folder in ("east", "west"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "one.npy", np.ones(12, np.float32))
    files = [str(tmp_path / folder / "one.npy") for folder in ("east", "west")]
    capsys.readouterr()
    assert main(["predict", run, *files, "--out", str(tmp_path / "shown")]) == 0
    written = [tmp_path / "shown" / "one.txt", tmp_path / "shown" / "2" / "one.txt"]
    assert capsys.readouterr().out.splitlines()[:2] == [str(path) for path in written]
    assert all(path.is_file() for path in written)


def test_a_modality_that_shows_nothing_writes_its_predictions(run, tmp_path, capsys):
    np.save(tmp_path / "one.npy", np.ones(12, np.float32))
    assert main(["predict", run, str(tmp_path / "one.npy"), "--out", str(tmp_path / "shown")]) == 0
    assert [path.name for path in (tmp_path / "shown").iterdir()] == ["predictions.jsonl"]


def test_a_folder_that_cannot_be_made_is_told(run, tmp_path, capsys):
    np.save(tmp_path / "one.npy", np.ones(12, np.float32))
    (tmp_path / "file").write_text("x")
    assert main(["predict", run, str(tmp_path / "one.npy"), "--out", str(tmp_path / "file" / "shown")]) == 2
    assert "choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_all_sources_go_to_one_table_in_the_format_of_its_suffix(run, tmp_path, suffix, capsys):
    for name in ("one", "two"):
        np.save(tmp_path / f"{name}.npy", np.linspace(-1, 1, 12, dtype=np.float32))
    files = [str(tmp_path / f"{name}.npy") for name in ("one", "two")]
    table = tmp_path / f"p{suffix}"
    assert main(["predict", run, *files, "-o", str(table)]) == 0
    if suffix == ".csv":
        found = pd.read_csv(table)
        assert {"probabilities.rising", "probabilities.falling"} <= set(found.columns)
    else:
        found = pd.read_json(table, lines=True) if suffix == ".jsonl" else pd.read_parquet(table)
    assert list(found["source"]) == files and set(found["prediction"]) <= {"rising", "falling"}


@pytest.mark.parametrize("name", ["p.txt", "p.npy"])
def test_a_suffix_of_no_table_is_refused(run, tmp_path, name, capsys):
    assert main(["predict", run, "any.npy", "-o", str(tmp_path / name)]) == 2
    assert ".parquet, .csv or .jsonl" in capsys.readouterr().err and not (tmp_path / name).exists()

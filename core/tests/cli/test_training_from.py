"""`mt train --from`: a run without a head, as `mt adapt` leaves one, is where training starts."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file

import mt_core as mt
from mt_core.cli import main
from mt_core.training.run import describe_model, save_weights
from mt_core.training.run_record import FORMAT, write_record

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def data(tmp_path):
    root, random = tmp_path / "data", np.random.default_rng(0)
    for sign, name in ((1, "rising"), (-1, "falling")):
        (root / name).mkdir(parents=True)
        for number in range(12):
            series = sign * np.linspace(-1, 1, 12 + number) + 0.05 * random.normal()
            np.save(root / name / f"{number:02d}.npy", series.astype(np.float32))
    return root


@pytest.fixture
def adapted(tmp_path, small_encoder_file):
    """A run without a head, whose tokenizer is not as `load` makes it."""
    model = mt.load("toy", encoder=small_encoder_file, seed=7)
    folder = tmp_path / "adapted"
    folder.mkdir()
    of_data = {"source": "files", "root": None, "train": 9, "val": 0, "test": 0, "summary": [], "options": None}
    recipe = {"tune": "tokenizer", "steps": 4, "lr": 0.001, "batch_size": 8, "seed": 7}
    write_record(
        folder,
        {
            "format": FORMAT,
            "status": "complete",
            "step": 4,
            **describe_model(model),
            "recipe": recipe,
            "data": of_data,
            "vectors": {"before": {"spread": 0.25}},
        },
    )
    save_weights(model, folder, 4)
    return folder


def test_a_training_begins_with_the_weights_of_the_run(adapted, data, tmp_path, capsys):
    out = tmp_path / "trained"
    settings = ["--tune", "probe", "--num-workers", "0", "-q"]
    assert main(["train", "toy", "--data", str(data), "--from", str(adapted), "--out", str(out), *settings]) == 0
    before, after = (load_file(folder / "weights.safetensors") for folder in (adapted, out))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert any(name.startswith("head.") for name in after)
    assert json.loads((out / "run.json").read_text())["started_from"]["run"] == str(adapted)
    assert "test: the run in" in " ".join(json.loads((out / "run.json").read_text())["data"]["summary"])


def test_what_is_known_of_it_is_shown(adapted, capsys):
    assert main(["info", str(adapted)]) == 0
    shown = capsys.readouterr().out
    assert "without labels" in shown and "spread 0.25" in shown


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["train", "toy", "--data", "DATA", "--out", "x", "--from", "RUN", "-O", "dropout=0.1"], "its own options"),
        (["train", "toy", "--data", "DATA", "--out", "x", "--from", "RUN", "--controls"], "from scratch"),
        (["train", "toy", "--data", "DATA", "--out", "x", "--from", "RUN", "--encoder", "mt-tiny"], "was trained on"),
        (["train", "toy", "--data", "DATA", "--out", "x", "--from", "nowhere"], "holds no run"),
        (["predict", "RUN", "DATA"], "has no head"),
        (["evaluate", "RUN", "--data", "DATA"], "has no head"),
    ],
)
def test_what_it_cannot_be_used_for_is_refused_with_the_reason(adapted, data, command, problem, capsys, monkeypatch):
    monkeypatch.chdir(data.parent)
    places = {"DATA": str(data), "RUN": str(adapted)}
    assert main([places.get(word, word) for word in command]) != 0
    assert problem in capsys.readouterr().err
    assert not (data.parent / "x").exists()

"""The commands that do the work, on the toy modality."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from mt_core.cli import main, options
from mt_core.contract import POOLS
from mt_core.plugins import get
from mt_core.sdk import left_out

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder per class, and one file that is no series."""
    random = np.random.default_rng(0)
    for sign, name in ((1, "rising"), (-1, "falling")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            series = sign * np.linspace(-1, 1, 12 + number) + 0.05 * random.normal()
            np.save(tmp_path / "data" / name / f"{number:02d}.npy", series.astype(np.float32))
    (tmp_path / "bad.npy").write_bytes(b"no series")
    return tmp_path


@pytest.fixture
def run(folder, small_encoder_file) -> str:
    out = str(folder / "run")
    settings = ["--epochs", "3", "--num-workers", "0", "--lr", "0.01", "-q", "--encoder", str(small_encoder_file)]
    assert main(["train", "toy", "--data", str(folder / "data"), "--out", out, *settings]) == 0
    return out


def test_training_tells_metrics_beside_the_naive_ones_and_where_the_run_is(folder, small_encoder_file, capsys):
    run, encoder = str(folder / "run"), str(small_encoder_file)
    settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", encoder]
    assert main(["train", "toy", "--data", str(folder / "data"), "--out", run, *settings]) == 0
    told = capsys.readouterr().out
    assert "validation accuracy" in told and "(baseline 0.5" in told
    assert "parameters trained" in told and run in told


def test_the_parameters_that_were_trained_are_counted_with_adapters_and_again_when_a_run_is_shown(
    folder, small_encoder_file, capsys
):
    pytest.importorskip("peft")
    for tune in ("lora", "knn"):
        run, encoder = folder / tune, str(small_encoder_file)
        settings = ["--epochs", "1", "--num-workers", "0", "-q", "--encoder", encoder, "--tune", tune]
        command = ["train", "toy", "--data", str(folder / "data"), "--out", str(run), *settings]
        assert main(command) == 0 and main([*command, "--resume"]) == 0
        weights = load_file(run / "weights.safetensors")
        trained = sum(weights[name].numel() for name in weights if name.endswith(("lora_A", "lora_B"))) or None
        count = json.loads((run / "run.json").read_text())["parameters"]["trainable"]
        assert count == 0 if trained is None else count > trained
        assert capsys.readouterr().out.count(f"{count:,} parameters trained") == 2


def test_data_that_a_run_cannot_be_measured_on_are_refused_before_an_encoder_is_loaded(
    run, folder, capsys, monkeypatch
):
    monkeypatch.setattr("mt_core.training.run.load_encoder", None)
    (folder / "notes").mkdir()
    assert main(["evaluate", run, "--data", str(folder / "notes")]) == 2
    assert "has no folder per class" in capsys.readouterr().err


def test_strict_evaluation_refuses_data_of_which_something_is_left_out_when_they_are_opened(
    run, folder, capsys, monkeypatch
):
    dataset = get("toy").dataset
    open_folder = dataset.open.__func__

    def open_without_a_row(cls, root, split="train", **given):
        left_out(str(root), "a row without a label")
        return open_folder(cls, root, split, **given)

    monkeypatch.setattr(dataset, "open", classmethod(open_without_a_row))
    evaluate = ["evaluate", run, "--data", str(folder / "data"), "-q", "--num-workers", "0"]
    assert main(evaluate) == 0
    assert "left out in 1 file: a row without a label" in capsys.readouterr().err
    assert main([*evaluate, "--strict"]) == 2
    assert "left out: a row without a label" in capsys.readouterr().err


def test_a_run_is_evaluated_on_what_splits_there_are(run, folder, capsys):
    assert main(["evaluate", run, "--data", str(folder / "data"), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["metrics"]["samples"] == 2 and "the 2 of its 24 samples that the run has not seen" in told["data"]
    assert "small.safetensors" in told["model"]


def test_a_run_predicts_files_in_order_and_tells_those_it_cannot_read(run, folder, capsys):
    rising, falling = (str(folder / "data" / name / "03.npy") for name in ("rising", "falling"))
    capsys.readouterr()
    assert main(["predict", run, rising, str(folder / "bad.npy"), falling]) == 1
    told = capsys.readouterr()
    assert [line.split()[:2] for line in told.out.splitlines()] == [
        [f"{rising}:0", "rising"],
        [f"{falling}:0", "falling"],
    ]
    assert "bad.npy" in told.err and "fix:" in told.err


def test_predictions_for_programs_are_a_json_object_a_line(run, folder, capsys):
    capsys.readouterr()
    main(["predict", run, str(folder / "data" / "rising"), "--json"])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(records) == 12
    assert all(set(record["probabilities"]) == {"falling", "rising"} for record in records)


def test_embedding_a_run_gives_its_trained_tokenizers_vectors(run, folder, small_encoder_file):
    embed = ["embed", str(folder / "data"), "--num-workers", "0", "-q", "-o"]
    out = [str(folder / name) for name in ("trained.parquet", "untrained.parquet")]
    assert main(["embed", run, str(folder / "data"), "--num-workers", "0", "-q", "-o", out[0]]) == 0
    untrained = ["embed", "toy", *embed[1:], out[1], "--encoder", str(small_encoder_file)]
    assert main(untrained) == 0
    trained, untrained = (pq.read_table(path) for path in out)
    assert trained["source"].equals(untrained["source"])
    assert not trained["vector"].equals(untrained["vector"])


def test_embedding_goes_past_unreadable_files_and_says_so(folder, small_encoder_file, capsys):
    out = str(folder / "v.parquet")
    files = [str(folder / "bad.npy"), str(folder / "data" / "rising")]
    assert main(["embed", "toy", *files, "--encoder", str(small_encoder_file), "--num-workers", "0", "-o", out]) == 1
    told = capsys.readouterr()
    assert "12 vectors" in told.out
    assert "bad.npy" in told.err and "v.errors.jsonl" in told.err


@pytest.mark.parametrize(
    ("arguments", "problem", "fix"),
    [
        (["train", "toy", "--data", "nowhere", "--out", "x"], "nowhere does not exist", "check the path"),
        (["train", "toy", "--data", "data", "--out", "x", "-O", "patch=3"], "no option 'patch'", "dropout="),
        (["train", "toy", "--data", "data", "--out", "x", "-H", "depth=3"], "depth", "hidden="),
        (["train", "toy", "--data", "data", "--out", "x", "-D", "colour=red"], "colour", "no option at all"),
        (["evaluate", "data", "--data", "data"], "holds no run", "mt list"),
        (["embed", "toi", "data", "-o", "v.parquet"], "toi", "toy"),
        (["embed", "toy", "data/*.wav", "-o", "v.parquet"], "matches no file", "pattern"),
        (["embed", "toy", "data", "-o", "v.parquet", "--encoder", "nothing"], "nothing", "random/"),
        (["embed", "toy", "data", "-o", "v.parquet", "--device", "warp"], "warp", "mt doctor"),
    ],
)
def test_what_cannot_be_done_is_told_in_two_lines(
    folder, small_encoder_file, monkeypatch, capsys, arguments, problem, fix
):
    monkeypatch.chdir(folder)
    if "--encoder" not in arguments and arguments[0] != "evaluate":
        arguments = [*arguments, "--encoder", str(small_encoder_file)]
    assert main(arguments) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("error:", "  fix:"))]
    assert problem in told[0] and fix in told[1]
    assert not Path("x").exists() and not Path("v.parquet").exists()


def test_option_values_are_passed_on_as_text():
    assert options.parse(["size=32", "channels=a,b", "some-name=x=y"]) == {
        "size": "32",
        "channels": "a,b",
        "some_name": "x=y",
    }


def test_the_poolings_of_the_command_line_are_those_of_the_contract():
    assert options.POOLS == POOLS


def test_an_interrupted_training_says_how_to_go_on(folder, small_encoder_file, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt("stopped; go on with the same command and --resume")

    monkeypatch.setattr("mt_core.training.fit", interrupted)
    arguments = ["train", "toy", "--data", str(folder / "data"), "--out", "x", "--encoder", str(small_encoder_file)]
    assert main(arguments) == 130
    assert "--resume" in capsys.readouterr().err

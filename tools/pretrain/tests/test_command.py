"""`mt pretrain --pairs`: what it says and refuses, and how it is stopped; pairs/test_training.py has the rest."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from PIL import Image

import mt_core
from mt_core.cli import main
from mt_pretrain.pairs.module import ContrastModule

COLOURS = ("red", "green", "blue", "black")
SMALL = ["-S", "epochs=2", "-S", "num_workers=0", "-S", "val_fraction=0.25", "-S", "joint_width=8"]
SMALL += [
    "-S",
    'picture_options={"size": 16}',
    "-S",
    'caption_options={"max_tokens": 4}',
    "--batch-size",
    "8",
    "--device",
    "cpu",
]


@pytest.fixture
def pairs(tmp_path):
    """Pictures of one colour each, which their captions name."""
    for plugin in ("mt_plugin_image", "mt_plugin_text"):
        pytest.importorskip(plugin)
    folder = tmp_path / "pairs"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (16, 16), COLOURS[number % 4]).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"all {COLOURS[number % 4]}")
    return str(folder)


def record(folder):
    return json.loads((folder / "pretrain-pairs.json").read_text())


def test_the_command_learns_from_pairs_and_goes_on(pairs, small_encoder_file, tmp_path, capsys):
    out = tmp_path / "run"
    begun = ["pretrain", "--pairs", pairs, "--out", str(out), "--encoder", str(small_encoder_file), *SMALL]
    assert main([*begun, "--seed", "3", "--minutes", "1e-9", "--precision", "32", "--quiet"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert f"stopped after epoch 1; go on with: mt pretrain --pairs {pairs} --out {out} --resume" in told.out
    assert main(["pretrain", "--pairs", pairs, "--out", str(out), "--resume", "--device", "cpu"]) == 0
    told = capsys.readouterr()
    assert "epoch 2/2: training loss" in told.err
    nearest, five, encoder, end = told.out.splitlines()
    assert end == f"the run in {out} is complete"
    scores = record(out)["scores"]
    assert nearest == f"own caption nearest: {scores['recall_at_1']:.4f} (by chance 0.2500)"
    assert five == f"own caption among the nearest five: {scores['recall_at_5']:.4f}"
    assert mt_core.load_encoder(encoder.removeprefix("encoder: ")).width == 64
    recipe = record(out)["recipe"]
    assert (recipe["seed"], recipe["epochs"], recipe["picture_options"]) == (3, 2, {"flip": False, "size": 16})


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_it_goes_on(pairs, small_encoder_file, tmp_path, capsys, monkeypatch, what):
    step, coming = ContrastModule.training_step, [what]

    def signalled(module, *batch):
        if module.global_step == 4 and coming:  # in the second epoch
            signal.raise_signal(coming.pop())
        return step(module, *batch)

    monkeypatch.setattr(ContrastModule, "training_step", signalled)
    before = signal.getsignal(what)
    out = ["--pairs", pairs, "--out", str(tmp_path / "run"), "--encoder", str(small_encoder_file)]
    assert main(["pretrain", *out, *SMALL, "--quiet"]) == 130
    assert "go on with the same command and --resume" in capsys.readouterr().err
    assert signal.getsignal(what) is before
    assert main(["pretrain", *out, *SMALL, "--quiet", "--resume"]) == 0
    assert record(tmp_path / "run")["status"] == "complete"


@pytest.mark.parametrize(
    ("options", "problem", "fix"),
    [
        (["--pairs", "x", "--steps", "9"], "--steps is for drawn pictures alone", "epochs"),
        (["--pairs", "x", "--size", "64"], "--size is for drawn pictures alone", "picture_options="),
        (["--pairs", "x", "--score", "x"], "--score is for drawn pictures alone", "val_fraction"),
        (["--nodes", "2"], "num_nodes=2 needs processes on other machines", "torchrun"),
        (["--pairs", "x", "-S", "steps=9"], "there is no setting 'steps'", "epochs"),
        (["--pairs", "nowhere"], "nowhere does not exist", "check the path"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_data_do_not_take_is_refused_and_leaves_nothing(tmp_path, capsys, options, problem, fix):
    if "nowhere" in options:
        pytest.importorskip("mt_plugin_image")
        pytest.importorskip("mt_plugin_text")
    assert main(["pretrain", "--out", str(tmp_path / "run"), *options]) == 2
    told, advice = capsys.readouterr().err.splitlines()[:2]
    assert problem in told and fix in advice
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_gone_on_with_as_one_of_the_other_kind(tmp_path, capsys):
    assert main(["pretrain", "--out", str(tmp_path), "--resume"]) == 2
    assert "goes on with --pairs" in capsys.readouterr().err
    assert main(["pretrain", "--pairs", "x", "--out", str(tmp_path), "--resume"]) == 2
    assert "goes on without --pairs" in capsys.readouterr().err


@pytest.mark.slow
def test_of_two_processes_one_tells(pairs, small_encoder_file, tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        where = {**os.environ, "MASTER_PORT": str(found.getsockname()[1]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mt_core.cli", "pretrain", "--pairs", pairs, "--out", str(tmp_path / "run")]
    command += ["--encoder", str(small_encoder_file), *SMALL, "--devices", "2", "--nodes", "1"]
    ran = subprocess.run(command, env=where, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert len(re.findall("^encoder: ", ran.stdout, re.MULTILINE)) == ran.stdout.count("own caption nearest") == 1
    assert ran.stderr.count("epoch 2/2") == 1

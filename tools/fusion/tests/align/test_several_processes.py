"""`mt align --devices 2`: two processes give what one gives, in one folder."""

import csv
import json
import os
import subprocess
import sys

import pytest

SECONDS = 300  # after which a command is ended, with a failing test


@pytest.fixture
def align(tmp_path, pairs, small_encoder_file):
    """Run `mt align` on the pairs, as a process of its own; gives its standard output."""

    def align(out, *more):
        arguments = [
            "align",
            "--data",
            str(pairs),
            "--inputs",
            "photo=image,caption=text",
            "--out",
            str(tmp_path / out),
        ]
        arguments += ["--encoder", str(small_encoder_file), "-O", "photo.size=32", "-O", "photo.patch=16", "-q"]
        arguments += ["--width", "8", "--steps", "12", "--batch-size", "7", "--num-workers", "0", "--lr", "0.01"]
        command = [sys.executable, "-m", "mt_core.cli", *arguments, "-S", "evaluate_every=6", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return align


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return [{**row, "seconds": None, "rows_per_second": None} for row in csv.DictReader(file)]


def record(folder):
    return json.loads((folder / "align.json").read_text())


def weights(folder):
    return [(folder / name / "weights.safetensors").read_bytes() for name in ("photo", "caption")]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("micro_batch", ["64", "2"])  # without and with vectors that are computed twice
def test_two_processes_give_what_one_gives_and_the_same_bytes_again(align, tmp_path, micro_batch):
    how = ("--micro-batch", micro_batch)
    align("one", *how)
    shown = align("two", *how, "--devices", "2", "--num-nodes", "1")
    assert shown.count("photo to caption") == 1  # the first process alone speaks
    for alone, together in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        for name in ("loss", "scale"):
            assert float(together[name]) == pytest.approx(float(alone[name]), rel=2e-3)
    assert record(tmp_path / "two")["status"] == "complete"
    for direction, recall in record(tmp_path / "one")["recall"].items():
        assert record(tmp_path / "two")["recall"][direction] == pytest.approx(recall, abs=0.1)
    align("again", *how, "--devices", "2")
    assert weights(tmp_path / "again") == weights(tmp_path / "two")
    assert rows(tmp_path / "again") == rows(tmp_path / "two")
    names = [{path.relative_to(tmp_path / out) for path in (tmp_path / out).rglob("*")} for out in ("one", "two")]
    assert names[0] == names[1]


def test_projections_alone_are_learned_in_one_process(pairs, tmp_path, capsys):
    from mt_core.cli import main

    arguments = ["align", "--data", str(pairs), "--inputs", "photo=image,caption=text", "--out", str(tmp_path / "run")]
    assert main([*arguments, "--tune", "probe", "--devices", "2"]) == 2
    assert "features once" in capsys.readouterr().err and not (tmp_path / "run").exists()

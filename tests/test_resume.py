"""A training that is killed, through the command line and with its worker processes, goes on to the same bytes."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EPOCHS = 3


def write_table(folder: Path, random: np.random.Generator) -> list[str]:
    with (folder / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["length", "width", "colour", "target"])
        for length, width in random.normal(size=(200, 2)).round(3).tolist():
            writer.writerow([length, width, random.choice(["red", "green"]), "yes" if length * width > 0 else "no"])
    return ["--batch-size", "16"]


def write_pictures(folder: Path, random: np.random.Generator) -> list[str]:
    for number in range(48):
        name = ("bright", "dark")[number % 2]
        (folder / name).mkdir(exist_ok=True)
        pixels = random.integers(0, 128, (40, 40, 3)) + 100 * (name == "bright")
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")
    return ["--batch-size", "8", "-O", "size=64"]


def write_series(folder: Path, random: np.random.Generator) -> list[str]:
    steps = np.arange(240)
    columns = np.stack([np.sin(steps / 7), np.cos(steps / 11)], 1) + random.normal(0, 0.1, (240, 2))
    np.savetxt(folder / "series.csv", columns, fmt="%.4f", delimiter=",", header="one,two", comments="")
    return ["--batch-size", "16", "-O", "lookback=64", "-D", "lookback=64", "-D", "horizon=8", "-H", "dropout=0.2"]


def kept(run: Path) -> tuple[bytes, list[dict[str, str]]]:
    """The weights' bytes, and the rows of metrics.csv without the seconds."""
    rows = csv.DictReader((run / "metrics.csv").read_text().splitlines())
    return (run / "weights.safetensors").read_bytes(), [{**row, "seconds": ""} for row in rows]


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert process.poll() is None, "the run was over before it could be killed"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modality", "write"), [("tabular", write_table), ("image", write_pictures), ("timeseries", write_series)]
)
def test_a_run_that_is_killed_in_its_second_epoch_gives_the_bytes_of_an_undisturbed_one(tmp_path, modality, write):
    data, run, whole = (tmp_path / name for name in ("data", "run", "whole"))
    data.mkdir()
    options = write(data, np.random.default_rng(0))
    command = [sys.executable, "-m", "mt_core.cli", "train", modality, "--data", str(data), "--epochs", str(EPOCHS)]
    command += [*options, "-q", "--out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([*command, str(run)], env=environment, start_new_session=True)
    wait_for(run / "checkpoints" / "last.ckpt", process)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len((run / "metrics.csv").read_text().splitlines()) < 1 + EPOCHS
    for out, how in ((run, ["--resume"]), (whole, [])):
        subprocess.run([*command, str(out), *how], env=environment, check=True, capture_output=True)
    assert kept(run) == kept(whole)

"""`mt adapt --devices 2`: two processes give what one gives, in one run folder."""

import csv
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

SECONDS = 300  # after which a command is ended, with a failing test


@pytest.fixture
def adapt(tmp_path, small_encoder_file):
    """Run `mt adapt` on a few pictures, as a process of its own."""
    drawn = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for number in range(21):
        pixels = drawn.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{number}.png")

    def adapt(out, *more):
        arguments = ["adapt", "image", "--data", str(tmp_path / "data"), "--out", str(tmp_path / out), "-q"]
        arguments += ["--encoder", str(small_encoder_file), "-O", "size=32", "--steps", "20", "--batch-size", "7"]
        arguments += ["-S", "drop=0", "-S", "projector=16", "--num-workers", "0", *more]
        command = [sys.executable, "-m", "mt_core.cli", *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return adapt


def rows(folder):
    return list(csv.DictReader(io.StringIO((folder / "metrics.csv").read_text())))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_give_what_one_gives(adapt, tmp_path):
    adapt("one")
    shown = adapt("two", "--devices", "2", "--num-nodes", "1")
    assert shown.count("vectors after") == 1  # the first process alone speaks
    for alone, together in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        for name in ("loss", "invariance", "variance", "covariance", "spread"):
            assert float(together[name]) == pytest.approx(float(alone[name]), rel=2e-2, abs=1e-3)
    names = [{path.name for path in (tmp_path / run).iterdir()} for run in ("one", "two")]
    assert names[0] == names[1]

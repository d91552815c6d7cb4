"""Embedding by Ray gives the file of one machine, also where workers and the command are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mt_core.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),  # of Ray, about itself
]

kills = pytest.mark.skipif(
    not os.environ.get("MT_RAY_KILLS"),
    reason="MT_RAY_KILLS is not set: Ray's processes are killed, which takes minutes",
)


@pytest.fixture
def folder(tmp_path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(60):
        picture = random.integers(0, 255, (24, 24, 3)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "in" / f"{number:03d}.png")
    (tmp_path / "in/031.png").write_bytes(b"garbage")
    return tmp_path


def command(folder, out, *more) -> list[str]:
    return ["embed", "image", str(folder / "in"), "-o", str(folder / out), "--batch-size", "4", "--encoder",
            "none/vit_tiny_patch16_224", "-q", *more]  # fmt: skip


BY_RAY = ("--engine", "ray", "--num-workers", "1")


def same(folder, *names):
    first, *others = [pq.read_table(folder / name) for name in names]
    vectors = [np.array(table["vector"].to_pylist(), np.float32) for table in (first, *others)]
    assert first.num_rows == 59
    for name, table, found in zip(names[1:], others, vectors[1:], strict=True):
        assert table.drop(["vector"]).equals(first.drop(["vector"])), name
        np.testing.assert_allclose(found, vectors[0], atol=1e-6, rtol=1e-6)
        errors = [(folder / each).with_suffix(".errors.jsonl").read_text() for each in (names[0], name)]
        assert errors[0] == errors[1]


SLOWLY = """
import os, sys, time
import mt_core.embedding.part_writer as writer
writer.SECONDS_A_PART = 0
add = writer._Pending.add
def slow(self, *given):
    add(self, *given)
    time.sleep(float(sys.argv[1]))
writer._Pending.add = slow
from mt_core.cli import main
sys.exit(main(sys.argv[2:]))
"""


def started(folder, out, seconds) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-c", SLOWLY, str(seconds), *command(folder, out, *BY_RAY)]
    return subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, start_new_session=True)


def wait_for_parts(folder, out, count, process):
    parts = folder / f"{out}.parts"
    while process.poll() is None and len(list(parts.glob("part-*.parquet"))) < count:
        time.sleep(0.05)
    assert process.poll() is None, process.stderr.read().decode()


def workers_of(process: subprocess.Popen, name: str) -> list[int]:
    """The processes of Ray of this name in the session of a command, as the system shows them."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            title = (entry / "cmdline").read_text()
            session = int((entry / "stat").read_text().rpartition(")")[2].split()[3])
        except (OSError, ValueError, IndexError):
            continue
        if session == os.getsid(process.pid) and title.startswith("ray::") and name in title:
            found.append(int(entry.name))
    return found


def test_one_machine_and_ray_give_the_same_file_and_ray_says_nothing(folder, capfd):
    assert main(command(folder, "alone.parquet", "--num-workers", "1")) == 1
    alone = capfd.readouterr()
    assert main(command(folder, "ray.parquet", *BY_RAY)) == 1
    by_ray = capfd.readouterr()
    assert by_ray.out == alone.out.replace("alone", "ray")
    assert by_ray.err.replace("ray.", "alone.") == alone.err
    same(folder, "alone.parquet", "ray.parquet")


@kills
def test_workers_that_are_killed_lose_and_double_nothing(folder):
    assert main(command(folder, "alone.parquet", "--num-workers", "1")) == 1
    process = started(folder, "ray.parquet", 1)
    for count, name in ((2, "Reader"), (5, "Encoder")):
        wait_for_parts(folder, "ray.parquet", count, process)
        for worker in workers_of(process, name) or workers_of(process, "MapWorker"):
            os.kill(worker, signal.SIGKILL)
    assert process.wait() == 1, process.stderr.read().decode()
    same(folder, "alone.parquet", "ray.parquet")


@kills
def test_a_command_that_is_killed_goes_on_with_ray_and_without(folder):
    assert main(command(folder, "alone.parquet", "--num-workers", "1")) == 1
    for out in ("ray.parquet", "mixed.parquet"):
        process = started(folder, out, 1)
        wait_for_parts(folder, out, 3, process)
        process.kill()
        process.wait()
    assert main(command(folder, "ray.parquet", *BY_RAY)) == 1
    assert main(command(folder, "mixed.parquet", "--num-workers", "1")) == 1
    same(folder, "alone.parquet", "ray.parquet", "mixed.parquet")


def test_what_cannot_be_done_is_said(folder, capfd):
    assert main(command(folder, "a.parquet", "--engine", "ray", "--address", "127.0.0.1:9")) == 2
    assert "no Ray cluster answers at 127.0.0.1:9" in capfd.readouterr().err
    assert main(command(folder, "a.parquet", *BY_RAY, "--gpus-per-worker", "8")) == 2
    assert "want more than the 0 of the cluster" in capfd.readouterr().err
    assert not (folder / "a.parquet").exists()

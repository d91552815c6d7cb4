"""Kills a command that embeds, again and again at random times, and compares its file with that of an undisturbed one.

python benchmarks/kills.py [--kills 20] [--engine ray] [--pictures 2000]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

MT = [sys.executable, "-m", "mt_core.cli"]


def draw(folder: Path, count: int) -> None:
    folder.mkdir()
    random_numbers = np.random.default_rng(0)
    for number in range(count):
        picture = random_numbers.integers(0, 255, (48, 48, 3)).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number:05d}.png")


def embed(folder: Path, out: Path, more: list[str], seconds: float | None) -> int | None:
    """The exit code of the command; None: it was killed after so many seconds."""
    line = [*MT, "embed", "image", str(folder), "-o", str(out), "--no-cache", "-q", *more]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(line, **quiet)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return None


def parts_in(out: Path) -> int:
    return len(list(out.with_name(f"{out.name}.parts").glob("part-*.parquet")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--engine", choices=["ray"])
    arguments = parser.parse_args()
    more = ["--engine", "ray", "--num-workers", "1"] if arguments.engine else ["--num-workers", "1"]
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder / "in", arguments.pictures)
        began = time.monotonic()
        assert embed(folder / "in", folder / "whole.parquet", more, None) == 0
        took = time.monotonic() - began
        print(f"undisturbed: {took:.0f} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        out, kills = folder / "v.parquet", 0
        while kills < arguments.kills:
            code = embed(folder / "in", out, more, generator.uniform(0.2, 1.0) * took)
            if code is not None:
                assert code == 0
                compare(out, folder / "whole.parquet")
                out.unlink()
                continue
            kills += 1
            print(f"kill {kills}: {parts_in(out)} parts are there", flush=True)
        assert embed(folder / "in", out, more, None) == 0
        compare(out, folder / "whole.parquet")
        left = [path.name for path in folder.iterdir() if path.name not in ("in", "v.parquet", "whole.parquet")]
        print(f"{kills} kills: the same file" + (f"; left behind: {left}" if left else ", and nothing else"))


def compare(one: Path, other: Path) -> None:
    """Rows, order and vectors are the same."""
    first, second = pq.read_table(one), pq.read_table(other)
    assert first.drop(["vector"]).equals(second.drop(["vector"])), "rows differ"
    vectors = [np.array(table["vector"].to_pylist(), np.float32) for table in (first, second)]
    np.testing.assert_allclose(*vectors, rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    main()

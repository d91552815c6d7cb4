"""Embedding by Ray: two workers against one, and the memory of the command over the number of rows.

python benchmarks/ray_embedding.py speed [--pictures 4000] [--encoder NAME]    # interleaved, two workers over one
python benchmarks/ray_embedding.py memory [--rows 200000 1000000]    # a text file of so many rows, no encoder
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

MT = [sys.executable, "-m", "mt_core.cli", "embed"]


def run(line: list[str]) -> tuple[float, int]:
    """Seconds, and the most memory that the command itself had, in MiB."""
    began = time.monotonic()
    process = subprocess.Popen([*MT, *line, "--no-cache", "-q", "--engine", "ray"], stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, *(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM")), 0)
        except (OSError, TypeError):
            pass
        time.sleep(0.2)
    assert process.returncode == 0
    return time.monotonic() - began, peak >> 10


def speed(folder: Path, count: int, encoder: str) -> None:
    (folder / "in").mkdir()
    generator = np.random.default_rng(0)
    for number in range(count):
        picture = generator.integers(0, 255, (48, 48, 3)).astype(np.uint8)
        Image.fromarray(picture).save(folder / "in" / f"{number:05d}.png")
    (folder / "few").mkdir()
    for file in sorted((folder / "in").iterdir())[:8]:
        (folder / "few" / file.name).write_bytes(file.read_bytes())
    for turn in range(3):
        seconds = {}
        for workers in (1, 2):
            line = ["image", "-o", str(folder / f"{turn}-{workers}.parquet"), "--num-workers", str(workers)]
            line += ["--encoder", encoder]
            start, _ = run([*line, str(folder / "few"), "--overwrite"])  # Ray's start and the loading of the model
            whole, _ = run([*line, str(folder / "in"), "--overwrite"])
            seconds[workers] = whole - start
        ratio, load = seconds[1] / seconds[2], os.getloadavg()[0]
        print(f"two workers over one: {ratio:.2f} (load {load:.1f} on {os.cpu_count()} cores)", flush=True)


def memory(folder: Path, counts: list[int]) -> None:
    for count in counts:
        texts = folder / f"{count}.txt.csv"
        with texts.open("w") as file:
            file.write("text\n")
            file.writelines(f"sentence number {number}\n" for number in range(count))
        line = ["text", str(texts), "-o", str(folder / f"{count}.parquet"), "--num-workers", "1", "--batch-size", "256"]
        seconds, peak = run([*line, "--encoder", "none/vit_tiny_patch16_224"])
        print(f"{count:,} rows: {peak} MiB in the command, {seconds:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--encoder", default="mt-tiny")
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 1_000_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.what == "speed":
            speed(Path(name), arguments.pictures, arguments.encoder)
        else:
            memory(Path(name), arguments.rows)


if __name__ == "__main__":
    main()

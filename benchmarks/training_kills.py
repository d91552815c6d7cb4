"""SIGKILL in training, again and again: what is resumed ends with the bytes of the undisturbed run.

    python benchmarks/training_kills.py [--kills 20] [--devices 1 2]

Small pictures are drawn and a run is trained on them by `mt train`, once undisturbed. The same command is then killed
at random moments and goes on with --resume, until it was killed so many times; where it comes to its end before that,
another run begins. Every run that ends is held against the undisturbed one: the weights byte by byte, all rows of
metrics.csv but for the seconds. Nothing unfinished may be left in its folder.

Of two processes that train together all are killed at once, or by turns one alone; then the other ends by itself, or,
if it still waits for the first to connect, is ended after a while, as by `mt … --devices` or torchrun. Processes are
forked from this one, in the environment that torchrun would give them: what is imported is imported once, so that a
kill meets the training and not its imports.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import multiprocessing
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import lightning  # noqa: F401 - before the first fork
import numpy as np
import timm  # noqa: F401
import torchmetrics  # noqa: F401
from PIL import Image

from mt_core.cli import main as mt

EPOCHS = 6
SECONDS_TO_END = 20.0
"""That a process has to end by itself after the other one was killed."""

TRAIN = [
    *("train", "image", "--encoder", "random/test_vit", "-O", "size=32", "--epochs", str(EPOCHS), "--batch-size", "8"),
    *("--num-workers", "1", "--quiet"),
]


def draw(folder: Path) -> None:
    """Three classes of 40 noisy pictures each."""
    drawn = np.random.default_rng(0)
    for name, (low, high) in {"dark": (0, 140), "middle": (60, 190), "bright": (90, 255)}.items():
        (folder / name).mkdir(parents=True)
        for number in range(40):
            pixels = drawn.integers(low, high, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def start(data: Path, out: Path, devices: int, *, resume: bool) -> list[ForkProcess]:
    """The processes of one command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [*TRAIN, "--data", str(data), "--out", str(out), "--resume" if resume else "--overwrite"]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GROUP_RANK": "0"}
    shared |= {"WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices)}
    started = []
    for rank in range(devices):
        environment = {**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} if devices > 1 else {}
        process = multiprocessing.get_context("fork").Process(
            target=run, args=(arguments, environment, out.with_name(f"{out.name}.{rank}.log"))
        )
        process.start()
        started.append(process)
    return started


def run(arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
    """In a process of its own: the command, what it says into a file."""
    with log.open("w") as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        os.environ.update(environment)
        sys.exit(mt(arguments))


def has_ended(processes: Sequence[ForkProcess], seconds: float) -> bool:
    """Whether all of them end within so long."""
    until = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    return all(process.exitcode is not None for process in processes)


def kill(processes: Sequence[ForkProcess]) -> None:
    """Processes and everything that they started, at once."""
    for pid in [each for process in processes for each in [process.pid or 0, *below(process.pid or 0)]]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.join()


def below(pid: int) -> list[int]:
    """All processes that came of one."""
    children = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            children += [int(child) for child in task.read_text().split()]
    return [each for child in children for each in [child, *below(child)]]


def result(out: Path) -> tuple[bytes, list[dict[str, Any]]]:
    """The weights' bytes, and the rows of metrics.csv without the seconds."""
    with (out / "metrics.csv").open(newline="") as file:
        rows = [{**row, "seconds": None} for row in csv.DictReader(file)]
    return (out / "weights.safetensors").read_bytes(), rows


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def rows_in(out: Path) -> int:
    path = out / "metrics.csv"
    return len(path.read_text().splitlines()) - 1 if path.is_file() else 0


def measure(folder: Path, kills: int, devices: int) -> bool:
    """Whether all that was killed ended as the undisturbed run; prints what was done."""
    data, whole, out = folder / "data", folder / f"whole-{devices}", folder / f"killed-{devices}"
    began = time.monotonic()
    finished(start(data, whole, devices, resume=False), whole)
    seconds, expected = time.monotonic() - began, result(whole)
    moments, drawn = Counter[int](), random.Random(0)
    done = alone = by_itself = ended = equal = 0
    left = set[str]()
    while done < kills or out.exists():
        processes = start(data, out, devices, resume=(out / "run.json").is_file())
        if done < kills and not has_ended(processes, drawn.uniform(0.1, 0.9) * seconds):
            moments[rows_in(out)] += 1
            if devices > 1 and done % 2:
                alone += 1
                kill([processes[drawn.randrange(devices)]])
                by_itself += has_ended(processes, SECONDS_TO_END)
            kill(processes)
            done += 1
            continue
        finished(processes, out)
        ended += 1
        equal += result(out) == expected
        left |= names_in(out) ^ names_in(whole)
        shutil.rmtree(out)
    by_epoch = ", ".join(f"{count} after {epochs}" for epochs, count in sorted(moments.items()))
    by_turns = f"; {alone} of one process alone, of which the other ended by itself {by_itself} times"
    print(
        f"{devices} process(es): {done} kills ({by_epoch} of {EPOCHS} epochs{by_turns if devices > 1 else ''}), "
        f"{ended} runs came to their end, {equal} of them as the undisturbed one byte by byte; "
        f"left over or missing in their folders: {', '.join(sorted(left)) or 'nothing'}",
        flush=True,
    )
    return equal == ended and not left


def finished(processes: Sequence[ForkProcess], out: Path) -> None:
    """Wait for the end of a command that is not killed."""
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        logs = sorted(out.parent.glob(f"{out.name}.*.log"))
        sys.exit("\n".join(log.read_text()[-3000:] for log in logs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mt-kills-") as folder:
        draw(Path(folder) / "data")
        sound = [measure(Path(folder), arguments.kills, devices) for devices in arguments.devices]
    sys.exit(0 if all(sound) else 1)


if __name__ == "__main__":
    main()

"""Peak memory of two processes that train together, with the encoder in parts (--shard) against all of it in each.

    OMP_NUM_THREADS=1 python benchmarks/sharding.py [--encoder random/vit_large_patch16_224] [--steps 3]

Linux alone. What is measured is the peak of each process from the first step to the end of the validation, above what
it had before the model was loaded. Loading, the first process's checkpoint, and putting the encoder together at the end
hold all of it, in what is the machine's memory where there are GPUs. Eight drawn pictures a step.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

PROCESSES, PICTURES = 2, 8
TUNES = ("frozen", "full")


def mib(name: str) -> float:
    """A line of Linux's /proc/self/status: VmRSS, or VmHWM, the highest since the peak was set back."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def train(tune: str, is_sharded: bool, encoder: str, steps: int, out: str) -> dict[str, float]:
    """What one of the processes measures: MiB, and seconds from the first step to the last."""
    import mt_core as mt
    from mt_core.plugins import get
    from mt_core.training.module import TrainingModule

    demo = get("image").dataset.demo
    train, val = (demo(split, size=PICTURES * count) for split, count in (("train", steps), ("val", 1)))
    validated, found = TrainingModule.on_validation_epoch_end, {}

    def on_train_start(module: TrainingModule) -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        found["seconds"] = -time.monotonic()

    def on_validation_epoch_end(module: TrainingModule) -> None:
        found["seconds"] += time.monotonic()
        found["mib"] = mib("VmHWM") - before
        validated(module)

    TrainingModule.on_train_start = on_train_start  # type: ignore[method-assign]
    TrainingModule.on_validation_epoch_end = on_validation_epoch_end  # type: ignore[method-assign]
    before = mib("VmRSS")
    settings = {"tune": tune, "shard": is_sharded, "devices": PROCESSES, "epochs": 1, "batch_size": PICTURES}
    mt.fit(mt.load("image", encoder=encoder, size=112), train, val, out=out, num_workers=0, **settings)
    return found


def both(tune: str, is_sharded: bool, arguments: argparse.Namespace) -> list[dict[str, float]]:
    """What each process of one training measures."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(PROCESSES)}
        shared |= {"LOCAL_WORLD_SIZE": str(PROCESSES), "GROUP_RANK": "0"}
        shared["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # else it advises on find_unused_parameters
        shared["MALLOC_MMAP_THRESHOLD_"] = str(1 << 20)  # what is freed goes back to the system at once
        command = [sys.executable, __file__, "--only", tune, "--encoder", arguments.encoder]
        command += ["--steps", str(arguments.steps), "--out", f"{folder}/run", *(["--shard"] if is_sharded else [])]
        running = [
            subprocess.Popen(
                command,
                env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
            )
            for rank in range(PROCESSES)
        ]
        return [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", default="random/vit_large_patch16_224")
    parser.add_argument("--steps", type=int, default=3)
    for hidden in ("--only", "--out"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--shard", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(train(arguments.only, arguments.shard, arguments.encoder, arguments.steps, arguments.out)))
        return
    print(machine())
    for tune in TUNES:
        whole, parts = (both(tune, is_sharded, arguments) for is_sharded in (False, True))
        shares = ", ".join(f"{part['mib'] / one['mib']:.2f}" for one, part in zip(whole, parts, strict=True))
        peaks = " / ".join(", ".join(f"{each['mib']:.0f}" for each in side) for side in (whole, parts))
        seconds = parts[0]["seconds"] / whole[0]["seconds"]
        print(f"{tune:<8}MiB of each process, whole / parts: {peaks}   share: {shares}   time: {seconds:.2f} x")


if __name__ == "__main__":
    main()

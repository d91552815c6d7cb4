"""What machine a number was measured on, and what it can compute in."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from mt_core.data.precision import TrainingPrecision, has_bf16


def machine() -> str:
    """Processor, cores that this process may use, threads, versions; one line."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cpu}, {cores} cores, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def training_precision() -> TrainingPrecision:
    """bfloat16 where the processor computes in it, else float32."""
    return "bf16" if has_bf16(torch.device("cpu")) else "32"

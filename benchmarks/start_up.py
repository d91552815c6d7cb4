"""CPU time of whole processes: `import mt_core`, what must answer at once, refusals, the first picture, the first step.

    python benchmarks/start_up.py [--repeats 5]

Each row is a process of its own, Python's start and its worker processes included, and a ratio to what it is compared
with in the same run: bare Python, `import torch` or `import lightning`. All run in turn, so that a busy moment meets
all, and once before, uncounted, to write bytecode as an installation has it. Of a refusal 300 ms are aimed at.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import machine
from PIL import Image

from mt_core.plugins.official import OFFICIAL

BARE, TORCH, LIGHTNING = "python -c pass", "import torch", "import lightning"
MT = "import sys; from mt_core.cli import main; sys.exit(main(sys.argv[1:]))"
FIRST_STEP = f"""
import os
from types import ModuleType
from mt_core import hooks

@hooks.hookimpl
def mt_step_end(step):
    os._exit(0)

stop = ModuleType("stop")
stop.mt_step_end = mt_step_end
hooks.register(stop, plugin="stop")
{MT}
"""


@dataclass(frozen=True)
class Row:
    """A process.

    Attributes:
        name: In the table.
        code: For `python -c`.
        line: Its arguments.
        against: The row that it is compared with.
        aim: The largest ratio to it that is aimed at; None: none.
        exit_code: That it must end with.
    """

    name: str
    code: str
    line: str = ""
    against: str = BARE
    aim: float | None = None
    exit_code: int = 0


def refusal(line: str) -> Row:
    return Row(f"mt {line}", MT, line, exit_code=2)


def layout_refusal(modality: str, data: str) -> Row:
    """Data that cannot be trained on, which the plugin's dataset finds."""
    line = f"train {modality} {data} --out new"
    return Row(f"mt {line}", MT, line, TORCH, 1.4, 2)


FIRST_BATCH = "train image --data pictures --out run --overwrite --batch-size 4"
ROWS = [
    Row(BARE, "pass"),
    Row(TORCH, TORCH),
    Row(LIGHTNING, LIGHTNING),
    Row("import mt_core", "import mt_core"),
    Row("mt --help", MT, "--help"),
    Row("mt list", MT, "list"),
    refusal("embed imag one.jpg -o v.parquet"),
    refusal("embed image *.png -o v.parquet"),
    refusal("embed image one.jpg -o taken.txt"),
    refusal("embed image one.jpg -o v.parquet --encoder mt_tiny"),
    refusal("train image --data missing --out new"),
    refusal("train image --data pictures --out pictures"),
    refusal("train image --data pictures --out new --epochs 0"),
    refusal("train image --data pictures --out new -S warmup=2"),
    *(layout_refusal(modality, "--data notes") for modality in OFFICIAL),
    layout_refusal("image", "--data one_class"),
    layout_refusal("image", "--data with_masks"),
    layout_refusal("image", "--data pictures -D label=kind(?P<label>.)"),
    layout_refusal("tabular", "--data table.csv -D target=prize"),
    Row("mt embed … -O siez=64 (the plugin knows)", MT, "embed image one.jpg -o v.parquet -O siez=64", TORCH, None, 2),
    Row("mt embed image one.jpg", MT, "embed image one.jpg -o v.parquet --overwrite", TORCH, 1.4),
    Row("mt train: the first step, of 4 pictures", FIRST_STEP, FIRST_BATCH, LIGHTNING, 1.3),
]


def write_files() -> None:
    """What the rows name, in the folder at hand: files, a labelled folder, and data that cannot be trained on."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    folders = ("pictures/a", "pictures/b", "one_class/a", "with_masks/images", "with_masks/masks")
    for name in ("one.jpg", *(f"{folder}/{number}.jpg" for folder in folders for number in range(8))):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(name)
    Path("taken.txt").write_text("not vectors", encoding="utf-8")
    Path("notes").mkdir()
    Path("notes/readme.md").write_text("no data", encoding="utf-8")
    Path("table.csv").write_text("rooms,price\n" + "".join(f"{n},{n}\n" for n in range(9)), encoding="utf-8")


def cpu_seconds(row: Row, environment: dict[str, str]) -> float:
    """User and system time of one process and those that it waited for."""
    silent = [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
    command = [sys.executable, "-c", row.code, *row.line.split()]
    process = os.posix_spawn(sys.executable, command, environment, file_actions=silent)
    _, status, usage = os.wait4(process, 0)
    assert os.waitstatus_to_exitcode(status) == row.exit_code, row.name
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="times that each is run")
    repeats = parser.parse_args().repeats
    print(machine())
    times: dict[str, list[float]] = {row.name: [] for row in ROWS}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_files()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        for row in ROWS:
            cpu_seconds(row, environment)
        for _ in range(repeats):
            for row in ROWS:
                times[row.name].append(cpu_seconds(row, environment))
        os.chdir("/")
    best = {name: min(seconds) for name, seconds in times.items()}
    for row in ROWS:
        median = sorted(times[row.name])[repeats // 2]
        ratio = f"{best[row.name] / best[row.against]:6.2f} x {row.against}" + (f", aim {row.aim}" if row.aim else "")
        print(f"{row.name:<66} best {best[row.name] * 1e3:7.0f} ms   median {median * 1e3:7.0f} ms   {ratio}")


if __name__ == "__main__":
    main()

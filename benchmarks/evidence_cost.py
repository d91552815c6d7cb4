"""The ratios of cost of docs/evidence.md, read from what the scripts of speed print.

python benchmarks/evidence.py cost    runs them, a few minutes, and keeps what they print of it
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
KEPT = FOLDER / "results" / "cost.json"


@dataclass(frozen=True)
class Ratio:
    """A number that a script prints.

    Attributes:
        what: How the table calls it.
        command: The script and its arguments.
        pattern: Finds it, in the first group.
        asked: What it is to be.
    """

    what: str
    command: str
    pattern: str
    asked: str


STEPS = "train_step.py --steps 3"
RATIOS = (
    *(
        Ratio(
            f"{measure} of a step, {called} / trained",
            STEPS,
            rf"{side} / full: .*{measure} ([\d.]+)",
            asked if side == "frozen" else "",
        )
        for side, called in (
            ("frozen", "encoder frozen"),
            ("keeping", "frozen, MLPs kept"),
            ("lora", "adapters"),
        )
        for measure, asked in (("time", "≤ 0.67"), ("memory", "≤ 0.5"))
    ),
    Ratio(
        "ten epochs encoded / encoded once, of the bound",
        "feature_cache.py --samples 32",
        r"([\d.]+) of the bound",
        "",
    ),
    Ratio("encoded / found in the cache", "feature_cache.py --samples 32", r"found in the cache.* ([\d.]+) x", ""),
)


def cost() -> None:
    """Run each script once, and keep its ratios as soon as it has ended; those of the others stay as they are."""
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else []
    for command in dict.fromkeys(ratio.command for ratio in RATIOS):
        script, *arguments = command.split()
        run = [sys.executable, str(FOLDER / script), *arguments]
        printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        print(printed, flush=True)
        found = found_in({command: printed})
        others = [row for row in kept if row["command"].split()[0] != script]
        kept = [*found, *others] if command == RATIOS[0].command else [*others, *found]
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def found_in(printed: Mapping[str, str]) -> list[dict[str, str]]:
    """A row a ratio of what scripts printed, by their commands; the first line of each is its machine."""
    rows = []
    for ratio in RATIOS:
        text = printed.get(ratio.command, "")
        found = re.search(ratio.pattern, text)
        if found is not None:
            machine = text.splitlines()[0]
            rows.append({"what": ratio.what, "ratio": found[1], "command": ratio.command, "machine": machine})
    return rows


def cost_table() -> str:
    rows: Sequence[Mapping[str, str]] = json.loads(KEPT.read_text()) if KEPT.is_file() else []
    asked = {ratio.what: ratio.asked for ratio in RATIOS}
    table = ["| what | ratio | asked | command: `python benchmarks/…` |", "|---" * 4 + "|"]
    table += [
        f"| {row['what']} | {float(row['ratio']):.2f} | {asked.get(row['what'], '')} | `{row['command']}` |"
        for row in rows
    ]
    machines = dict.fromkeys(row["machine"] for row in rows)
    return "\n".join([*table, "", *(f"On {machine}." for machine in machines)]).rstrip()

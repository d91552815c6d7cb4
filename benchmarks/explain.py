"""How faithful `mt explain` is: deletion and insertion curves of every method against random orders.

    mt demo --out demo --seconds 60
    python benchmarks/explain.py demo/runs --page docs/explain.md

The runs of `mt demo` explain test samples of their demonstrations. Of each sample the area between the curves of a
method and the means of eight random orders is taken, deletion and insertion averaged: above 0 is better than chance.
The table has means over the samples with 95 % intervals by bootstrap. Without --page it is printed alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import mt_core as mt
from mt_core.plugins import get
from mt_explain.explaining import chosen_target, samples_of
from mt_explain.faithfulness import against, interval, random_curves
from mt_explain.methods import METHODS
from mt_explain.methods.gradients import integrated_gradients
from mt_explain.one_sample import OneSample, explaining
from mt_explain.target import Target

BEGIN, END = "<!-- measured by benchmarks/explain.py -->", "<!-- end of what was measured -->"

ALL: dict[str, Callable[[OneSample, Target], Tensor]] = {
    **{name: method for name, method in METHODS.items() if name != "auto"},
    "integrated-gradients from zero": lambda sample, target: integrated_gradients(
        sample, target, torch.zeros_like(sample.mean_token)
    ),
}
TIMED = [name for name in METHODS if name != "auto"]


def measured(run: Path, num_samples: int, seed: int) -> tuple[int, float, dict[str, list[float]], dict[str, float]]:
    """Samples, their mean number of parts, and of each method the gains and the seconds a sample."""
    model = mt.load_run(run)
    dataset = get(model.modality).dataset.demo("test", size=num_samples, seed=seed)
    gains: dict[str, list[float]] = {name: [] for name in ALL}
    seconds = dict.fromkeys(ALL, 0.0)
    num_parts = count = 0
    sources = [dataset[index].sample for index in range(min(num_samples, len(dataset)))]
    for _, _, sample, item in samples_of(model, sources):
        with explaining(model):
            one = OneSample(model, sample, item)
            if len(one.parts) < 3:
                continue
            target = chosen_target(one, None)
            random = random_curves(one, target, len(one.parts), seed=seed + count)
            for name, method in ALL.items():
                started = time.perf_counter()
                attributions = method(one, target).detach()
                seconds[name] += time.perf_counter() - started
                gains[name].append(against(one, target, attributions, *random).gain)
        count, num_parts = count + 1, num_parts + len(one.parts)
    return count, num_parts / count, gains, {name: total / count for name, total in seconds.items()}


def cell(values: list[float]) -> str:
    mean, low, high = interval(values)
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, help="the folder of the runs of mt demo")
    parser.add_argument("--samples", type=int, default=32, help="test samples of each modality")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="write the tables into this page, between its two marks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    runs = sorted(path for path in given.runs.iterdir() if (path / "run.json").is_file())
    faithful = [f"| modality | samples | parts | {' | '.join(ALL)} |", "|---|" + "---|" * (len(ALL) + 2)]
    slow = [f"| modality | {' | '.join(TIMED)} |", "|---|" + "---|" * len(TIMED)]
    below: list[str] = []
    everything: dict[str, list[float]] = {name: [] for name in ALL}
    for run in runs:
        count, num_parts, gains, seconds = measured(run, given.samples, given.seed)
        faithful.append(f"| {run.name} | {count} | {num_parts:.0f} | {' | '.join(map(cell, gains.values()))} |")
        slow.append(f"| {run.name} | {' | '.join(f'{1000 * seconds[name]:.0f}' for name in TIMED)} |")
        if interval(gains["occlusion"])[1] <= 0:
            below.append(run.name)
        for name, values in gains.items():
            everything[name].append(sum(values) / len(values))
        print(faithful[-1], file=sys.stderr, flush=True)
    means = " | ".join(f"**{sum(values) / len(values):+.3f}**" for values in everything.values())
    faithful.append(f"| mean | | | {means} |")
    verdict = f"Where the interval of the default (occlusion) reaches down to 0: {', '.join(below) or 'nowhere'}."
    written = "\n".join([*faithful, "", verdict, "", "Milliseconds a sample, one thread of a CPU:", "", *slow])
    if given.page is None:
        print(written)
        return 0
    page = given.page.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    given.page.write_text(f"{before}{BEGIN}\n\n{written}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    print(f"written: {given.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

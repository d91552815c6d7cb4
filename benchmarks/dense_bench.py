"""What the benchmarks of segmentation and of detection share: records, the order of the work, the table of a page.

A measurement is a line in benchmarks/results, found again by data set, arm, seed and recipe: what is on record is not
measured again, and a killed run goes on with the same command.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
COLOURS = ("#0b6e99", "#d9822b", "#7a7f87", "#7b4fa3", "#2f8f4e", "#b0413e", "#4a4a4a")
"""Of the arms in figures, in their order."""


@dataclass(frozen=True)
class Measured:
    """What one arm reached on one data set.

    Attributes:
        metrics: On the test part.
        pictures: How many were trained on and tested.
        history: Of each epoch its training loss, and the metrics on a few pictures that are in no other part.
    """

    metrics: Mapping[str, float]
    pictures: tuple[int, int]
    history: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True)
class DenseBench:
    """Arms on data sets.

    Attributes:
        name: Of the page in docs, of its markers and of the file of results.
        datasets: By their short names, what the table calls them.
        arms: By their short names, what the table calls them.
        shown: Metrics in the table, and what it calls them.
        recipe: What decides the result of a trained arm; None of an arm that has none.
        measure: Of a data set, an arm and a seed.
        without_seed: Arms in which nothing is drawn.
        page: In docs, where it is called otherwise.
    """

    name: str
    datasets: Mapping[str, str]
    arms: Mapping[str, str]
    shown: Mapping[str, str]
    recipe: Callable[[str], Mapping[str, Any]]
    measure: Callable[[str, str, int], Measured]
    without_seed: tuple[str, ...] = ()
    page: str = ""

    @property
    def results(self) -> Path:
        return FOLDER / "results" / f"{self.name}.jsonl"

    def key(self, dataset: str, arm: str, seed: int) -> str:
        return json.dumps({"dataset": dataset, "arm": arm, "seed": seed, **self.recipe(arm)}, sort_keys=True)

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.results.read_text().splitlines()] if self.results.is_file() else []

    def current(self) -> list[dict[str, Any]]:
        """The records of this recipe."""
        return [each for each in self.records() if each["key"] == self.key(each["dataset"], each["arm"], each["seed"])]

    def jobs(self, only: list[str], num_seeds: int) -> Iterator[tuple[str, str, int]]:
        for seed in range(num_seeds):
            for dataset in self.datasets:
                for arm in self.arms:
                    is_wanted = not only or any(fnmatch(f"{dataset}/{arm}", pattern) for pattern in only)
                    if is_wanted and not (seed and arm in self.without_seed):
                        yield dataset, arm, seed

    def run(self, only: list[str], num_seeds: int, minutes: float) -> None:
        """Measure what is not on record; nothing is begun after so many minutes."""
        known = {record["key"] for record in self.records()}
        until = time.monotonic() + 60 * minutes
        for job in self.jobs(only, num_seeds):
            if (key := self.key(*job)) in known or time.monotonic() > until:
                continue
            started = time.process_time()
            measured = self.measure(*job)
            record = {
                "key": key,
                **dict(zip(("dataset", "arm", "seed"), job, strict=True)),
                "metrics": {name: value for name, value in measured.metrics.items() if value == value},
                "pictures": list(measured.pictures),
                **({"history": curves_of(measured.history)} if measured.history else {}),
                "cpu_seconds": round(time.process_time() - started, 1),
            }
            with self.results.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(json.dumps(record) + "\n")
            said = ", ".join(f"{title} {measured.metrics[name]:.3f}" for name, title in self.shown.items())
            print(*job, f"{said}, {record['cpu_seconds']} s", flush=True)

    def table(self) -> str:
        """Mean and range over seeds of the records of this recipe."""
        records = self.current()
        columns = [f"{called} {title}" for called in self.datasets.values() for title in self.shown.values()]
        lines = [f"| | {' | '.join(columns)} | seeds |", "|---" * (2 + len(columns)) + "|"]
        for arm, called in self.arms.items():
            cells, seeds = [], set()
            for dataset in self.datasets:
                of_arm = [record for record in records if (record["dataset"], record["arm"]) == (dataset, arm)]
                seeds.add(len(of_arm))
                for name in self.shown:
                    values = [record["metrics"][name] for record in of_arm]
                    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
                    cells.append(f"{np.mean(values):.3f}{spread}" if values else "-")
            lines.append(f"| {called} | {' | '.join(cells)} | {'/'.join(map(str, sorted(seeds)))} |")
        return "\n".join(lines)

    def write_table(self) -> None:
        page = FOLDER.parent / "docs" / f"{self.page or self.name}.md"
        begin, end = f"<!-- {self.name}: begin -->", f"<!-- {self.name}: end -->"
        before, rest = page.read_text().split(begin)
        _, after = rest.split(end)
        page.write_text(f"{before}{begin}\n\n{self.table()}\n\n{end}{after}")

    def main(self, doc: str) -> None:
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("what", choices=["run", "table", "curves"])
        parser.add_argument("--only", action="append", default=[], metavar="DATASET/ARM")
        parser.add_argument("--seeds", type=int, default=3)
        parser.add_argument("--minutes", type=float, default=60)
        arguments = parser.parse_args()
        if arguments.what == "table":
            self.write_table()
            return
        if arguments.what == "curves":
            draw_curves(self)
            return
        if not list(self.jobs(arguments.only, 1)):
            parser.error(
                f"nothing is called {' or '.join(arguments.only)}; {next(iter(self.datasets))}/* is a data set"
            )
        import torch

        torch.set_num_threads(1)
        self.run(arguments.only, arguments.seeds, arguments.minutes)


def encoder_of(arm: str, seed: int) -> str:
    """The encoder of an arm, as `mt.load` knows it: mt-tiny, random weights of another draw for each seed, or none."""
    architecture = "vit_tiny_patch16_224"
    return {"random": f"random/{architecture}@{seed + 1}", "none": f"none/{architecture}"}.get(arm, "mt-tiny")


def curves_of(history: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Of each epoch its number, its losses and its metrics over all classes, with four digits."""
    shown = ("epoch", "train_loss", "val_loss", "val_miou", "val_map", "val_map_50")
    return [{name: round(row[name], 4) for name in shown if name in row} for row in history]


def draw_curves(bench: DenseBench) -> None:
    """docs/assets/NAME-curves.svg: training loss, and the first metric on the watched pictures, of each epoch."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = bench.name
    from matplotlib import pyplot

    recorded = [each for each in bench.current() if "history" in each]
    datasets = [name for name in bench.datasets if any(each["dataset"] == name for each in recorded)]
    size = {"figsize": (8.5, 3 * len(datasets)), "layout": "constrained", "squeeze": False}
    figure, axes = pyplot.subplots(len(datasets), 2, **size)
    metric, title = next(iter(bench.shown.items()))
    for row, dataset in zip(axes, datasets, strict=True):
        for colour, (arm, called) in zip(COLOURS, bench.arms.items(), strict=False):
            of_arm = [each["history"] for each in recorded if (each["dataset"], each["arm"]) == (dataset, arm)]
            for cell, name in zip(row, ("train_loss", f"val_{metric}"), strict=True):
                for number, epochs in enumerate(of_arm):
                    label = called if not number else None
                    points = [(each["epoch"], each.get(name)) for each in epochs]
                    cell.plot(*zip(*points, strict=True), color=colour, lw=1.4, alpha=0.8, label=label)
        row[0].set(title=f"{bench.datasets[dataset]}: training loss", xlabel="epoch")
        row[1].set(title=f"{bench.datasets[dataset]}: {title} on watched pictures", xlabel="epoch")
        for cell in row:
            cell.grid(alpha=0.3)
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.savefig(FOLDER.parent / "docs" / "assets" / f"{bench.name}-curves.svg", metadata={"Date": None})

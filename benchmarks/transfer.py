"""What a frozen encoder gives to each of the twelve modalities, against random weights: the table of docs/mt-tiny.md.

    MT_DATA=... python benchmarks/transfer.py measure --encoder mt-tiny --encoder random/vit_tiny_patch16_224 \
        [--seed 0 --seed 1 --seed 2] [--dataset fsdd] [--part 0/2] --out runs/transfer.jsonl
    python benchmarks/transfer.py table --out runs/transfer.jsonl
    python benchmarks/transfer.py measure --seed 0 --encoder codes=runs/codes/encoder.safetensors --out runs/tried.jsonl
    python benchmarks/transfer.py means --seed 0 --encoder random/vit_tiny_patch16_224 --encoder codes \
        --out runs/tried.jsonl --beside runs/transfer.jsonl

The datasets, their splits and the recipes are those of docs/evidence.md, one dataset a modality, but for shorter
schedules, so that many runs can be had on two cores, and for the default stem of pictures, which starts from the
encoder's own, in place of the convolutional one; the last epoch is kept, nothing is chosen by a test split. The
tokenizer and the head are trained around the encoder, which is frozen; the seed draws their weights, the order and the
augmentation. What was measured already is not measured again; `--part 1/2` takes every second run, for processes side
by side.
"""

from __future__ import annotations

import argparse
import json
import math
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from evidence_datasets import DATASETS, Evidence, sst2_split
from evidence_full import measure, record
from evidence_samples import arranged
from machine import machine
from numpy.typing import NDArray
from scipy.stats import sem
from scipy.stats import t as student


def every_eighth_sentence(data: Path, folder: Path) -> Path:
    """SST-2 with every eighth of the training sentences, and the whole of the official dev set for testing."""
    sst2_split(data, folder)
    lines = (data / "train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "train.tsv").unlink()
    (folder / "train.tsv").write_text("".join([lines[0], *lines[1::8]]), encoding="utf-8")
    return folder


def _short(name: str, **changes: Any) -> Evidence:
    evidence = DATASETS[name]
    recipe = {**evidence.recipe, "keep": "last", **changes.pop("recipe", {})}
    return replace(evidence, recipe=recipe, **changes)


SHORT: dict[str, Evidence] = {
    "sst2": _short("sst2", recipe={"epochs": 2}, rearrange=every_eighth_sentence),
    "cifar10": _short("cifar10", options={"size": 64, "patch": 16}, recipe={"epochs": 6}),
    "lidarnet": _short("lidarnet", recipe={"epochs": 20}),
    "fsdd": _short("fsdd", recipe={"epochs": 4}),
    "ucf101": _short("ucf101", recipe={"epochs": 40}),
    "infrared": _short(
        "infrared", options={"size": 64, "patch": 16, "fit": "squash", "flip_vertical": True}, recipe={"epochs": 6}
    ),
    "indian_pines": _short("indian_pines", recipe={"epochs": 20}),
    "covid": _short("covid", options={"size": 64, "patch": 16}),
    "racketsports": _short("racketsports"),
    "california": _short("california", recipe={"epochs": 4}),
    "freesolv": _short("freesolv", recipe={"epochs": 25}),
    "etth1_96": _short("etth1_96", recipe={"epochs": 1}),
}
RANDOM, NONE, TINY = "random/vit_tiny_patch16_224", "none/vit_tiny_patch16_224", "mt-tiny"
UNITS = {"accuracy": "accuracy, %", "rmse": "RMSE", "mse": "MSE"}


@dataclass(frozen=True)
class Compared:
    """A dataset: how its row begins, and of each encoder the metric by seed and the mean loss on the test split."""

    head: str
    metric: str
    values: dict[str, NDArray[np.float64]]
    losses: list[float]

    @property
    def sign(self) -> int:
        return 1 if self.metric == "accuracy" else -1

    def shown(self, value: float) -> str:
        if self.metric == "accuracy":
            return f"{value:.2f}"
        return f"{value:,.0f}" if abs(value) > 100 else f"{value:.3f}"


def runs(arguments: Namespace) -> list[tuple[str, int, str]]:
    """(dataset, seed, encoder) of what is asked for, those that go side by side next to one another."""
    return [
        (dataset, seed, encoder)
        for seed in arguments.seed
        for dataset in arguments.dataset or SHORT
        for encoder in arguments.encoder
    ]


def metric_inputs(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def measure_all(arguments: Namespace) -> None:
    part, parts = (int(number) for number in arguments.part.split("/"))
    print(machine())
    for dataset, seed, named in runs(arguments)[part::parts]:
        encoder, _, given = named.partition("=")
        where = given or encoder
        if any(
            (row["dataset"], row["seed"], row["encoder"]) == (dataset, seed, encoder)
            for row in metric_inputs(arguments.out)
        ):
            continue
        evidence = SHORT[dataset]
        settings = Namespace(encoder=where, seed=seed, precision="bf16", recipe="{}", dataset=dataset)
        with arranged(evidence) as (data, folder):
            folds = [measure(evidence, data, folder / "run", settings, fold) for fold in range(1, 1 + evidence.folds)]
        record(arguments.out, dataset, seed, encoder, where, folds)


def by_dataset(rows: list[dict[str, Any]], encoders: list[str], seeds: list[int]) -> Iterator[Compared]:
    """What was measured of each dataset that has all of these."""
    for dataset, evidence in SHORT.items():
        found = {(row["encoder"], row["seed"]): row["metrics"] for row in rows if row["dataset"] == dataset}
        if not all((encoder, seed) in found for encoder in encoders for seed in seeds):
            continue
        metric = next(name for name in UNITS if name in found[encoders[0], seeds[0]])
        scale = 100 if metric == "accuracy" else 1
        values = {each: np.array([scale * found[each, seed][metric] for seed in seeds]) for each in encoders}
        losses = [float(np.mean([found[each, seed]["loss"] for seed in seeds])) for each in encoders]
        samples = int(found[encoders[0], seeds[0]]["samples"])
        yield Compared(f"| {evidence.modality} | {dataset} | {samples:,} | {UNITS[metric]}", metric, values, losses)


def print_table(compared: Iterable[Compared], encoders: list[str]) -> None:
    """A row a dataset: the mean over seeds of each encoder, and how much the first is better than each of the others,
    seed by seed, with the 95 % interval of that mean; then the mean loss on the test split."""
    first, *others = encoders
    named = [name.partition("/")[0] for name in encoders]
    better = [f"better than {name}" for name in named[1:]]
    print("| modality | data | tested on | metric | " + " | ".join([*named, *better, "loss of each"]) + " |")
    print("|---" * (5 + len(encoders) + len(others)) + "|")
    for one in compared:
        cells = [one.shown(one.values[encoder].mean()) for encoder in encoders]
        for other in others:
            gain = one.sign * (one.values[first] - one.values[other])
            cells.append(f"{one.shown(gain.mean())} ± {one.shown(_spread(gain))}")
        cells.append(", ".join(f"{loss:.3f}" for loss in one.losses))
        print(f"{one.head} | " + " | ".join(cells) + " |")


def print_means(compared: Iterable[Compared], encoders: list[str]) -> None:
    """A row a dataset: the mean over seeds of each encoder; at last, on how many each is better than the first."""
    first, *others = encoders
    print("| modality | data | tested on | metric | " + " | ".join(name.partition("/")[0] for name in encoders) + " |")
    print("|---" * (4 + len(encoders)) + "|")
    wins = dict.fromkeys(others, 0)
    for one in compared:
        print(f"{one.head} | " + " | ".join(one.shown(one.values[encoder].mean()) for encoder in encoders) + " |")
        for other in others:
            wins[other] += bool(one.sign * (one.values[other] - one.values[first]).mean() > 0)
    named = first.partition("/")[0]
    print(f"| better than {named} on | | | | | " + " | ".join(str(wins[other]) for other in others) + " |")


def _spread(values: NDArray[np.float64]) -> float:
    """Half the 95 % interval of their mean."""
    return float(student.ppf(0.975, len(values) - 1) * sem(values)) if len(values) > 1 else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["measure", "table", "means"])
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--dataset", action="append", choices=SHORT)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--beside", type=Path, help="Further measurements to compare with.")
    arguments = parser.parse_args()
    arguments.seed = arguments.seed or [0, 1, 2]
    arguments.encoder = arguments.encoder or [TINY, RANDOM, NONE]
    if arguments.what == "measure":
        measure_all(arguments)
        return
    rows = [row for path in (arguments.out, arguments.beside) if path is not None for row in metric_inputs(path)]
    compared = by_dataset(rows, arguments.encoder, arguments.seed)
    show = print_table if arguments.what == "table" else print_means
    show(compared, arguments.encoder)


if __name__ == "__main__":
    main()

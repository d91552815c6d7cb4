"""What a frozen encoder gives to each of the twelve modalities, against random weights: the table of docs/mt-tiny.md.

    MT_DATA=... python benchmarks/transfer.py measure --encoder mt-tiny --encoder random/vit_tiny_patch16_224 \
        [--seed 0 --seed 1 --seed 2] [--dataset fsdd] [--part 0/2] --out runs/transfer.jsonl
    python benchmarks/transfer.py table --out runs/transfer.jsonl

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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from evidence import arranged, measure
from evidence_datasets import DATASETS, Evidence, sst2_split
from machine import machine
from numpy.typing import NDArray
from scipy.stats import sem
from scipy.stats import t as student

import mt_core as mt


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


def runs(arguments: Namespace) -> list[tuple[str, int, str]]:
    """(dataset, seed, encoder) of what is asked for, those that go side by side next to one another."""
    return [
        (dataset, seed, encoder)
        for seed in arguments.seed
        for dataset in arguments.dataset or SHORT
        for encoder in arguments.encoder
    ]


def measured(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def measure_all(arguments: Namespace) -> None:
    part, parts = (int(number) for number in arguments.part.split("/"))
    print(machine())
    for dataset, seed, encoder in runs(arguments)[part::parts]:
        if any(
            (row["dataset"], row["seed"], row["encoder"]) == (dataset, seed, encoder) for row in measured(arguments.out)
        ):
            continue
        evidence = SHORT[dataset]
        settings = Namespace(encoder=encoder, seed=seed, precision="bf16", recipe="{}", dataset=dataset)
        with arranged(evidence) as (data, folder):
            folds = [measure(evidence, data, folder / "run", settings, fold) for fold in range(evidence.folds)]
        metrics = {name: float(np.mean([fold[name] for fold in folds])) for name in folds[0]}
        metrics["samples"] *= len(folds)
        fingerprint = mt.load_encoder(encoder).fingerprint
        row = {"dataset": dataset, "seed": seed, "encoder": encoder, "fingerprint": fingerprint, "metrics": metrics}
        with arguments.out.open("a") as out:
            out.write(json.dumps(row) + "\n")


def print_table(rows: list[dict[str, Any]], encoders: list[str]) -> None:
    """A row a dataset: the mean over seeds of each encoder, and how much the first is better than each of the others,
    seed by seed, with the 95 % interval of that mean; then the mean loss on the test split."""
    first, *others = encoders
    named = [name.partition("/")[0] for name in encoders]
    better = [f"better than {name}" for name in named[1:]]
    print("| modality | data | tested on | metric | " + " | ".join([*named, *better, "loss of each"]) + " |")
    print("|---" * (5 + len(encoders) + len(others)) + "|")
    for dataset, evidence in SHORT.items():
        found = {(row["encoder"], row["seed"]): row["metrics"] for row in rows if row["dataset"] == dataset}
        seeds = sorted(seed for encoder, seed in found if encoder == first)
        if not seeds:
            continue
        metric = next(name for name in ("accuracy", "rmse", "mse") if name in found[first, seeds[0]])
        scale, sign = (100, 1) if metric == "accuracy" else (1, -1)
        values = {
            encoder: np.array([scale * found[encoder, seed][metric] for seed in seeds if (encoder, seed) in found])
            for encoder in encoders
        }
        cells = [_shown(values[encoder].mean(), metric) if len(values[encoder]) else "" for encoder in encoders]
        for other in others:
            gain = sign * (values[first] - values[other]) if len(values[other]) == len(seeds) else np.array([])
            cells.append(f"{_shown(gain.mean(), metric)} ± {_shown(_spread(gain), metric)}" if len(gain) else "")
        losses = [[found[encoder, seed]["loss"] for seed in seeds if (encoder, seed) in found] for encoder in encoders]
        cells.append(", ".join(f"{np.mean(each):.3f}" for each in losses if each))
        unit = {"accuracy": "accuracy, %", "rmse": "RMSE", "mse": "MSE"}[metric]
        samples = int(found[first, seeds[0]]["samples"])
        print(f"| {evidence.modality} | {dataset} | {samples:,} | {unit} | " + " | ".join(cells) + " |")


def _spread(values: NDArray[np.float64]) -> float:
    """Half the 95 % interval of their mean."""
    return float(student.ppf(0.975, len(values) - 1) * sem(values)) if len(values) > 1 else math.nan


def _shown(value: float, metric: str) -> str:
    if metric == "accuracy":
        return f"{value:.2f}"
    return f"{value:,.0f}" if abs(value) > 100 else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["measure", "table"])
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--dataset", action="append", choices=SHORT)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.seed = arguments.seed or [0, 1, 2]
    arguments.encoder = arguments.encoder or [TINY, RANDOM, NONE]
    if arguments.what == "measure":
        measure_all(arguments)
    else:
        print_table(measured(arguments.out), arguments.encoder)


if __name__ == "__main__":
    main()

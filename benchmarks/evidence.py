"""The accuracies of docs/evidence.md: train on the training split, measure once on the test split.

    MT_DATA=... python benchmarks/evidence.py adult [--seed 0] [--encoder none/vit_tiny_patch16_224] [--out runs/adult]

`--encoder none/…` is the control without an encoder: tokens go straight to the head. What selects the epoch is a
held-out part of the training split; the test split is read once, after training.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import machine

import mt_core as mt
from mt_core.plugins import get
from mt_core.training import evaluate, naive_metrics


@dataclass(frozen=True)
class Evidence:
    """One dataset: where it lies, how it is opened, and the recipe that was chosen on its training split."""

    modality: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    data_options: dict[str, Any] = field(default_factory=dict)
    rearrange: Callable[[Path, Path], Path] | None = None


def california_split(data: Path, folder: Path) -> Path:
    """housing.csv as train.csv and test.csv: 20 % random test, seed 42."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(pd.read_csv(data / "housing.csv"), test_size=0.2, random_state=42)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    return folder


DATASETS = {
    "adult": Evidence("tabular", "tabular/adult", recipe={"epochs": 4}),
    "california": Evidence(
        "tabular",
        "tabular/california_housing",
        recipe={"epochs": 12, "lr": 3e-3},
        data_options={"target": "median_house_value"},
        rearrange=california_split,
    ),
    "lidarnet": Evidence(
        "pointcloud",
        "point_cloud/LiDARNet",
        options={"upright": "y", "groups": 32},
        recipe={"keep": "last"},  # 31 held-out clouds are all right from some epoch on, and select nothing
    ),
    "cifar10": Evidence(
        "image",
        "image/CIFAR-10-images",
        options={"size": 32, "patch": 8, "stem": "conv"},
        recipe={"epochs": 30, "val_fraction": 0.05},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encoder", default=None)
    parser.add_argument("--precision", default="bf16", choices=["32", "bf16"])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if "MT_DATA" not in os.environ:
        raise SystemExit("set MT_DATA to the folder of the datasets (see docs/evidence.md)")
    evidence = DATASETS[arguments.dataset]
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = Path(os.environ["MT_DATA"]) / evidence.path
        if evidence.rearrange is not None:
            data = evidence.rearrange(data, folder)
        dataset_class = get(evidence.modality).dataset
        model = mt.load(evidence.modality, encoder=arguments.encoder, seed=arguments.seed, **evidence.options)
        print(model.encoder.description)
        settings = {**evidence.recipe, "seed": arguments.seed, "precision": arguments.precision}
        if arguments.epochs:
            settings["epochs"] = arguments.epochs
        started = time.monotonic()
        result = model.fit(
            data,
            out=arguments.out or folder / "run",
            overwrite=True,
            data_options=evidence.data_options,
            show_progress=True,
            **settings,
        )
        minutes = (time.monotonic() - started) / 60
        train = dataset_class.open(data, "train", **evidence.data_options)
        test = dataset_class.open(data, "test", task=train.task, **evidence.data_options)
        metrics = evaluate(model, test, precision=arguments.precision, show_progress=True)
        naive = naive_metrics(model.require_head(), train.targets(), test.targets())
    counts = model.parameter_counts()
    primary = model.require_head().primary
    print(
        f"{arguments.dataset}: test {primary} {metrics[primary]:.4f} on {len(test)} samples (constant answer "
        f"{naive[primary]:.4f}); validation {result.metrics[primary]:.4f}; seed {arguments.seed}; "
        f"{counts.trainable:,} trained, {counts.frozen:,} frozen; {minutes:.1f} minutes, "
        f"{len(result.history)} epochs"
    )
    print({name: round(value, 4) for name, value in metrics.items()})


if __name__ == "__main__":
    main()

"""All labels: train on the training split, measure once on the test split.

    MT_DATA=... python benchmarks/evidence_full.py adult [--seed 0] [--encoder none/vit_tiny_patch16_224] \
        [--rung lora] [--out runs/adult] [--record benchmarks/results/evidence.jsonl]

`--encoder none/…` is the control without an encoder: tokens go straight to the head. What selects the epoch is a
held-out part of the training split; the test split is read once, after training. Where a dataset is measured by
cross-validation, each fold is trained and tested so, and the mean over folds is reported.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from evidence_datasets import DATASETS, Evidence
from evidence_samples import arranged
from evidence_vectors import SEEDS
from machine import machine, training_precision

import mt_core as mt
from mt_core.plugins import get
from mt_core.training import baseline_metrics, evaluate

TRAINED = {name: evidence for name, evidence in DATASETS.items() if evidence.is_trained}


def measure(evidence: Evidence, data: Path, out: Path, arguments: argparse.Namespace, fold: int) -> dict[str, float]:
    """One training and one test. The test's metrics, those of a constant answer as `naive_…`, and what it cost."""
    dataset_class = get(evidence.modality).dataset
    options = {**evidence.data_options, **({"fold": fold} if evidence.folds > 1 else {})}
    given = {"encoder": arguments.encoder, "seed": arguments.seed, "purpose": "train"}
    model = mt.load(evidence.modality, **given, **evidence.options)
    settings = {**evidence.recipe, "seed": arguments.seed, "precision": arguments.precision, "num_workers": 0}
    settings |= {"tune": getattr(arguments, "rung", "frozen")} | json.loads(arguments.recipe)
    started = time.monotonic()
    result = mt.fit(
        model, data, out=out, overwrite=True, data_options=options, show_progress=evidence.folds == 1, **settings
    )
    seconds = time.monotonic() - started
    chosen = dataset_class.Options.parse(options)
    train = dataset_class.open(data, "train", options=chosen)
    test = dataset_class.open(data, "test", task=train.task, options=chosen)
    metrics = evaluate(model, test, precision=arguments.precision, show_progress=evidence.folds == 1)
    baseline = baseline_metrics(model.require_head(), train.targets(), test.targets())
    counts, primary = model.parameter_counts(), model.require_head().primary
    print(
        f"{arguments.dataset}: test {primary} {metrics[primary]:.4f} on {len(test)} samples (constant answer "
        f"{baseline[primary]:.4f}); validation {result.metrics[primary]:.4f}; seed {arguments.seed}; "
        f"{counts.trainable:,} trained, {counts.frozen:,} frozen; {seconds / 60:.1f} minutes, "
        f"{len(result.history)} epochs",
        flush=True,
    )
    return {**metrics, **{f"naive_{name}": value for name, value in baseline.items()}, "minutes": seconds / 60}


def record(path: Path, dataset: str, encoder: str, folds: list[dict[str, float]], settings: argparse.Namespace) -> None:
    """Add a measurement to a file, as a line of JSON: the means over the folds, but all their samples.

    Args:
        encoder: As it is called in the file.
        settings: Of `main`: the encoder as `mt.load` knows it, seed, rung and precision.
    """
    metrics = {name: float(np.mean([fold[name] for fold in folds])) for name in folds[0]}
    metrics["samples"] *= len(folds)
    fingerprint = mt.load_encoder(settings.encoder).fingerprint
    row = {"dataset": dataset, "seed": settings.seed, "encoder": encoder, "fingerprint": fingerprint}
    row |= {"metrics": metrics, "precision": settings.precision}
    row |= {} if settings.rung == "frozen" else {"rung": settings.rung}
    with path.open("a") as out:
        out.write(json.dumps(row) + "\n")


def measure_and_record(
    name: str, arm: str, path: Path, tiny: str, until: float = float("inf"), num_seeds: int = len(SEEDS)
) -> None:
    """Each rung and seed of an arm that is not on record yet, each as long as it takes.

    Args:
        arm: "mt-tiny", "random" or "none".
        tiny: What is measured as mt-tiny: its name, or a file of other weights.
    """
    encoder = {"random": "random/vit_tiny_patch16_224", "none": "none/vit_tiny_patch16_224"}.get(arm, "mt-tiny")
    where = tiny if arm == "mt-tiny" else encoder
    fingerprint = mt.load_encoder(where).fingerprint
    for rung, seed in ((rung, seed) for rung in TRAINED[name].rungs for seed in SEEDS[:num_seeds]):
        if (rung == "lora" and arm == "none") or time.monotonic() > until:
            continue
        key = (name, rung, seed, encoder, fingerprint)
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
        if any((r["dataset"], r.get("rung", "frozen"), r["seed"], r["encoder"], r["fingerprint"]) == key for r in rows):
            continue
        settings = argparse.Namespace(dataset=name, encoder=where, seed=seed, recipe="{}", rung=rung)
        settings.precision = training_precision()
        with arranged(TRAINED[name]) as (data, folder):
            folds = [measure(TRAINED[name], data, folder / "run", settings, fold) for fold in _folds(TRAINED[name])]
        record(path, name, encoder, folds, settings)


def _folds(evidence: Evidence) -> range:
    return range(1, 1 + evidence.folds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=TRAINED)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encoder", default="random/vit_tiny_patch16_224")
    parser.add_argument("--rung", default="frozen", choices=["probe", "frozen", "lora", "full"])
    parser.add_argument("--precision", default=training_precision(), choices=["32", "bf16"])
    parser.add_argument("--recipe", default="{}", help='What differs from the recipe chosen, as JSON: {"epochs": 2}.')
    parser.add_argument("--folds", type=int, help="Only the first so many of the folds.")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--record", type=Path, help="A file of JSON lines that the result is added to.")
    arguments = parser.parse_args()
    if arguments.record is not None and (arguments.recipe != "{}" or arguments.folds is not None):
        parser.error("--record takes what the page shows: the recipe as it is, and all folds")
    evidence = TRAINED[arguments.dataset]
    print(machine())
    with arranged(evidence) as (data, folder):
        out = arguments.out or folder / "run"
        folds = range(1, 1 + min(evidence.folds, arguments.folds or evidence.folds))
        measured = [measure(evidence, data, out, arguments, fold) for fold in folds]
    for metric in measured[0]:
        values = np.array([each[metric] for each in measured])
        spread = f" (of {len(values)} folds, from {values.min():.4f} to {values.max():.4f})" if len(values) > 1 else ""
        print(f"  {metric:<20}{values.mean():.4f}{spread}")
    if arguments.record is not None:
        record(arguments.record, arguments.dataset, arguments.encoder, measured, arguments)


if __name__ == "__main__":
    main()

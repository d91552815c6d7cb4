"""What the native baselines that plugins declare reach on the splits of docs/evidence.md, without an encoder.

MT_DATA=... python benchmarks/native_baselines.py [adult sst2 fsdd ...]
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from evidence_datasets import Evidence
from evidence_full import TRAINED
from evidence_samples import arranged
from machine import machine

import mt_core as mt
from mt_core.errors import DataWarning
from mt_core.heads import default_head
from mt_core.plugins import get
from mt_core.training.baseline import fit_predict, read_features
from mt_core.training.metrics import values_of

SEED = 0
READING = {"batch_size": 64, "num_workers": 0, "skip_unreadable": False}


def measure(evidence: Evidence, data: Path, fold: int) -> dict[str, float]:
    """The metrics on the test split of a model that was fitted to the whole training split."""
    plugin = get(evidence.modality)
    options = {**evidence.data_options, **({"fold": fold} if evidence.folds > 1 else {})}
    chosen = plugin.dataset.Options.parse(options)
    train = plugin.dataset.open(data, "train", options=chosen)
    test = plugin.dataset.open(data, "test", task=train.task, options=chosen)
    tokenizer = mt.load(evidence.modality, encoder="none/vit_tiny_patch16_224", **evidence.options).tokenizer
    tokenizer.calibrate(train[index] for index in range(len(train)))
    head = default_head(tokenizer.width, train.task, plugin.head)
    head.calibrate(train.targets())
    baseline = plugin.baseline(tokenizer)
    of_train, of_test = (read_features(baseline, part, **READING) for part in (train, test))
    metrics = head.metrics()
    metrics.update(*head.metric_inputs(fit_predict(baseline, head, of_train, of_test.features, SEED), of_test.target))
    return values_of(metrics)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*", metavar="dataset", help=", ".join(TRAINED))
    arguments = parser.parse_args()
    print(machine())
    for name in arguments.datasets or TRAINED:
        evidence = TRAINED[name]
        started = time.perf_counter()
        with arranged(evidence) as (data, _), warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            folds = [measure(evidence, data, fold) for fold in range(1, 1 + evidence.folds)]
        means = {metric: float(np.mean([fold[metric] for fold in folds])) for metric in folds[0]}
        told = ", ".join(f"{metric} {value:.4f}" for metric, value in means.items())
        of = f"mean of {len(folds)} folds, " if len(folds) > 1 else ""
        description = get(evidence.modality).baseline.description
        print(f"{name}: {told} ({of}{description}), {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()

"""What a tokenizer gains from files without labels: vectors before and after, and training with 5 labels a class.

    MT_DATA=... python benchmarks/adapt.py racketsports fsdd cifar10 [--steps 150] [--most 500] [--test]

Each dataset is adapted to once (`mt_pretrain.adapt`, seed 0) on so many training samples, without labels. Then, on a
quarter of them that is held out, or with --test on samples of the test part: 5 nearest neighbours and ridge regression
on vectors as `mt embed` gives them, before and after; and training with 5 labels a class, from scratch and from the
adapted run, three draws of the labels, the last epoch kept, mean and range.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evidence_datasets import DATASETS, Evidence, data_folder
from machine import machine
from untrained import scores, subset

import mt_core as mt
from mt_core.contract import Example
from mt_core.model import MetaTransformer
from mt_core.plugins import get
from mt_core.training.starting import load_adapted
from mt_pretrain import adapt

LABELS_A_CLASS = 5
SEEDS = 3
HELD_OUT = 0.25

Part = tuple[list[Any], list[int]]


def split(part: Part, seed: int) -> tuple[Part, Part]:
    """A part without a quarter of it, and that quarter."""
    order = np.random.default_rng(seed).permutation(len(part[0])).tolist()
    cut = round(HELD_OUT * len(order))
    return tuple(([part[0][i] for i in some], [part[1][i] for i in some]) for some in (order[cut:], order[:cut]))  # type: ignore[return-value]


def few_of_each(part: Part, seed: int) -> Part:
    """5 samples of each class."""
    members = defaultdict(list)
    for index in np.random.default_rng(seed).permutation(len(part[1])).tolist():
        members[part[1][index]].append(index)
    chosen = [index for label in sorted(members) for index in members[label][:LABELS_A_CLASS]]
    return [part[0][index] for index in chosen], [part[1][index] for index in chosen]


def of_vectors(model: MetaTransformer, train: Part, measured: Part) -> dict[str, float]:
    vectors = [torch.from_numpy(mt.embed(model, samples)) for samples, _ in (train, measured)]
    targets = [torch.tensor(labels) for _, labels in (train, measured)]
    return scores(vectors[0], targets[0], vectors[1], targets[1], classes=True)


def of_few_labels(make: Callable[[int], MetaTransformer], train: Part, measured: Part, epochs: int) -> list[float]:
    """Accuracies, one a draw of the labels."""
    found = []
    for seed in range(SEEDS):
        samples, labels = few_of_each(train, seed)
        model = make(seed)
        names = [str(label) for label in labels]
        recipe = {"epochs": epochs, "batch_size": 16, "keep": "last", "num_workers": 0, "seed": seed}
        mt.fit(model, samples, names, val=(samples, names), **recipe)  # val selects nothing: the last epoch is kept
        answers = [record["prediction"] for record in mt.predict(model, measured[0])]
        found.append(100 * float(np.mean([a == str(b) for a, b in zip(answers, measured[1], strict=True)])))
    return found


def measure(name: str, entry: Evidence, arguments: argparse.Namespace, scratch: Path) -> None:
    root = data_folder() / entry.path
    dataset = get(entry.modality).dataset
    own = dataset.Options.parse(entry.data_options)
    opened = dataset.open(root, "train", options=own)
    train = subset(opened, arguments.most)
    if arguments.test:
        measured = subset(dataset.open(root, "test", options=own, task=opened.task), arguments.most_test)
    else:
        train, measured = split(train, 0)
    settings = {"steps": arguments.steps, "max_samples": max(arguments.most, 8), "tune": arguments.tune}
    call: dict[str, Any] = {"options": entry.options, "data_options": entry.data_options, "device": "cpu"}
    run = scratch / name
    result = adapt(entry.modality, root, run, {**settings, "num_workers": 0}, **call)
    part = "test" if arguments.test else "validation"
    print(
        f"{name} [{part}, {len(train[0])}/{len(measured[0])}] {arguments.steps} steps: {result.before}; {result.after}"
    )
    untrained = mt.load(entry.modality, purpose="train", **entry.options)
    if "needs_calibration" in get(entry.modality).manifest.capabilities:
        untrained.tokenizer.calibrate([Example(sample) for sample in train[0]])
    models = {"untrained": untrained, "adapted": mt.load_run(run), "as mt embed": mt.load(entry.modality)}
    for what, model in models.items():
        found = of_vectors(model, train, measured)
        print(f"{name} vectors {what}: " + "  ".join(f"{how} {value:.1f}" for how, value in found.items()), flush=True)

    def from_scratch(seed: int) -> MetaTransformer:
        return mt.load(entry.modality, purpose="train", seed=seed, **entry.options)

    def from_adapted(seed: int) -> MetaTransformer:
        return load_adapted(run, entry.modality, seed=seed)

    for what, make in (("from scratch", from_scratch), ("from adapted", from_adapted)):
        values = of_few_labels(make, train, measured, arguments.epochs)
        of = f"{np.mean(values):.1f} ({min(values):.1f}-{max(values):.1f})"
        print(f"{name} {LABELS_A_CLASS} labels a class, {what}: {of}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="+", choices=sorted(DATASETS))
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--most", type=int, default=500, help="Training samples, adapted to and measured with.")
    parser.add_argument("--most-test", type=int, default=300, help="Samples of the test part.")
    parser.add_argument("--epochs", type=int, default=30, help="Of the trainings with few labels.")
    parser.add_argument("--tune", choices=["tokenizer", "lora"], default="tokenizer")
    parser.add_argument("--test", action="store_true")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.datasets:
            measure(name, DATASETS[name], arguments, Path(scratch))


if __name__ == "__main__":
    main()

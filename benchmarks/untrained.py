"""What vectors tell without any training: 5 nearest neighbours and ridge regression on frozen features.

    MT_DATA=... python benchmarks/untrained.py fsdd --view picture [--encoder mt-tiny] [--layers quarters]
        [--pool cls+mean+max] [-O picture_patch=8] [--most 1000] [--test]

A part of the training data is held out to choose by (three draws, seeds 0 to 2, mean and range printed); the test part
is measured only with --test. Tokenizers that need a calibration get it from the training part. Features are
standardised; the ridge penalty is chosen by leaving one training sample out at a time. For regression: RMSE of ridge.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evidence_datasets import DATASETS, data_folder
from torch import Tensor
from torch.nn.functional import one_hot

import mt_core as mt
from mt_core.contract import Classification, ModalityDataset
from mt_core.errors import MissingSplitError
from mt_core.plugins import get
from mt_pretrain.formulas.scoring import balanced_subset, ridge_classes

NEIGHBOURS = 5
VAL_SHARE = 0.25
RIDGES = tuple(10.0**power for power in range(-1, 6))


def subset(dataset: ModalityDataset, most: int) -> tuple[list[Any], list[Any]]:
    """The samples and the targets of so many at the most, of each class as many."""
    targets = list(dataset.targets())
    if isinstance(dataset.task, Classification):
        chosen = balanced_subset(targets, most)
    else:
        chosen = sorted(np.random.default_rng(0).permutation(len(targets))[:most].tolist())
    return [dataset[index].sample for index in chosen], [targets[index] for index in chosen]


def knn(train: Tensor, classes: Tensor, test: Tensor) -> Tensor:
    """(B,) the class that most of the 5 nearest have, of standardised features; of equally many the nearest's."""
    mean, std = train.mean(0), train.std(0) + 1e-6
    distances, nearest = torch.cdist((test - mean) / std, (train - mean) / std).topk(NEIGHBOURS, largest=False)
    votes = one_hot(classes[nearest], int(classes.max()) + 1).double()
    return (votes.sum(1) + 1e-3 * (votes / (1 + distances[..., None])).amax(1)).argmax(1)


def ridge_values(train: Tensor, values: Tensor, test: Tensor) -> Tensor:
    """(B,) by ridge regression, its penalty by leave-one-out error."""
    mean, std = train.double().mean(0), train.double().std(0) + 1e-6
    train, test = ((features.double() - mean) / std for features in (train, test))
    base = values.double().mean()
    left, sizes, right = torch.linalg.svd(train, full_matrices=False)
    best = (float("inf"), test.new_zeros(len(test)))
    for ridge in RIDGES:
        shrunk = sizes.square() / (sizes.square() + ridge)
        residual = values - base - left @ (shrunk * (left.T @ (values - base)))
        error = float((residual / (1 - left.square() @ shrunk - 1 / len(train)).clamp_min(1e-6)).square().mean())
        if error < best[0]:
            best = (error, test @ (right.T @ (shrunk / sizes.clamp_min(1e-9) * (left.T @ (values - base)))) + base)
    return best[1]


def scores(train: Tensor, targets: Tensor, test: Tensor, expected: Tensor, *, classes: bool) -> dict[str, float]:
    if not classes:
        return {"rmse": float((ridge_values(train, targets, test) - expected).square().mean().sqrt())}
    found = {"knn": knn(train, targets, test), "probe": ridge_classes(train, targets, test)}
    return {name: 100 * float((given == expected).double().mean()) for name, given in found.items()}


def vectors_of(arguments: argparse.Namespace, encoder: str, modality: str, options: dict[str, Any], parts: Any) -> Any:
    """Vectors of training and test samples; calibrated on the first."""
    from mt_core.contract import Example

    model = mt.load(modality, encoder=encoder, layers=arguments.layers, **options)
    if arguments.calibrate or "needs_calibration" in get(modality).manifest.capabilities:
        model.tokenizer.calibrate([Example(sample, target) for sample, target in zip(*parts[0], strict=True)])
    return [torch.from_numpy(mt.embed(model, samples, pool=arguments.pool)) for samples, _ in parts if samples]


def measure(arguments: argparse.Namespace) -> None:
    entry = DATASETS[arguments.dataset]
    folder = data_folder() / entry.path
    with tempfile.TemporaryDirectory() as scratch:
        folder = entry.rearrange(folder, Path(scratch)) if entry.rearrange else folder
        dataset = get(entry.modality).dataset
        own = dataset.Options.parse({**entry.data_options, **dict(pair.split("=") for pair in arguments.data_option)})
        train = dataset.open(folder, "train", options=own)
        parts = [subset(train, arguments.most)]
        if arguments.test:
            try:
                parts.append(subset(dataset.open(folder, "test", options=own, task=train.task), 10**9))
            except MissingSplitError:
                raise SystemExit(f"{arguments.dataset} has no test part") from None
        options = dict(pair.split("=") for pair in arguments.option)
        if arguments.view:
            options["view"] = arguments.view
        is_classes = isinstance(train.task, Classification)
        targets = [torch.tensor(np.asarray(given), dtype=None if is_classes else torch.double) for _, given in parts]
        for encoder in arguments.encoder or ["mt-tiny"]:
            vectors = vectors_of(arguments, encoder, entry.modality, options, parts)
            if arguments.test:
                drawn = [scores(vectors[0], targets[0], vectors[1], targets[1], classes=is_classes)]
            else:
                drawn = [held_out(vectors[0], targets[0], seed, classes=is_classes) for seed in range(3)]
            told = "  ".join(
                f"{name} {np.mean(found):.2f}" + (f" ({min(found):.2f}-{max(found):.2f})" if len(found) > 1 else "")
                for name in drawn[0]
                for found in [[each[name] for each in drawn]]
            )
            settings = (
                f"{arguments.view or '-'} {' '.join(arguments.option)} layers {arguments.layers} {arguments.pool}"
            )
            part = "test" if arguments.test else "validation"
            sizes = "/".join(str(len(samples)) for samples, _ in parts)
            print(f"{arguments.dataset} [{part}, {sizes}] {encoder} {settings}: {told}", flush=True)


def held_out(vectors: Tensor, targets: Tensor, seed: int, *, classes: bool) -> dict[str, float]:
    order = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(seed))
    val, fit = order.split([round(VAL_SHARE * len(order)), len(order) - round(VAL_SHARE * len(order))])
    return scores(vectors[fit], targets[fit], vectors[val], targets[val], classes=classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=sorted(DATASETS))
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--view", choices=["tokens", "picture"])
    parser.add_argument("--layers")
    parser.add_argument("--pool", default="mean")
    parser.add_argument("-O", "--option", action="append", default=[])
    parser.add_argument("-D", "--data-option", action="append", default=[])
    parser.add_argument("--most", type=int, default=1000, help="Training samples.")
    parser.add_argument("--calibrate", action="store_true", help="Calibrate on the training part in any case.")
    parser.add_argument("--test", action="store_true")
    measure(parser.parse_args())


if __name__ == "__main__":
    main()

"""What a linear probe tells after each frozen block, as a table and a figure.

    MT_DATA=... python benchmarks/blocks.py [--out docs/assets/blocks.svg]

Spoken digits drawn as spectrograms and pictures of CIFAR-10, through mt-tiny and through the same encoder with random
weights. Nothing is trained but the ridge regression on the mean of the tokens. The digits' test part is the official
one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import torch
from evidence_datasets import DATASETS, data_folder
from machine import machine
from untrained import scores, subset

import mt_core as mt
from mt_core.plugins import get

DEPTH = 12
ENCODERS = {"mt-tiny": "mt-tiny", "random weights": "random/vit_tiny_patch16_224"}
SAMPLES = {"fsdd": (1000, 300, {"view": "picture"}), "cifar10": (2000, 1000, {})}
TITLES = {"fsdd": "spoken digits, drawn as spectrograms", "cifar10": "CIFAR-10 subset"}


def accuracies(name: str, encoder: str) -> list[float]:
    """Test accuracy of the probe, in %, on the tokens and after each block."""
    entry, (most, most_test, options) = DATASETS[name], SAMPLES[name]
    dataset = get(entry.modality).dataset
    train = dataset.open(data_folder() / entry.path, "train")
    test = dataset.open(data_folder() / entry.path, "test", task=train.task)
    size = {"size": 64} if name == "cifar10" else {"picture_size": 64, "picture_patch": 16}
    model = mt.load(entry.modality, encoder=encoder, layers=tuple(range(DEPTH + 1)), **options, **size)
    parts = [subset(train, most), subset(test, most_test)]
    vectors = [torch.from_numpy(mt.embed(model, samples)).chunk(DEPTH + 1, dim=1) for samples, _ in parts]
    targets = [torch.tensor(np.asarray(given)) for _, given in parts]
    return [
        scores(one.contiguous(), targets[0], other.contiguous(), targets[1], classes=True)["probe"]
        for one, other in zip(*vectors, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/assets/blocks.svg"))
    out = parser.parse_args().out
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "blocks"
    from matplotlib import pyplot

    print(machine())
    figure, panels = pyplot.subplots(1, len(SAMPLES), figsize=(9, 3.2), layout="constrained")
    for axes, name in zip(panels, SAMPLES, strict=True):
        for (label, encoder), style in zip(ENCODERS.items(), ("o-", "s--"), strict=True):
            found = accuracies(name, encoder)
            print(f"{name} {label}: " + " ".join(f"{each:.1f}" for each in found), flush=True)
            axes.plot(range(DEPTH + 1), found, style, label=label, markersize=4)
        axes.set(title=TITLES[name], xlabel="frozen blocks", ylabel="linear probe, test accuracy, %")
        axes.set_xticks(range(0, DEPTH + 1, 3))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main()

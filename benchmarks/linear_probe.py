"""What the features of frozen encoders tell of photographs: 20 nearest neighbours, and ridge regression.

    MT_DATA=... python benchmarks/linear_probe.py [--encoder mt-tiny --encoder random/vit_tiny_patch16_224] [--size 64]

All training and test pictures of the CIFAR-10 subset, resized; a picture's features are the mean of its tokens. The
ridge is chosen by leaving one training picture out at a time; nothing is chosen by the test pictures.
"""

from __future__ import annotations

import argparse

import torch
from evidence_datasets import data_folder
from machine import machine

import mt_core as mt
from mt_core.plugins import get
from mt_pretrain.formulas.scoring import knn_classes, ridge_classes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--size", type=int, default=64)
    arguments = parser.parse_args()
    folder = data_folder() / "image" / "CIFAR-10-images"
    dataset = get("image").dataset
    train = dataset.open(folder, "train")
    parts = [train, dataset.open(folder, "test", task=train.task)]
    train_classes, test_classes = (torch.tensor(part.targets()) for part in parts)
    print(machine())
    for name in arguments.encoder or ["mt-tiny", *(f"random/vit_tiny_patch16_224@{seed}" for seed in range(3))]:
        model = mt.load("image", encoder=name, size=arguments.size)
        train_vectors, test_vectors = (
            torch.from_numpy(mt.embed(model, [part[index].sample for index in range(len(part))])) for part in parts
        )
        accuracies = {
            how: (classify(train_vectors, train_classes, test_vectors) == test_classes).double().mean()
            for how, classify in {"knn": knn_classes, "probe": ridge_classes}.items()
        }
        print(f"{name}: " + ", ".join(f"{how} {accuracy:.2%}" for how, accuracy in accuracies.items()), flush=True)


if __name__ == "__main__":
    main()

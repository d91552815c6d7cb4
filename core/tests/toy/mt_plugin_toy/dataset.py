"""Rising and falling series of different lengths. A folder a class, a series a file; or a folder a split."""

from pathlib import Path

import numpy as np

from mt_core.contract import Classification, Example, ModalityDataset
from mt_core.errors import DatasetError, MissingSplitError


class ToyDataset(ModalityDataset):
    layouts = {"folder per class": "falling/*.npy, rising/*.npy"}  # noqa: RUF012

    def __init__(self, samples, labels, task, source):
        self.samples, self.labels, self.task, self.source = samples, labels, task, source

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return Example(self.samples[index], self.labels[index])

    def targets(self):
        return self.labels

    @classmethod
    def open(cls, root, split="train", *, task=None, options=None):
        root = Path(root)
        if (root / "train").is_dir():
            if not (root / split).is_dir():
                raise MissingSplitError(f"{root} has no {split}", fix="choose another split")
            root = root / split
        elif split not in ("train", "all"):
            raise MissingSplitError(f"{root} has no splits", fix="use train or all")
        classes = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        if not classes:
            raise DatasetError(f"{root} has no folder per class", fix="make one folder a class")
        task = task or Classification(classes=classes)
        files = [(path, task.classes.index(name)) for name in classes for path in sorted((root / name).glob("*.npy"))]
        return cls([path for path, _ in files], [label for _, label in files], task, f"{root} ({split})")

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        random = np.random.default_rng([seed, {"train": 0, "val": 1, "test": 2, "all": 3}[split]])
        labels = [int(label) for label in random.integers(0, 2, size)]
        samples = [
            (1 if label else -1) * np.linspace(-1, 1, int(random.integers(8, 40))) + 0.1 * random.normal()
            for label in labels
        ]
        task = Classification(classes=("falling", "rising"))
        return cls([sample.astype(np.float32) for sample in samples], labels, task, "drawn series (synthetic)")

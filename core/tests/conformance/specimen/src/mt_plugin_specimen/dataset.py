"""Bags of small and of large readings. A folder a class, a bag a file."""

import numpy as np

from mt_core.contract import SPLITS
from mt_core.errors import OptionError
from mt_core.sdk import ListedDataset, Listing, list_folders, temporary_folder

CLASSES = ("large", "small")


class SpecimenDataset(ListedDataset):
    layouts = {"folder per class": "large/*.npy, small/*.npy, or the same below train/, val/ and test/"}  # noqa: RUF012

    @classmethod
    def find(cls, root, split):
        return list_folders(root, split, (".npy", ".csv"))

    @classmethod
    def demo(cls, split="train", *, size=256, seed=0):
        if split not in SPLITS:
            raise OptionError(f"there is no split called {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        folder = temporary_folder("specimen")
        samples, labels = [], []
        for number in range(size):
            part = SPLITS[number % 3] if split == "all" else split
            draw = np.random.default_rng([seed, SPLITS.index(part), number])
            labels.append(CLASSES[number % 2])
            size_of_readings = 3.0 if labels[-1] == "large" else 1.0
            shape = int(draw.integers(3, 9)), int(draw.integers(1, 4))
            bag = draw.normal(scale=size_of_readings, size=shape).astype(np.float32)
            path = folder / f"{part}_{number:03d}{('.npy', '.csv')[number % 2 ^ number // 2 % 2]}"
            np.save(path, bag) if path.suffix == ".npy" else np.savetxt(path, bag, delimiter=",", fmt="%.6f")
            samples.append(path)
        listing = Listing(samples, labels, CLASSES, "drawn")
        return cls.of(listing, None, source="bags drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder):
        path = folder / "bags.npy"
        np.save(path, np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32))
        return [path]

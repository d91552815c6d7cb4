"""Labelled pictures: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from mt_core.contract import Classification
from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing, chosen_splits, find_tables, in_order, list_folders, list_tables
from mt_plugin_image.demonstration import digits, shapes
from mt_plugin_image.examples import write_examples
from mt_plugin_image.formats import SUFFIXES
from mt_plugin_image.idx import Pair, find_pairs, read_labels, read_pair


class ImageDataset(ListedDataset):
    """Pictures and the classes they belong to."""

    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "split folders": "train/, val/ and test/ (or training, valid, validation, dev), in each a folder per class",
        "folders": "a folder per class; everything is 'train'",
        "table": "a CSV of path,label[,split], or a folder with labels.csv, or with train.csv, val.csv, test.csv",
        "idx": "train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], t10k-* for test, as MNIST ships",
    }
    demo_options = {"size": 32, "patch": 8, "stem": "conv", "flip": False}  # noqa: RUF012 - digits of 8 x 8 pixels
    task: Classification

    @classmethod
    def find(cls, root: Path, split: str) -> Listing | None:
        """The pictures under a folder, or in a table, in one of `layouts`; the classes are those of all splits, sorted
        (as numbers, where all are)."""
        if root.is_file():
            if root.suffix.lower() not in (".csv", ".tsv"):
                raise DatasetError(
                    f"{root} is a file, and no table", fix="give the folder of the data, or a .csv of path,label"
                )
            return list_tables({"": root}, split, root)
        if tables := find_tables(root):
            return list_tables(tables, split, root)
        if pairs := find_pairs(root):
            return _listed_idx(pairs, split, root)
        return list_folders(root, split, SUFFIXES)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """scikit-learn's handwritten digits where it is installed, otherwise drawn shapes; `size` is a split's."""
        listing = digits(split, size, seed)
        if listing is not None:
            return cls.of(listing, None, source="scikit-learn digits (real)")
        return cls.of(shapes(split, size, seed), None, source="shapes drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)


def _listed_idx(pairs: dict[str, Pair], split: str, root: Path) -> Listing:
    parts = [read_pair(pairs[name]) for name in chosen_splits(split, pairs, root)]
    samples: Any = parts[0][0] if len(parts) == 1 else [picture for pictures, _ in parts for picture in pictures]
    labels = [str(number) for _, numbers in parts for number in numbers]
    classes = in_order(str(number) for pair in pairs.values() for number in set(read_labels(pair).tolist()))
    return Listing(samples, labels, classes, "idx")

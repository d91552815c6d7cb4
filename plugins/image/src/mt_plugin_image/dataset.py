"""Labelled pictures: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from mt_core.contract import Classification, Example, ModalityDataset, Multilabel, Regression
from mt_core.errors import DatasetError, OptionError
from mt_plugin_image.demonstration import digits, shapes
from mt_plugin_image.folders import list_folders
from mt_plugin_image.formats import SUFFIXES
from mt_plugin_image.idx import Pair, find_pairs, read_labels, read_pair
from mt_plugin_image.listing import Listing, in_order
from mt_plugin_image.splits import chosen
from mt_plugin_image.table import find_tables, list_tables


class ImageDataset(ModalityDataset):
    """Pictures and the classes they belong to.

    Args:
        samples: Paths, or anything else that the tokenizer reads.
        targets: The index of each one's class, None where it is not known.
        task: The classes.
        source: One line on where they come from.
    """

    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "split folders": "train/, val/ and test/ (or training, valid, validation, dev), in each a folder per class",
        "folders": "a folder per class; everything is 'train'",
        "table": "a CSV of path,label[,split], or a folder with labels.csv, or with train.csv, val.csv, test.csv",
        "idx": "train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], t10k-* for test, as MNIST ships",
    }
    demo_options = {"size": 32, "patch": 8, "stem": "conv", "flip": False}  # noqa: RUF012 - digits of 8 x 8 pixels
    task: Classification

    def __init__(
        self, samples: Sequence[Any], targets: Sequence[int | None], task: Classification, source: str
    ) -> None:
        self._samples = samples
        self._targets = targets
        self.task = task
        self.source = source

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Example:
        return Example(self._samples[index], self._targets[index])

    def targets(self) -> Sequence[int | None]:
        return self._targets

    @classmethod
    def open(
        cls,
        root: Path,
        split: str = "train",
        *,
        task: Classification | Multilabel | Regression | None = None,
        **options: Any,
    ) -> Self:
        """The pictures under a folder, or in a table, in one of `layouts`; without a task its classes are those of all
        splits, sorted (as numbers, where all are)."""
        if options:
            raise OptionError(f"pictures have no option {', '.join(options)}", fix="leave it out")
        root = Path(root)
        if not root.exists():
            raise DatasetError(f"{root} does not exist", fix="check the path of the data")
        listing = _listed(root, split)
        return cls._of(listing, task, source=f"{root} ({listing.layout})")

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """scikit-learn's handwritten digits where it is installed, otherwise drawn shapes; `size` is a split's."""
        listing = digits(split, size, seed)
        if listing is not None:
            return cls._of(listing, None, source="scikit-learn digits (real)")
        return cls._of(shapes(split, size, seed), None, source="shapes drawn for this run (synthetic)")

    @classmethod
    def _of(cls, listing: Listing, task: Classification | Multilabel | Regression | None, source: str) -> Self:
        if task is None:
            if not listing.classes:
                raise DatasetError(f"{source} has no labels", fix="add a column called label, or name the task")
            task = Classification(classes=listing.classes)
        if not isinstance(task, Classification):
            raise OptionError(
                f"pictures come with classes, and the task is {task.kind}", fix="use a run trained for classification"
            )
        index_of = {name: index for index, name in enumerate(task.classes)}
        unknown = sorted({label for label in listing.labels if label is not None and label not in index_of})
        if unknown:
            raise OptionError(
                f"{source} has classes that the task does not: {', '.join(unknown[:5])}"
                + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""),
                fix=f"the task has {', '.join(task.classes[:20])}; remove or rename the others",
            )
        targets = [None if label is None else index_of[label] for label in listing.labels]
        return cls(listing.samples, targets, task, source)


def _listed(root: Path, split: str) -> Listing:
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
    listing = list_folders(root, split)
    if listing is None:
        looked_for = "; ".join(f"{name}: {what}" for name, what in ImageDataset.layouts.items())
        raise DatasetError(
            f"{root} is in no layout of pictures that is known. Looked for {looked_for}",
            fix=f"sort the pictures ({' '.join(SUFFIXES)}) into a folder per class, or list them in labels.csv",
        )
    return listing


def _listed_idx(pairs: dict[str, Pair], split: str, root: Path) -> Listing:
    parts = [read_pair(pairs[name]) for name in chosen(split, pairs, root)]
    samples: Any = parts[0][0] if len(parts) == 1 else [picture for pictures, _ in parts for picture in pictures]
    labels = [str(number) for _, numbers in parts for number in numbers]
    classes = in_order(str(number) for pair in pairs.values() for number in set(read_labels(pair).tolist()))
    return Listing(samples, labels, classes, "idx")

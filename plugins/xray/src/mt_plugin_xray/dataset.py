"""Labelled radiographs: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing, find_tables, list_folders, list_tables
from mt_plugin_xray.demo import radiographs
from mt_plugin_xray.examples import write_examples
from mt_plugin_xray.layouts.chestxray14 import find_chestxray14
from mt_plugin_xray.layouts.chexpert import find_chexpert
from mt_plugin_xray.layouts.medmnist import find_medmnist
from mt_plugin_xray.reading import SUFFIXES


class XrayDataset(ListedDataset):
    """Radiographs, and the one class or the several findings of each."""

    kinds = ("classification", "multilabel")
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "chestxray14": "NIH ChestX-ray14: Data_Entry_2017.csv, train_val_list.txt, test_list.txt, images_001/images",
        "chexpert": "CheXpert: train.csv and valid.csv with Path and 14 observations of 1, 0, -1 or blank",
        "medmnist": "MedMNIST: an .npz of train_images, train_labels, val_* and test_*",
        "table": "a CSV of path,label[,split], or a folder with labels.csv, or with train.csv, val.csv, test.csv",
        "split folders": "train/, val/ and test/ (or training, valid, validation, dev), in each a folder per class",
        "folders": "a folder per class; everything is 'train'",
    }
    demo_options = {"size": 40, "patch": 8, "stem": "conv"}  # noqa: RUF012 - films of 72 x 64 pixels

    @classmethod
    def find(cls, root: Path, split: str, *, uncertain: str = "ignore") -> Listing | None:
        """The films under a folder, or in a table or an archive, in one of `layouts`.

        Args:
            uncertain: CheXpert: what an uncertain observation counts as: "ignore" (not known), "zeros" or "ones".
        """
        is_table = root.is_file() and root.suffix.lower() in (".csv", ".tsv")
        if root.is_file() and not is_table and root.suffix.lower() != ".npz":
            raise DatasetError(
                f"{root} is a file, and neither a table nor an archive",
                fix="give the folder of the data, a .csv of path,label, or an .npz of MedMNIST",
            )
        if not root.is_file() and (films := find_chestxray14(root, split)) is not None:
            return films
        if not is_table and (pictures := find_medmnist(root, split)) is not None:
            return pictures
        if root.suffix.lower() == ".npz":
            return None
        if (films := find_chexpert(root, split, uncertain=uncertain)) is not None:
            return films
        if tables := {"": root} if is_table else find_tables(root):
            return list_tables(tables, split, root)
        return list_folders(root, split, SUFFIXES)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Drawn chest films with one of three findings or none, see `demo.py`; `size` is a split's."""
        return cls.of(radiographs(split, size, seed), None, source="radiographs drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

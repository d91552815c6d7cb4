"""Labelled radiographs: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from mt_core.errors import DatasetError
from mt_core.sdk import (
    BOX_LAYOUTS,
    FILE_LAYOUTS,
    MASK_LAYOUTS,
    ListedDataset,
    Listing,
    MaskOptions,
    find_boxes,
    find_masks,
    list_files,
)
from mt_plugin_xray.demo import radiographs, write_examples
from mt_plugin_xray.layouts import find_chestxray14, find_chexpert, find_medmnist
from mt_plugin_xray.reading import SUFFIXES


class XrayDatasetOptions(MaskOptions):
    """How findings are counted."""

    uncertain: Literal["ignore", "zeros", "ones"] = Field(
        default="ignore", description="CheXpert: what an uncertain observation counts as; ignore: not known."
    )


class XrayDataset(ListedDataset):
    """Radiographs, and the one class or the several findings of each, or the class of each pixel."""

    Options = XrayDatasetOptions
    kinds = ("classification", "multilabel", "segmentation", "detection")
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "chestxray14": "NIH ChestX-ray14: Data_Entry_2017.csv, train_val_list.txt, test_list.txt, images_001/images",
        "chexpert": "CheXpert: train.csv and valid.csv with Path and 14 observations of 1, 0, -1 or blank",
        "medmnist": "MedMNIST: an .npz of train_images, train_labels, val_* and test_*",
        **FILE_LAYOUTS,
        **MASK_LAYOUTS,
        **BOX_LAYOUTS,
    }
    demo_options = {"size": 40, "patch": 8, "stem": "conv"}  # noqa: RUF012 - films of 72 x 64 pixels

    @classmethod
    def find(cls, root: Path, split: str, *, options: XrayDatasetOptions | None = None) -> Listing | None:
        """The films under a folder, or in a table or an archive, in one of `layouts`."""
        options = options or XrayDatasetOptions()
        if root.is_file() and root.suffix.lower() not in (".csv", ".tsv", ".npz"):
            raise DatasetError(
                f"{root} is a file, and neither a table nor an archive",
                fix="give the folder of the data, a .csv of path,label, or an .npz of MedMNIST",
            )
        if options.label is not None and root.suffix.lower() != ".npz":
            return list_files(root, split, SUFFIXES, options)
        found = find_chestxray14(root, split) or find_medmnist(root, split)
        if found or root.suffix.lower() == ".npz":
            return found
        return (
            find_chexpert(root, split, uncertain=options.uncertain)
            or find_masks(root, split, SUFFIXES, options)
            or find_boxes(root, split, SUFFIXES, options)
            or list_files(root, split, SUFFIXES, options)
        )

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Drawn chest films with one of three findings or none, see `demo.py`; `size` is a split's."""
        return cls.of(radiographs(split, size, seed), None, source="radiographs drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

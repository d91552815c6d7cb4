"""Labelled thermal pictures: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing, find_tables, list_folders, list_tables
from mt_plugin_infrared.demo import thermal_frames
from mt_plugin_infrared.examples import write_examples
from mt_plugin_infrared.layouts.reidentification import find_regdb, find_sysu
from mt_plugin_infrared.layouts.solar_modules import find_solar_modules
from mt_plugin_infrared.reading import SUFFIXES


class InfraredDataset(ListedDataset):
    """Thermal pictures, and the classes they belong to or the persons they show."""

    kinds = ("classification", "retrieval")
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "solar modules": "InfraredSolarModules: module_metadata.json and its images; splits by a splits.csv beside it",
        "regdb": "RegDB: idx/train_visible_1.txt, train_thermal_1, test_visible_1, test_thermal_1; person retrieval",
        "sysu": "SYSU-MM01: cam1/0001/*.jpg to cam6, exp/train_id.txt, val_id.txt, test_id.txt; person retrieval",
        "table": "a CSV of path,label[,split], or a folder with labels.csv, or with train.csv, val.csv, test.csv",
        "split folders": "train/, val/ and test/ (or training, valid, validation, dev), in each a folder per class",
        "folders": "a folder per class; everything is 'train'",
    }
    demo_options = {"size": 32, "patch": 8, "stem": "conv"}  # noqa: RUF012 - frames of 32 x 40 pixels

    @classmethod
    def find(
        cls, root: Path, split: str, *, binary: bool = False, trial: int = 1, search: str = "all"
    ) -> Listing | None:
        """The pictures under a folder, or in a table, in one of `layouts`.

        Args:
            binary: InfraredSolarModules: two classes, anomaly or none, in place of twelve.
            trial: RegDB: which of its ten divisions.
            search: SYSU-MM01: "all", or "indoor" for a gallery of the cameras indoors.
        """
        if root.is_file():
            if root.suffix.lower() not in (".csv", ".tsv"):
                raise DatasetError(
                    f"{root} is a file, and no table", fix="give the folder of the data, or a .csv of path,label"
                )
            return list_tables({"": root}, split, root)
        if (modules := find_solar_modules(root, split, binary=binary)) is not None:
            return modules
        if (persons := find_regdb(root, split, trial=trial) or find_sysu(root, split, search=search)) is not None:
            return persons
        if tables := find_tables(root):
            return list_tables(tables, split, root)
        return list_folders(root, split, SUFFIXES)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Drawn thermal frames of modules with one of four faults or none, see `demo.py`; `size` is a split's."""
        listing = thermal_frames(split, size, seed)
        return cls.of(listing, None, source="thermal frames drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

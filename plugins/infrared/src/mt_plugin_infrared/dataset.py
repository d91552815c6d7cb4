"""Labelled thermal pictures: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from mt_core.sdk import FILE_LAYOUTS, ListedDataset, Listing, list_files
from mt_plugin_infrared.demo import thermal_frames, write_examples
from mt_plugin_infrared.layouts import find_regdb, find_solar_modules, find_sysu
from mt_plugin_infrared.reading import SUFFIXES


class InfraredDataset(ListedDataset):
    """Thermal pictures, and the classes they belong to or the persons they show."""

    kinds = ("classification", "retrieval")
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "solar modules": "InfraredSolarModules: module_metadata.json and its images; splits by a splits.csv beside it",
        "regdb": "RegDB: idx/train_visible_1.txt, train_thermal_1, test_visible_1, test_thermal_1; person retrieval",
        "sysu": "SYSU-MM01: cam1/0001/*.jpg to cam6, exp/train_id.txt, val_id.txt, test_id.txt; person retrieval",
        **FILE_LAYOUTS,
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
        return (
            find_solar_modules(root, split, binary=binary)
            or find_regdb(root, split, trial=trial)
            or find_sysu(root, split, search=search)
            or list_files(root, split, SUFFIXES)
        )

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Drawn thermal frames of modules with one of four faults or none, see `demo.py`; `size` is a split's."""
        listing = thermal_frames(split, size, seed)
        return cls.of(listing, None, source="thermal frames drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

"""Labelled thermal pictures: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field

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
from mt_plugin_infrared.demo import thermal_frames, write_examples
from mt_plugin_infrared.layouts import find_regdb, find_solar_modules, find_sysu
from mt_plugin_infrared.reading import SUFFIXES


class InfraredDatasetOptions(MaskOptions):
    """Which of a benchmark's divisions and tasks."""

    binary: bool = Field(
        default=False, description="InfraredSolarModules: two classes, anomaly or none, in place of twelve."
    )
    trial: int = Field(default=1, ge=1, description="RegDB: which of its ten divisions.")
    search: Literal["all", "indoor"] = Field(
        default="all", description="SYSU-MM01: the gallery is of all visible cameras, or of those indoors."
    )


class InfraredDataset(ListedDataset):
    """Thermal pictures, and the classes that they or their pixels belong to, or the persons they show."""

    Options = InfraredDatasetOptions
    kinds = ("classification", "retrieval", "segmentation", "detection")
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "solar modules": "InfraredSolarModules: module_metadata.json and its images; splits by a splits.csv beside it",
        "regdb": "RegDB: idx/train_visible_1.txt, train_thermal_1, test_visible_1, test_thermal_1; person retrieval",
        "sysu": "SYSU-MM01: cam1/0001/*.jpg to cam6, exp/train_id.txt, val_id.txt, test_id.txt; person retrieval",
        **FILE_LAYOUTS,
        **MASK_LAYOUTS,
        **BOX_LAYOUTS,
    }
    demo_options = {"size": 32, "patch": 8, "stem": "conv"}  # noqa: RUF012 - frames of 32 x 40 pixels

    @classmethod
    def find(cls, root: Path, split: str, *, options: InfraredDatasetOptions | None = None) -> Listing | None:
        """The pictures under a folder, or in a table, in one of `layouts`."""
        options = options or InfraredDatasetOptions()
        if options.label is not None:
            return list_files(root, split, SUFFIXES, options)
        return (
            find_solar_modules(root, split, binary=options.binary)
            or find_regdb(root, split, trial=options.trial)
            or find_sysu(root, split, search=options.search)
            or find_masks(root, split, SUFFIXES, options)
            or find_boxes(root, split, SUFFIXES, options)
            or list_files(root, split, SUFFIXES, options)
        )

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Drawn thermal frames of modules with one of four faults or none, see `demo.py`; `size` is a split's."""
        listing = thermal_frames(split, size, seed)
        return cls.of(listing, None, source="thermal frames drawn for this run (synthetic)")

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

"""Labelled pixels: public scenes in the layouts they come in, and a scene made up for a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from mt_core.contract import Classification
from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing
from mt_plugin_hyperspectral.demo import demo_pixels, write_examples
from mt_plugin_hyperspectral.division import HyperspectralDatasetOptions
from mt_plugin_hyperspectral.layouts import find_pixel_table, find_scene, find_spectra_table
from mt_plugin_hyperspectral.reading import SUFFIXES


class HyperspectralDataset(ListedDataset):
    """Pixels and what they show."""

    Options = HyperspectralDatasetOptions
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "ground truth": "a cube and its labels (rows, columns), 0 unlabelled: Indian_pines_corrected.mat and "
        "Indian_pines_gt.mat, PaviaU.mat and PaviaU_gt.mat, also ENVI, .tif, .npy; or both arrays in one .mat",
        "pixel table": "Train_X.mat and TrLabel.mat (Test_X.mat, TeLabel.mat) with a mask of the pixels as TIFF",
        "spectra": "a table (pixels, bands) and an array of as many labels in .mat or .npy, under any names; train, "
        "val and test in them are the splits: X_train.npy, y_train.npy",
        "unmixing": "a .mat with Y (bands, pixels) and A (materials, pixels), as Samson: classes by dominant material",
        "anomalies": "a .mat with data (rows, columns, bands) and map (rows, columns) of 0 and 1, as the ABU scenes",
    }
    demo_options = {"bands": 24}  # noqa: RUF012
    task: Classification

    @classmethod
    def find(cls, root: Path, split: str, *, options: HyperspectralDatasetOptions | None = None) -> Listing | None:
        """The labelled pixels under a folder, or in a file, in one of `layouts`."""
        options = options or HyperspectralDatasetOptions()
        if root.is_file() and root.suffix.lower() not in SUFFIXES:
            raise DatasetError(f"{root} is not a scene", fix=f"give a folder, or a file of {' '.join(SUFFIXES)}")
        fixed = find_pixel_table(root, split, options)
        return fixed or find_scene(root, split, options) or find_spectra_table(root, split, options)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Pixels of one scene made for this run, written as ENVI with its ground truth beside it and read back."""
        return cls.of(
            demo_pixels(split, size, seed), None, source="a scene made for this run, written as ENVI (synthetic)"
        )

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

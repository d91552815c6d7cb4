"""Labelled pixels: public scenes in the layouts they come in, and a scene made up for a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field

from mt_core.contract import Classification, Options
from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing
from mt_plugin_hyperspectral.demo import demo_pixels
from mt_plugin_hyperspectral.division import Division
from mt_plugin_hyperspectral.examples import write_examples
from mt_plugin_hyperspectral.layouts import ScenePixels, find_pixel_table, find_scene
from mt_plugin_hyperspectral.layouts.scene import UNLABELLED
from mt_plugin_hyperspectral.reading import SUFFIXES


class HyperspectralDatasetOptions(Options):
    """Which scene, and which of its pixels are tested."""

    scene: str = Field(default="", description="Of several scenes in a folder, the name of one.")
    train_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description='Part of each class that is "train", drawn at random; the others are "test".',
    )
    folds: int = Field(default=0, ge=0, description="In place of `train_fraction`: equal parts; 0: none.")
    fold: int = Field(default=0, ge=0, description='Which of the folds is "test", counted from 0.')
    seed: int = Field(default=0, ge=0, description="Of the random division.")


class HyperspectralDataset(ListedDataset):
    """Pixels and what they show."""

    Options = HyperspectralDatasetOptions
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "ground truth": "a cube and its labels (rows, columns), 0 unlabelled: Indian_pines_corrected.mat and "
        "Indian_pines_gt.mat, PaviaU.mat and PaviaU_gt.mat, also ENVI, .tif, .npy; or both arrays in one .mat",
        "pixel table": "Train_X.mat and TrLabel.mat (Test_X.mat, TeLabel.mat) with a mask of the pixels as TIFF",
        "unmixing": "a .mat with Y (bands, pixels) and A (materials, pixels), as Samson: classes by dominant material",
        "anomalies": "a .mat with data (rows, columns, bands) and map (rows, columns) of 0 and 1, as the ABU scenes",
    }
    demo_options = {"group": 24}  # noqa: RUF012
    task: Classification

    @classmethod
    def find(cls, root: Path, split: str, *, options: HyperspectralDatasetOptions | None = None) -> Listing | None:
        """The labelled pixels under a folder, or in a file, in one of `layouts`."""
        options = options or HyperspectralDatasetOptions()
        division = Division(options.train_fraction, options.folds, options.fold, options.seed)
        if root.is_file() and root.suffix.lower() not in SUFFIXES:
            raise DatasetError(f"{root} is no scene", fix=f"give a folder, or a file of {' '.join(SUFFIXES)}")
        if root.is_dir() and (table := find_pixel_table(root, split, division)) is not None:
            return table
        found = find_scene(root, options.scene)
        if found is None:
            return None
        places = np.flatnonzero(found.indices.ravel() != UNLABELLED)
        indices = found.indices.ravel()[places]
        chosen = division.chosen(indices.tolist(), split, root)
        pixels = ScenePixels(found.path, found.indices.shape[1], places[chosen])
        return Listing(pixels, [found.classes[index] for index in indices[chosen]], found.classes, found.layout)

    @classmethod
    def demo(cls, split: str = "train", *, size: int = 256, seed: int = 0) -> Self:
        """Pixels of one scene made for this run, written as ENVI with its ground truth beside it and read back."""
        return cls.of(
            demo_pixels(split, size, seed), None, source="a scene made for this run, written as ENVI (synthetic)"
        )

    @classmethod
    def example_files(cls, folder: Path) -> list[Path]:
        return write_examples(folder)

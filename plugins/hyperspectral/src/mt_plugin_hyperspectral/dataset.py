"""Labelled pixels: public scenes in the layouts they come in, and a scene made up for a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from mt_core.contract import Classification
from mt_core.errors import DatasetError
from mt_core.sdk import ListedDataset, Listing
from mt_plugin_hyperspectral.demo import demo_pixels
from mt_plugin_hyperspectral.division import Division
from mt_plugin_hyperspectral.examples import write_examples
from mt_plugin_hyperspectral.layouts import ScenePixels, find_pixel_table, find_scene
from mt_plugin_hyperspectral.layouts.scene import UNLABELLED
from mt_plugin_hyperspectral.reading import SUFFIXES


class HyperspectralDataset(ListedDataset):
    """Pixels and what they show."""

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
    def find(
        cls,
        root: Path,
        split: str,
        *,
        scene: str = "",
        train_fraction: float = 0.1,
        folds: int = 0,
        fold: int = 0,
        seed: int = 0,
    ) -> Listing | None:
        """The labelled pixels under a folder, or in a file, in one of `layouts`.

        Args:
            scene: Of several scenes in a folder, the name of one.
            train_fraction: Part of each class that is "train", drawn at random; the others are "test".
            folds, fold: In place of `train_fraction`: equal parts, and which of them is "test".
            seed: Of the random division.
        """
        division = Division(train_fraction, folds, fold, seed)
        if root.is_file() and root.suffix.lower() not in SUFFIXES:
            raise DatasetError(f"{root} is no scene", fix=f"give a folder, or a file of {' '.join(SUFFIXES)}")
        if root.is_dir() and (table := find_pixel_table(root, split, division)) is not None:
            return table
        found = find_scene(root, scene)
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

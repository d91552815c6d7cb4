"""Labelled pictures: where they lie and what they show. Files are listed here and read by the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

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
from mt_plugin_image.demo import digits, shapes, write_examples
from mt_plugin_image.layouts import find_idx
from mt_plugin_image.reading import SUFFIXES


class ImageDataset(ListedDataset):
    """Pictures and the classes that they, each of their pixels, or the objects in them belong to."""

    Options = MaskOptions
    kinds = ("classification", "segmentation", "detection")
    layouts = {  # noqa: RUF012 - declared ClassVar by the contract
        "idx": "train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], t10k-* for test, as MNIST ships",
        **FILE_LAYOUTS,
        **MASK_LAYOUTS,
        **BOX_LAYOUTS,
    }
    demo_options = {"size": 32, "patch": 8, "stem": "conv", "flip": False}  # noqa: RUF012 - digits of 8 x 8 pixels

    @classmethod
    def find(cls, root: Path, split: str, *, options: MaskOptions | None = None) -> Listing | None:
        """The pictures under a folder, or in a table, in one of `layouts`; the classes are those of all splits, sorted
        (as numbers, where all are)."""
        options = options or MaskOptions()
        idx = find_idx(root, split) if options.label is None and options.labels in (None, "pictures") else None
        return (
            idx
            or find_masks(root, split, SUFFIXES, options)
            or find_boxes(root, split, SUFFIXES, options)
            or list_files(root, split, SUFFIXES, options)
        )

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

"""What the plugins share in finding and reading files: splits, folders per class, tables of paths, bounded archives."""

from mt_core.sdk.archives import names_in_npz, read_npz
from mt_core.sdk.folders import files_below, list_folders
from mt_core.sdk.folds import folds_of
from mt_core.sdk.listing import ListedDataset, Listing, in_order
from mt_core.sdk.pictures import (
    MAX_PIXELS,
    array_values,
    luminance,
    open_picture,
    picture_values,
    reduced,
    robust_range,
    too_large,
    upright,
)
from mt_core.sdk.splits import chosen_splits, split_called
from mt_core.sdk.suffixes import declared_suffixes
from mt_core.sdk.tables import find_tables, list_tables
from mt_core.sdk.temporary import temporary_folder
from mt_core.sdk.text import text_of
from mt_core.sdk.uea import UeaFile, list_uea, read_uea

__all__ = [
    "MAX_PIXELS",
    "ListedDataset",
    "Listing",
    "UeaFile",
    "array_values",
    "chosen_splits",
    "declared_suffixes",
    "files_below",
    "find_tables",
    "folds_of",
    "in_order",
    "list_folders",
    "list_tables",
    "list_uea",
    "luminance",
    "names_in_npz",
    "open_picture",
    "picture_values",
    "read_npz",
    "read_uea",
    "reduced",
    "robust_range",
    "split_called",
    "temporary_folder",
    "text_of",
    "too_large",
    "upright",
]

"""What the plugins share in finding and reading files: splits, folders per class, tables of paths, bounded archives."""

from mt_core.sdk.archives import names_in_npz, read_npz
from mt_core.sdk.content import first_bytes, is_tiff
from mt_core.sdk.files import FILE_LAYOUTS, list_files
from mt_core.sdk.folders import files_below, list_folders
from mt_core.sdk.folds import folds_of
from mt_core.sdk.listing import ListedDataset, Listing, in_order, require_files
from mt_core.sdk.pictures import (
    MAX_PIXELS,
    array_values,
    luminance,
    open_picture,
    picture_values,
    pixel_array,
    reduced,
    robust_range,
    too_large,
    upright,
)
from mt_core.sdk.quiet import quiet, silent_stderr
from mt_core.sdk.splits import chosen_splits, split_called
from mt_core.sdk.suffixes import declared_suffixes
from mt_core.sdk.tables import find_tables, list_tables
from mt_core.sdk.temporary import demo_files, temporary_folder
from mt_core.sdk.text import text_of
from mt_core.sdk.tiff import open_tiff
from mt_core.sdk.uea import UeaFile, list_uea, read_uea

__all__ = [
    "FILE_LAYOUTS",
    "MAX_PIXELS",
    "ListedDataset",
    "Listing",
    "UeaFile",
    "array_values",
    "chosen_splits",
    "declared_suffixes",
    "demo_files",
    "files_below",
    "find_tables",
    "first_bytes",
    "folds_of",
    "in_order",
    "is_tiff",
    "list_files",
    "list_folders",
    "list_tables",
    "list_uea",
    "luminance",
    "names_in_npz",
    "open_picture",
    "open_tiff",
    "picture_values",
    "pixel_array",
    "quiet",
    "read_npz",
    "read_uea",
    "reduced",
    "require_files",
    "robust_range",
    "silent_stderr",
    "split_called",
    "temporary_folder",
    "text_of",
    "too_large",
    "upright",
]

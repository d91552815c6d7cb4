"""What plugins build on, under the same promise as the contract: reading files, finding data sets, and `sdk.blocks`.

One sample's file
    `open_binary`, `first_bytes`, `is_tiff`, `stranger`: what it is, whatever its name says
    `text_chunks`, `text_lines`: bytes to text, in whatever encoding, packed or not
    `Delimited`: the rows of CSV and its relatives; its `numbers` are all rows at once, as an array
    `read_heading`, `Heading`: what stands above the rows: lines of text, names, units, start time and rate
    `find_clock`, `Clock`, `times_of_parts`, `times_of_texts`, `times_of_dates`, `ClockCells`, `seconds_since_1970`:
    when a row was recorded; `is_row_number`, `plain_name`: columns that only count
    `rows_per_stamp`, `spread_stamps`, `without_daylight_saving`: clocks that are coarse, or change
    `NumberFormat`, `number_format`: how a column writes its numbers; `NumberColumn`, `number_column`, `number_columns`,
    `format_notes`: what does not fit, and what to tell
    `is_number`, `is_missing_number`, `is_infinite`, `is_header`, `MISSING_MARKS`: what a cell says
    `DateFormat`, `date_format`: when a cell says it was; `canonical_label`,
    `similar_labels`: which class
    `read_npy`, `read_npz`, `names_in_npz`: NumPy's files and archives, bounded; `as_array`: what is in memory
    `UeaFile`, `read_uea`, `is_uea`: .ts, .arff and Name_TRAIN.tsv
    `read_tiff`, `TiffPicture`, `without_missing`: the picture of a TIFF file, with its thumbnails and marks
    `open_picture`, `open_tiff`, `picture_to_array`, `as_standard_pixels`, `as_pixels`, `shrink`, `luminance`,
    `robust_range`, `too_large_error`, `MAX_PIXELS`: pictures
    `Moments`: mean and deviation of many samples, and `readable`: those that can be read, for `calibrate`
    `left_out`, `reinterpreted`, `some_of`: warnings about data that were not read as they stand
    `quiet`, `silent_stderr`: libraries that talk while they read

A data set's folder
    `ListedDataset`, `Listing`, `sorted_names`: a dataset that is a list of samples and their targets; `FileOptions`,
    `LabelOptions`, `GroupOptions`: what its users may choose of labels, groups and folds; `several_folds`,
    `known_fold`: its validators; `tested_samples`: which part is tested
    `find_masks`, `MASK_LAYOUTS`, `MaskOptions`, `Mask`, `write_masks`, `mask_from`: pictures and the
    masks that say the class of each pixel
    `find_boxes`, `BOX_LAYOUTS`, `write_boxes`, `coco_results`: pictures and the boxes of their objects
    `StepsDataset`, `list_steps`, `LabelledSteps`, `StepOptions`, `files_by_split`, `parts_in_time`, `Interval`,
    `check_intervals`, `classes_at`, `find_events`: recordings whose steps have classes; `StepWindow`, `StepPart`,
    `step_windows`, `when`, `StepClock`: their windows
    `list_files`, `list_folders`, `list_tables`, `list_uea`: what its layouts find; `FILE_LAYOUTS`, `find_tables`,
    `files_below`, `require_files`
    `split_from_name`, `check_split`, `select_splits`, `assign_folds`: its parts
    `read_text`, `dict_rows`, `as_dataset_error`: lists and tables that lie beside the samples
    `declared_suffixes`: which files are the plugin's, as its plugin.toml states
    `demo_files`, `temporary_folder`: what a demonstration writes

`mt_core.sdk.blocks` has what tokenizers are built of.
"""

from mt_core.sdk.archives import names_in_npz, read_npy, read_npz
from mt_core.sdk.arrays import as_array
from mt_core.sdk.below import files_below
from mt_core.sdk.boxes.finding import BOX_LAYOUTS, find_boxes
from mt_core.sdk.boxes.written import coco_results, write_boxes
from mt_core.sdk.clocks import (
    Clock,
    ClockCells,
    find_clock,
    is_row_number,
    plain_name,
    times_of_dates,
    times_of_parts,
    times_of_texts,
)
from mt_core.sdk.content import first_bytes, is_tiff, open_binary
from mt_core.sdk.dates import DateFormat, date_format
from mt_core.sdk.delimited import Delimited
from mt_core.sdk.encoding import text_chunks, text_lines
from mt_core.sdk.file_options import FileOptions, GroupOptions, LabelOptions, known_fold, several_folds
from mt_core.sdk.files import FILE_LAYOUTS, list_files
from mt_core.sdk.folders import list_folders
from mt_core.sdk.folds import assign_folds
from mt_core.sdk.groups import tested_samples
from mt_core.sdk.heading import Heading, read_heading
from mt_core.sdk.labels import canonical_label, similar_labels
from mt_core.sdk.listed_dataset import ListedDataset
from mt_core.sdk.listing import Listing, require_files, sorted_names
from mt_core.sdk.masks.files import Mask
from mt_core.sdk.masks.finding import MASK_LAYOUTS, MaskOptions, find_masks
from mt_core.sdk.masks.written import mask_from, write_masks
from mt_core.sdk.moments import Moments
from mt_core.sdk.notices import left_out, reinterpreted, some_of
from mt_core.sdk.number_columns import NumberColumn, format_notes, number_column, number_columns, number_format
from mt_core.sdk.numbers import MISSING_MARKS, NumberFormat, is_header, is_infinite, is_missing_number, is_number
from mt_core.sdk.pictures import (
    MAX_PIXELS,
    as_pixels,
    as_standard_pixels,
    luminance,
    open_picture,
    picture_to_array,
    robust_range,
    shrink,
    too_large_error,
)
from mt_core.sdk.quiet import quiet, silent_stderr
from mt_core.sdk.readable import readable
from mt_core.sdk.splits import check_split, select_splits, split_from_name
from mt_core.sdk.stamps import rows_per_stamp, spread_stamps, without_daylight_saving
from mt_core.sdk.start_rows import seconds_since_1970
from mt_core.sdk.statistics import axis_statistics
from mt_core.sdk.steps.dataset import StepsDataset
from mt_core.sdk.steps.events import find_events
from mt_core.sdk.steps.intervals import Interval, check_intervals, classes_at
from mt_core.sdk.steps.listing import LabelledSteps, list_steps
from mt_core.sdk.steps.options import StepOptions
from mt_core.sdk.steps.parts import files_by_split, parts_in_time
from mt_core.sdk.steps.segments import StepClock, when
from mt_core.sdk.steps.windows import StepPart, StepWindow, step_windows
from mt_core.sdk.strangers import stranger
from mt_core.sdk.suffixes import declared_suffixes
from mt_core.sdk.table_files import find_tables
from mt_core.sdk.tables import list_tables
from mt_core.sdk.temporary import demo_files, temporary_folder
from mt_core.sdk.text import as_dataset_error, column_names, dict_rows, read_text
from mt_core.sdk.tiff import open_tiff
from mt_core.sdk.tiff_scale import scale_in
from mt_core.sdk.tiff_values import TiffPicture, read_tiff, without_missing
from mt_core.sdk.uea import UeaFile, is_uea, list_uea, read_uea

__all__ = [
    "BOX_LAYOUTS",
    "FILE_LAYOUTS",
    "MASK_LAYOUTS",
    "MAX_PIXELS",
    "MISSING_MARKS",
    "Clock",
    "ClockCells",
    "DateFormat",
    "Delimited",
    "FileOptions",
    "GroupOptions",
    "Heading",
    "Interval",
    "LabelOptions",
    "LabelledSteps",
    "ListedDataset",
    "Listing",
    "Mask",
    "MaskOptions",
    "Moments",
    "NumberColumn",
    "NumberFormat",
    "StepClock",
    "StepOptions",
    "StepPart",
    "StepWindow",
    "StepsDataset",
    "TiffPicture",
    "UeaFile",
    "as_array",
    "as_dataset_error",
    "as_pixels",
    "as_standard_pixels",
    "assign_folds",
    "axis_statistics",
    "canonical_label",
    "check_intervals",
    "check_split",
    "classes_at",
    "coco_results",
    "column_names",
    "date_format",
    "declared_suffixes",
    "demo_files",
    "dict_rows",
    "files_below",
    "files_by_split",
    "find_boxes",
    "find_clock",
    "find_events",
    "find_masks",
    "find_tables",
    "first_bytes",
    "format_notes",
    "is_header",
    "is_infinite",
    "is_missing_number",
    "is_number",
    "is_row_number",
    "is_tiff",
    "is_uea",
    "known_fold",
    "left_out",
    "list_files",
    "list_folders",
    "list_steps",
    "list_tables",
    "list_uea",
    "luminance",
    "mask_from",
    "names_in_npz",
    "number_column",
    "number_columns",
    "number_format",
    "open_binary",
    "open_picture",
    "open_tiff",
    "parts_in_time",
    "picture_to_array",
    "plain_name",
    "quiet",
    "read_heading",
    "read_npy",
    "read_npz",
    "read_text",
    "read_tiff",
    "read_uea",
    "readable",
    "reinterpreted",
    "require_files",
    "robust_range",
    "rows_per_stamp",
    "scale_in",
    "seconds_since_1970",
    "select_splits",
    "several_folds",
    "shrink",
    "silent_stderr",
    "similar_labels",
    "some_of",
    "sorted_names",
    "split_from_name",
    "spread_stamps",
    "step_windows",
    "stranger",
    "temporary_folder",
    "tested_samples",
    "text_chunks",
    "text_lines",
    "times_of_dates",
    "times_of_parts",
    "times_of_texts",
    "too_large_error",
    "when",
    "without_daylight_saving",
    "without_missing",
    "write_boxes",
    "write_masks",
]

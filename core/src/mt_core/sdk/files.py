"""Data sets of which each sample is a file: a table of paths, a folder per class, or labels in the files' names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mt_core.errors import DatasetError, OptionError
from mt_core.sdk.below import files_below
from mt_core.sdk.file_options import LabelOptions
from mt_core.sdk.folders import folders_in, list_folders
from mt_core.sdk.labels import canonical_label, labels_as_written
from mt_core.sdk.listing import Listing, sorted_names
from mt_core.sdk.name_patterns import is_folder_level, is_pattern, values_in_paths
from mt_core.sdk.notices import left_out
from mt_core.sdk.splits import select_splits, split_from_name
from mt_core.sdk.table_files import TABLE_SUFFIXES, find_tables
from mt_core.sdk.tables import list_tables
from mt_core.sdk.unread_lists import tell_table_above

FILE_LAYOUTS = {
    "table": "a CSV, TSV or JSONL of path,label[,split], or a folder with labels.csv, splits.csv, metadata.csv or "
    "annotations.csv, or with train.csv, val.csv, test.csv; without a column of labels they are the folders' names",
    "names": "files whose names say the label: -D label='(?P<speaker>..)_(?P<label>.)', splits as in split folders",
    "split folders": "train/, val/ and test/ (or valid, validation, dev) with a folder per class, or class/train/ …",
    "folders": "a folder per class; everything is 'train'",
}
"""The layouts of `list_files`, for a dataset's `layouts`."""


def list_files(root: Path, split: str, suffixes: Sequence[str], options: LabelOptions | None = None) -> Listing | None:
    """The files that a table names (`list_tables`), whose names say their labels (`list_names`), or those in a folder
    per class (`list_folders`); None for a folder with none of it.

    Args:
        root: A folder, or a table.
        suffixes: Lower-case endings of the files that count in folders.
        options: Where labels and groups come from; None: found.

    Raises:
        DatasetError: a file that is not a table, or a damaged table.
        MissingSplitError: no such split.
        OptionError: labels or groups that the data do not have.
    """
    options = options or LabelOptions()
    if root.is_file():
        if root.suffix.lower() not in TABLE_SUFFIXES:
            raise DatasetError(
                f"{root} is a file, and not a table", fix="give the folder of the data, or a .csv of path,label"
            )
        return list_tables({"": root}, split, root, suffixes, options)
    if options.label is not None and (is_pattern(options.label) or is_folder_level(options.label)):
        return list_names(root, split, suffixes, options.label)
    if tables := find_tables(root, suffixes):
        return list_tables(tables, split, root, suffixes, options)
    if options.label is not None:
        raise OptionError(
            f"label={options.label} is neither a pattern nor a column: {root} has no table",
            fix="give a pattern such as (?P<label>[a-z]+)_.*, or leave label out",
        )
    tell_table_above(root, suffixes)
    return list_folders(root, split, suffixes)


def list_names(root: Path, split: str, suffixes: Sequence[str], label: str) -> Listing | None:
    """All files below a folder, with labels by a pattern for their names or by a level of folders; None where there is
    no file. Folders train/, val/ and test/ are the splits.

    Args:
        label: See `LabelOptions`.

    Warns:
        DataWarning: files whose names do not fit.

    Raises:
        OptionError: a pattern that cannot be used, or that fits no file.
        MissingSplitError: no such split.
    """
    files: dict[str, list[str]] = {}
    splits = [(name, folder) for folder in folders_in(root) if (name := split_from_name(folder.name))]
    for name, folder in splits:
        files.setdefault(name, []).extend(files_below(folder, suffixes))
    files = {name: some for name, some in files.items() if some} or {"": list(files_below(root, suffixes))}
    if not any(files.values()):
        return None
    labelled: dict[str, list[tuple[str, str]]] = {}
    strange: list[str] = []
    for name, paths in files.items():
        found = zip(paths, values_in_paths(paths, root, label, "label"), strict=True)
        labelled[name] = []
        for path, value in found:
            if value is None or canonical_label(value) is None:
                strange.append(path)
            else:
                labelled[name].append((path, value))
    label_of = labels_as_written(value for some in labelled.values() for _, value in some)
    labelled = {name: [(path, label_of[value]) for path, value in some] for name, some in labelled.items()}
    if not any(labelled.values()):
        raise OptionError(
            f"label={label!r} fits none of {len(strange):,} files in {root}: {', '.join(map(_name, strange[:3]))}",
            fix="the pattern has to fit a name from its beginning; with a / in it, a part of the path below the folder",
        )
    if strange:
        told = ", ".join(map(_name, strange[:3])) + (" …" if len(strange) > 3 else "")
        left_out(str(root), f"{len(strange):,} files whose names do not fit the pattern of labels: {told}")
    chosen = [
        each for name in select_splits(split, [name for name in labelled if name], root) or [""]
        for each in labelled[name]
    ]  # fmt: skip
    classes = sorted_names(named for some in labelled.values() for _, named in some)
    return Listing(
        [path for path, _ in chosen], [named for _, named in chosen], classes, "names", labels_from=f"label={label}"
    )


def _name(path: str) -> str:
    return Path(path).name

"""A table of path and label, in one file or in one a split."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mt_core.errors import DatasetError, OptionError
from mt_core.sdk.file_options import LabelOptions
from mt_core.sdk.folders import tell_unlearned
from mt_core.sdk.labels import canonical_label, similar_labels
from mt_core.sdk.listing import Listing, sorted_names
from mt_core.sdk.located_files import LocatedFiles
from mt_core.sdk.name_patterns import is_folder_level, is_pattern, values_in_paths
from mt_core.sdk.notices import left_out, reinterpreted
from mt_core.sdk.numbers import is_number
from mt_core.sdk.same_file import content_identity, file_identity
from mt_core.sdk.splits import select_splits, split_from_name
from mt_core.sdk.table_files import LABEL_NAMES, PATH_NAMES, SPLIT_NAMES, Rows, read_rows

_NO_LABELS = frozenset(("nan", "na", "n/a", "null", "?", "<na>"))
_COUNTERS = ("", "unnamed: 0", "index", "idx", "row", "number", "no", "nr")


@dataclass(frozen=True)
class _Row:
    path: str
    label: str | None
    split: str | None
    group: str | None
    line: int


def list_tables(
    tables: dict[str, Path],
    split: str,
    root: Path,
    suffixes: Sequence[str] = (),
    options: LabelOptions | None = None,
) -> Listing:
    """The rows of one split, in the order of the table.

    Without a column of labels, they are the names of the folders below the table's that the files lie in.

    Args:
        tables: By split; "" for one table of all, which may have a split column of its own.
        suffixes: Endings of the files that may be meant by paths which are not quite right; none: any.
        options: Where labels and groups come from; None: found.

    Warns:
        DataWarning: paths that are not quite right, rows that repeat others, rows without a label, files in several
            splits, labels that differ little.

    Raises:
        DatasetError: no table of paths, a damaged one, files that do not exist, or one file with two labels.
        MissingSplitError: the tables name splits, and not this one.
        OptionError: a column of labels that there is not.
    """
    options = options or LabelOptions()
    folder = root if root.is_dir() else root.parent
    labels_from: list[str] = []
    rows: dict[str, list[_Row]] = {}
    has_groups = False
    for name, path in tables.items():
        some, said, has_groups = _rows(path, name or None, folder, suffixes, options)
        labels_from.append(said)
        rows[name] = some
    if "" in rows:
        whole = rows.pop("")
        for part in {row.split for row in whole if row.split}:
            rows[part] = [row for row in whole if row.split == part]
        if not rows:
            rows[""] = whole
    _check_labels(rows, root)
    _refuse_quantities([row.label for some in rows.values() for row in some if row.label is not None], root)
    rows = {name: _each_once(some, root) for name, some in rows.items()}
    _tell(rows, root)
    _tell_other_folders([row for some in rows.values() for row in some], folder)
    splits = select_splits(split, [name for name in rows if name], root) or [""]
    listed = [row for name in splits for row in rows[name]]
    classes = sorted_names(row.label for some in rows.values() for row in some if row.label is not None)
    return Listing(
        [row.path for row in listed],
        [row.label for row in listed],
        classes,
        "table",
        labels_from=labels_from[0],
        groups=[row.group for row in listed] if has_groups else None,
    )


def _rows(
    path: Path, split: str | None, folder: Path, suffixes: Sequence[str], options: LabelOptions
) -> tuple[list[_Row], str, bool]:
    """The rows, what their labels were taken from, and whether they have groups."""
    endings = tuple(suffixes)
    table = read_rows(path, lambda cell: bool(endings) and cell.strip().lower().endswith(endings))
    located = LocatedFiles(path, folder if folder in path.parents or folder == path.parent else path.parent, suffixes)
    at_path = _path_column(table, endings)
    at_split = _split_column(table, at_path, options)
    at_group = None if options.group is None else table.column([options.group])
    found: list[_Row] = []
    for cells, line in zip(table.cells, table.lines, strict=True):
        own = split if at_split is None else _split(cells[at_split], path, line)
        file = located.find(cells[at_path], own)
        group = None if at_group is None else canonical_label(cells[at_group])
        found.append(_Row(file or cells[at_path], None, own, group, line))
    located.finish(fix=f"paths are relative to the table; its header names them {' or '.join(PATH_NAMES[:5])}")
    labels, labels_from = _labels(table, found, {at_path, at_split, at_group}, folder, options)
    found = [replace(row, label=label) for row, label in zip(found, labels, strict=True)]
    return found, labels_from, at_group is not None


def _path_column(table: Rows, endings: tuple[str, ...]) -> int:
    """The column of paths: by its name, else the one whose cells are files or end as files do."""
    first = table.cells[:20]
    width = len(table.names)

    def are_files(at: int) -> bool:
        return bool(first) and all(
            (endings and cells[at].lower().endswith(endings))
            or os.path.exists(os.path.join(table.path.parent, cells[at].replace("\\", "/")) if cells[at] else "")
            for cells in first
        )

    named: list[int] = [at for name in PATH_NAMES if (at := table.column([name])) is not None]
    certain: int | None = next((at for at in [*named, *range(width)] if are_files(at)), None)
    if certain is not None:
        return certain
    if named:
        return named[0]
    if width == 2 and table.names[0] == "column 1":
        return 0
    raise DatasetError(
        f"{table.path} has {width} columns and none called {' or '.join(PATH_NAMES[:9])}: {', '.join(table.names[:9])}",
        fix="name the column of paths in a header, or write two columns: path,label",
    )


def _split_column(table: Rows, at_path: int, options: LabelOptions) -> int | None:
    """The column of splits: by its name, else the only one, of no name that labels have, whose cells all name one."""
    named = table.column(SPLIT_NAMES)
    if named is not None:
        return named
    taken = {name.lower() for name in (*LABEL_NAMES, options.label, options.group) if name is not None}
    found = [
        at
        for at, name in enumerate(table.names)
        if at != at_path and name.lower() not in taken and all(split_from_name(cells[at]) for cells in table.cells)
    ]
    return found[0] if len(found) == 1 and table.cells else None


def _labels(
    table: Rows, rows: Sequence[_Row], used: Iterable[int | None], folder: Path, options: LabelOptions
) -> tuple[list[str | None], str]:
    """The labels of the rows, and what they were taken from."""
    paths = [row.path for row in rows]
    if options.label is not None and table.column([options.label]) is None:
        if is_pattern(options.label) or is_folder_level(options.label):
            return list(map(canonical_label, values_in_paths(paths, folder, options.label, "label"))), options.label
        raise OptionError(
            f"{table.path} has no column {options.label!r}", fix=f"its columns are {', '.join(table.names[:20])}"
        )
    at = table.column([options.label] if options.label is not None else LABEL_NAMES)
    others = [
        other for other, name in enumerate(table.names) if other not in set(used) and name.lower() not in _COUNTERS
    ]
    if at is None and len(others) == 1:
        at = others[0]
    if at is None and (names := _one_hot(table, others)) is not None:
        reinterpreted(str(table.path), "columns of 0 and 1, one 1 in each row, as the classes")
        return list(names), f"the columns of 0 and 1 of {table.path.name}"
    if at is not None:
        cells = [row[at] for row in table.cells]
        labels = [None if cell.lower() in _NO_LABELS else canonical_label(cell) for cell in cells]
        return labels, f"the column {table.names[at]!r} of {table.path.name}"
    by_folder = _folder_labels(paths, folder)
    if others and not any(by_folder):
        raise DatasetError(
            f"{table.path} has no column called {' or '.join(LABEL_NAMES[:6])}",
            fix=f"name it by the data option label, for instance label={table.names[others[0]]}; "
            f"the columns are {', '.join(table.names[:20])}",
        )
    return by_folder, "the names of the folders that the files lie in"


def _one_hot(table: Rows, columns: Sequence[int]) -> list[str] | None:
    """Of each row the name of its one column that is 1; None where they are no such columns."""
    names: list[str] = []
    for cells in table.cells:
        ones = [at for at in columns if canonical_label(cells[at]) == "1"]
        if len(columns) < 2 or len(ones) != 1 or any(canonical_label(cells[at]) not in ("0", "1") for at in columns):
            return None
        names.append(table.names[ones[0]])
    return names or None


def _folder_labels(paths: Sequence[str], folder: Path) -> list[str | None]:
    """The first folder of each path that tells them apart: those of splits, and those that all have, say nothing."""
    dirs = [
        [part for part in Path(os.path.relpath(path, folder)).parts[:-1] if split_from_name(part) is None]
        for path in paths
    ]
    while dirs and all(dirs) and len({parts[0] for parts in dirs}) == 1 and any(len(parts) > 1 for parts in dirs):
        dirs = [parts[1:] for parts in dirs]
    if len({parts[0] for parts in dirs if parts}) < 2:
        return [None] * len(paths)
    return [canonical_label(parts[0]) if parts else None for parts in dirs]


def _check_labels(rows: dict[str, list[_Row]], root: Path) -> None:
    """Refuse a file that has two labels."""
    label_of: dict[str, _Row] = {}
    for row in (row for some in rows.values() for row in some):
        other = label_of.setdefault(file_identity(row.path), row)
        if other.label != row.label:
            raise DatasetError(
                f"{root}: {row.path} is {other.label!r} in line {other.line} and {row.label!r} in line {row.line}",
                fix="leave one label for each file; several for one are not read from such a table",
            )


def _refuse_quantities(labels: Sequence[str], root: Path) -> None:
    """Refuse numbers with fractions of which hardly two are equal: an age, a weight."""
    distinct = dict.fromkeys(labels)
    if len(labels) < 2 * len(distinct) > 4 and all(map(is_number, distinct)):
        if any(not float(label).is_integer() for label in distinct if _is_plain(label)):
            raise DatasetError(
                f"{root}: the labels are quantities, such as {', '.join(list(distinct)[:3])}, and no classes",
                fix="name a column of classes by the data option label; a quantity is learned in Python, from paths "
                "and numbers: mt.fit(model, paths, numbers)",
            )


def _is_plain(number: str) -> bool:
    return number.lstrip("+-").replace(".", "", 1).isdecimal()


def _tell_other_folders(rows: Sequence[_Row], folder: Path) -> None:
    """Tell files that lie in a folder called after another class than the table says."""
    classes = {row.label for row in rows if row.label is not None and not row.label.isdecimal()}
    count = 0
    for row in rows:
        above = set(map(canonical_label, Path(os.path.relpath(row.path, folder)).parts[:-1])) & classes
        count += row.label is not None and bool(above) and row.label not in above
    if count:
        reinterpreted(str(folder), f"{count:,} files that lie in the folder of another class, as the table says")


def _each_once(rows: list[_Row], root: Path) -> list[_Row]:
    once = list({file_identity(row.path): row for row in reversed(rows)}.values())[::-1]
    if len(once) < len(rows):
        left_out(str(root), f"{len(rows) - len(once):,} of {len(rows):,} rows, which repeat others")
    return once


def _tell(rows: dict[str, list[_Row]], root: Path) -> None:
    """Tell of rows without a label, files in several splits, and labels that differ little."""
    everything = [row for some in rows.values() for row in some]
    lacking = sum(row.label is None for row in everything)
    if 0 < lacking < len(everything):
        left_out(str(root), f"the labels of {lacking:,} of {len(everything):,} rows, which have none")
    if shared := len(everything) - len({file_identity(row.path) for row in everything}):
        reinterpreted(str(root), f"{shared:,} files that are in several splits, as parts of each")
    elif shared := len(everything) - len({content_identity(row.path) for row in everything}):
        reinterpreted(str(root), f"{shared:,} links to a file that other rows name too, as files of their own")
    if similar := similar_labels(dict.fromkeys(row.label for row in everything if row.label is not None)):
        reinterpreted(str(root), f"{similar} as two classes")
    tell_unlearned({name: {row.label for row in some if row.label is not None} for name, some in rows.items()}, root)


def _split(cell: str, path: Path, line: int) -> str:
    split = split_from_name(cell)
    if split is None:
        raise DatasetError(f"{path}, line {line}: {cell!r} is not a split", fix="call the splits train, val and test")
    return split

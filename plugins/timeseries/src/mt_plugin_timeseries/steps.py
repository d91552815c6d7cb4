"""Series whose steps have classes, which a column of the table says.  T steps, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import MISSING_CLASS, Segmentation, reading
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import (
    LabelledSteps,
    Listing,
    canonical_label,
    files_by_split,
    list_steps,
    plain_name,
    sorted_names,
)
from mt_plugin_timeseries.layouts import find_table, split_points, tables_in
from mt_plugin_timeseries.options import TimeSeriesDatasetOptions
from mt_plugin_timeseries.reading import FORMATS, read_frame
from mt_plugin_timeseries.series import Series
from mt_plugin_timeseries.tables import resolved, series_from_table, series_of_groups
from mt_plugin_timeseries.windows import filled, part_of, window_of

LABEL_NAMES = (
    "label", "labels", "class", "state", "activity", "anomaly", "is anomaly", "event", "target", "annotation",
)  # fmt: skip
"""What a column of classes is called, where nobody says it."""

_MOST_CLASSES = 256
_CLASS = "class of the step: "  # what the columns are called that stand for the one of labels while rows are ordered

_Labelled = tuple[str, Series, list[str | None]]
"""The name of a series, its values, and the label of each step."""


def find_steps(root: Path, split: str, options: TimeSeriesDatasetOptions) -> Listing | None:
    """Windows of the series of one table or several, with the class of each step.

    One table is divided in time, 70 / 10 / 20 %, unless its column `group` tells several series apart. Of several
    tables, which may lie in train/, val/ and test/, each is a series, which is never divided.

    Raises:
        DatasetError: series of different channels, or labels that are no classes.
        OptionError: no such column.
    """
    named = root.is_file() or options.file is not None
    tables = [("", find_table(root, options.file))] if named else files_by_split(root, tables_in)
    recordings: list[LabelledSteps] = []
    first = tables[0] if len(tables) == 1 else None
    if first is not None and first[1] is not None and not first[0] and options.group in (None, "file"):
        path = first[1]
        name, whole, labels = labelled_series(path, options)[0]
        parts, classes = split_points(path, len(whole)), sorted_names(label for label in labels if label is not None)
        ends = {"train": (0, parts.val), "val": (parts.val, parts.test), "test": (parts.test, parts.end)}
        for part, (start, end) in ends.items():
            if start < end:
                cut = part_of(whole, start, end)
                recordings.append(recording_of(name, cut, labels[start:end], classes, options.lookback, part))
        return list_steps(recordings, split, root, layout="steps", task=Segmentation(classes=classes))
    below = root if root.is_dir() else root.parent
    found: list[tuple[str, _Labelled]] = []
    for part, table in tables:
        found += [(part, each) for each in labelled_series(table, options, below)] if table is not None else []
    if not found:
        return None
    check_channels([series for _, (_, series, _) in found])
    classes = sorted_names(label for _, (_, _, labels) in found for label in labels if label is not None)
    for part, (name, series, labels) in found:
        recordings.append(recording_of(name, series, labels, classes, options.lookback, part))
    return list_steps(recordings, split, root, layout="steps", task=Segmentation(classes=classes))


def labelled_series(path: Path, options: TimeSeriesDatasetOptions, root: Path | None = None) -> list[_Labelled]:
    """The series of a table, and the label of each step; None where the cell is empty, where rows of one time have
    different labels, and where a step is not there.

    Args:
        root: What names of tables are counted from; None: their folder.

    Raises:
        OptionError: no column of labels.
        DatasetError: a column of numbers that are no classes.
    """
    with reading(path, formats=FORMATS):
        frame = read_frame(path)
        names = [str(column) for column in frame.columns]
        column = _label_column(names, options.label, str(path))
        cells = [canonical_label(cell) for cell in frame.iloc[:, names.index(column)].tolist()]
        classes = sorted_names(cell for cell in cells if cell is not None and cell != "<NA>")
        if len(classes) > _MOST_CLASSES:
            raise DatasetError(
                f"{path}: the column {column!r} has {len(classes):,} different values, which are no classes",
                fix="name the column with the class of each step: -D label=COLUMN",
            )
        codes_T = np.array([classes.index(cell) if cell in classes else MISSING_CLASS for cell in cells])
        frame = frame.loc[:, [each != column for each in names]]
        added = {
            f"{_CLASS}{name}": np.where(codes_T < 0, np.nan, codes_T == index) for index, name in enumerate(classes)
        }
        frame = frame.assign(**added)
        wanted = (*options.columns, *added) if options.columns else ()
        rows = resolved(options.irregular, "steps")
        if options.group is None or options.group == "file":
            name = (path.relative_to(root) if root is not None else Path(path.name)).as_posix()
            series = series_from_table(frame, str(path), columns=wanted, irregular=rows, text=options.text)
            pairs = [(name, series)]
        else:
            pairs = series_of_groups(
                frame, str(path), options.group, columns=wanted, irregular=rows, text=options.text
            )  # fmt: skip
    return [(name, *_without_classes(series, classes)) for name, series in pairs]


def recording_of(
    name: str, series: Series, labels: Sequence[str | None], classes: Sequence[str], length: int, split: str = ""
) -> LabelledSteps:
    """What `list_steps` takes: missing values are interpolated over the whole series."""
    codes = {label: index for index, label in enumerate(classes)}
    labels_T = np.array([MISSING_CLASS if label is None else codes[label] for label in labels], np.int64)
    return LabelledSteps(name, labels_T, length, partial(window_of, filled(series)), split)


def check_channels(found: Sequence[Series]) -> None:
    """Refuse series of different channels.

    Raises:
        DatasetError: names two of them.
    """
    first = found[0]
    for series in found:
        if series.channels != first.channels:
            raise DatasetError(
                f"{first.name} has the channels {', '.join(first.channels[:10])}, and {series.name} "
                f"{', '.join(series.channels[:10])}",
                fix="name those that all have by the option columns",
            )


def _label_column(names: Sequence[str], wanted: str | None, source: str) -> str:
    if wanted is None:
        plain = [plain_name(name) for name in names]
        found = [names[plain.index(name)] for name in LABEL_NAMES if name in plain]
        if found:
            return found[0]
    elif wanted in names:
        return wanted
    raise OptionError(
        f"{source} has no column {f'label={wanted}' if wanted else 'of labels'}; it has {', '.join(names[:20])}",
        fix="name the column with the class of each step: -D label=COLUMN",
    )


def _without_classes(series: Series, classes: Sequence[str]) -> tuple[Series, list[str | None]]:
    """The series of its channels alone, and the labels that the other columns stand for."""
    num_channels = len(series.channels) - len(classes)
    if num_channels < 1:
        raise DatasetError(f"{series.name} has no channel beside its labels", fix="give a column of values")
    said_TK = series.values[:, num_channels:]
    codes_T: NDArray[np.int64] = np.where((said_TK > 0.5).any(1), np.nan_to_num(said_TK).argmax(1), MISSING_CLASS)
    channels = replace(series, values=series.values[:, :num_channels], channels=series.channels[:num_channels])
    return channels, [None if code == MISSING_CLASS else classes[code] for code in codes_T.tolist()]

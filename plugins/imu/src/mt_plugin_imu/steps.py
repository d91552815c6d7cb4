"""Recordings whose steps have classes, which a column of the table says.  T steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mt_core.contract import MISSING_CLASS, Segmentation, reading
from mt_core.errors import OptionError
from mt_core.sdk import (
    LabelledSteps,
    Listing,
    StepPart,
    StepWindow,
    files_by_split,
    list_steps,
    open_binary,
    parts_in_time,
    sorted_names,
)
from mt_plugin_imu.options import ImuDatasetOptions
from mt_plugin_imu.recording import Recording
from mt_plugin_imu.tables import read_labelled_table

_TABLES = (".csv", ".txt")


def find_steps(root: Path, split: str, options: ImuDatasetOptions) -> Listing | None:
    """Windows of the recordings in one table or several, with the class of each step.

    One table is divided in time, 70 / 10 / 20 %. Of several tables, which may lie in train/, val/ and test/, each is a
    recording, which is never divided.

    Raises:
        OptionError: no column of labels, or groups that are no files.
        InputError: a table that cannot be read.
    """
    if options.group not in (None, "file"):
        raise OptionError(
            f"group={options.group}: with labels=steps recordings are files", fix="give group=file, or leave it out"
        )
    tables = [("", root)] if root.is_file() else files_by_split(root, _tables_in)
    found = [(part, path, *read_labelled(path, options)) for part, path in tables]
    if not found:
        return None
    classes = sorted_names(label for *_, labels in found for label in labels if label is not None)
    task = Segmentation(classes=classes)
    recordings: list[LabelledSteps] = []
    for part, path, whole, labels in found:
        length = window_length(whole, options.window, options.rate_hz)
        name = path.relative_to(root).as_posix() if root.is_dir() else path.name
        codes = {label: index for index, label in enumerate(classes)}
        labels_T = np.array([MISSING_CLASS if label is None else codes[label] for label in labels], np.int64)
        parts = parts_in_time(len(labels_T)) if len(found) == 1 and not part else {part: (0, len(labels_T))}
        for own, (start, end) in parts.items():
            cut = part_of(whole, start, end)
            recordings.append(LabelledSteps(name, labels_T[start:end], length, partial(window_of, cut), own))
    return list_steps(recordings, split, root, layout="steps", task=task)


def read_labelled(path: Path, options: ImuDatasetOptions) -> tuple[Recording, list[str | None]]:
    """The recording of a table, and the label of each step; see `tables.read_labelled_table`."""
    with reading(path, formats=" ".join(_TABLES)), open_binary(path) as file:
        return read_labelled_table(file, str(path), options.columns, options.label or "")


def window_length(recording: Recording, window: int, rate_hz: float) -> int:
    """Steps of a recording that are at most `window` at `rate_hz`; see `resampling.resample`."""
    if not rate_hz or recording.rate is None:
        return window
    return max(2, int(window * recording.rate / rate_hz))


def part_of(recording: Recording, start: int, end: int) -> Recording:
    """Some steps of a recording, all of which are to be labelled."""
    return replace(recording, values=recording.values[start:end], part=StepPart(0, end - start, start))


def window_of(recording: Recording, window: StepWindow) -> Recording:
    """A window of a recording, with the steps that are to be labelled."""
    part = (recording.part or StepPart(0, len(recording.values))).window(window)
    name = f"{recording.name}, steps {part.at} to {part.at + window.end - window.start - 1}"
    return replace(part_of(recording, window.start, window.end), name=name, part=part)


def _tables_in(folder: Path) -> Sequence[Path]:
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in _TABLES and path.is_file() and path.name[0] != "."
    )

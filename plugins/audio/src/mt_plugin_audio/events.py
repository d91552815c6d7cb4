"""Recordings in which it is known when what is heard.  T steps."""

from __future__ import annotations

from functools import partial
from math import ceil
from pathlib import Path

import numpy as np

from mt_core.contract import Segmentation
from mt_core.errors import DatasetError, OptionError
from mt_core.sdk import (
    Interval,
    LabelledSteps,
    Listing,
    StepPart,
    StepWindow,
    check_intervals,
    classes_at,
    files_below,
    find_events,
    left_out,
    list_steps,
    some_of,
    sorted_names,
)
from mt_plugin_audio.options import AudioDatasetOptions
from mt_plugin_audio.reading import SUFFIXES
from mt_plugin_audio.waveform import Excerpt

NONE = "none"
"""The class of a step at which no event is heard."""


def find_sound_events(root: Path, split: str, options: AudioDatasetOptions) -> Listing | None:
    """Windows of recordings that tables of events list, or that have a label track beside them; see `find_events`.

    A step of `step_ms` has the class of the event that is heard in its middle, else none.

    Warns:
        DataWarning: recordings that are not listed, which are left out.

    Raises:
        DatasetError: events that cannot be, or that overlap and are of different classes; or no list at all, where
            labels=steps asks for one.
        OptionError: groups that are no files, or events of which there are none.
    """
    found = find_events(root, SUFFIXES)
    if not found:
        if options.labels == "steps":
            raise DatasetError(
                f"{root} has no list of events",
                fix="give a table with the columns filename, onset, offset and event_label, or a label track clip.txt "
                "beside clip.wav",
            )
        return None
    if options.group not in (None, "file"):
        raise OptionError(
            f"group={options.group}: recordings of events are files", fix="give group=file, or leave it out"
        )
    listed = {path: (part, events) for part, of_part in found for path, events in of_part.items()}
    folder = root if root.is_dir() else root.parent
    unlisted = [path for path in files_below(folder, SUFFIXES) if path not in listed] if root.is_dir() else []
    if unlisted and options.unlisted == NONE:
        listed |= {path: ("" if not any(part for part, _ in found) else "train", []) for path in unlisted}
    elif unlisted:
        names = some_of([Path(path).name for path in unlisted], 3)
        left_out(str(root), f"{len(unlisted):,} recordings that no list of events names: {names}; unlisted=none keeps")
    labels = sorted_names(each.label for _, events in listed.values() for each in events if each.label != NONE)
    if lacking := [name for name in options.events if name not in labels]:
        raise OptionError(f"{root} has no event {lacking[0]!r}", fix=f"there are {some_of(labels, 20)}")
    classes = (NONE, *(options.events or labels))
    recordings = [
        _recording(path, [each for each in events if each.label in classes[1:]], part, classes, options, folder)
        for path, (part, events) in listed.items()
    ]
    return list_steps(recordings, split, root, layout="events", task=Segmentation(classes=classes, background=0))


def _recording(
    path: str, events: list[Interval], part: str, classes: tuple[str, ...], options: AudioDatasetOptions, folder: Path
) -> LabelledSteps:
    from mt_plugin_audio.decoding import seconds_of

    seconds, step_s = seconds_of(Path(path)), options.step_ms / 1000
    # lists are rounded: an event may end a moment after its recording
    cut = [
        Interval(each.start, min(each.end, seconds), each.label, each.where)
        if seconds < each.end <= seconds + max(step_s, 0.05) and each.start < seconds
        else each
        for each in events
    ]
    checked = check_intervals(cut, 0.0, seconds, path, lambda time: f"{time:g} s")
    num_steps = num_steps_of(seconds, options.step_ms)
    middles_T = (np.arange(num_steps, dtype=np.float64) + 0.5) * step_s
    labels_T = classes_at(middles_T, checked, classes)
    window = partial(_excerpt, path, options.step_ms)
    name = Path(path).relative_to(folder).as_posix() if folder in Path(path).parents else path
    return LabelledSteps(name, labels_T, window_steps(options.max_seconds, options.step_ms), window, part)


def num_steps_of(seconds: float, step_ms: int) -> int:
    """Steps of a recording; the last one may reach beyond its end by less than a tenth of a step more than a step."""
    return max(1, ceil(seconds * 1000 / step_ms - 0.1))


def window_steps(max_seconds: float, step_ms: int) -> int:
    """Steps of a window."""
    return max(1, int(max_seconds * 1000 / step_ms))


def _excerpt(path: str, step_ms: int, window: StepWindow) -> Excerpt:
    part = StepPart(0, 0).window(window)
    return Excerpt(path, window.start * step_ms / 1000, window.end * step_ms / 1000, part)

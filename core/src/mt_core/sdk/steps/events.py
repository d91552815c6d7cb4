"""Lists of events: when what was the case in which file, as tables and label tracks say it.

Sources: Hershey et al. 2021, The benefit of temporally-strong labels in audio event classification, ICASSP (AudioSet);
the DCASE challenge's task 4, for filename, onset, offset and event_label; Audacity's manual, for label tracks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mt_core.errors import DatasetError
from mt_core.sdk.below import files_below
from mt_core.sdk.located_files import LocatedFiles
from mt_core.sdk.splits import split_from_name
from mt_core.sdk.steps.intervals import Interval
from mt_core.sdk.text import column_names, dict_rows, read_text

_FILE = ("filename", "file_name", "file", "segment_id", "clip", "audio", "path", "wav", "recording", "filepath")
_START = ("onset", "start_time_seconds", "start", "start_time", "start_seconds", "start_s", "begin", "onset_s")
_END = ("offset", "end_time_seconds", "end", "end_time", "end_seconds", "end_s", "stop", "offset_s")
_DURATION = ("duration", "duration_seconds", "duration_s", "dur")
_LABEL = ("event_label", "label", "event", "class", "event_labels", "category", "sound")

_MILLISECONDS = ("_ms", "_msec", "_milliseconds")
"""Endings of columns of times in thousandths of a second."""

_MOST_TABLES = 1000
_LOOKED_AT = 20  # label tracks of which one has to look like one
_ALSO_TEST = ("eval", "evaluation")
_TRACK = re.compile(r"\d+(\.\d*)?\t\d+(\.\d*)?(\t|$)")

Events = dict[str, list[Interval]]
"""By the path of a file what is heard or seen in it; of a file without events none."""


def find_events(root: Path, suffixes: Sequence[str]) -> list[tuple[str, Events]]:
    """The files that tables of events below a folder list, or those that have a label track beside them.

    A table has a header with the columns filename (or segment_id), onset (start_time_seconds), offset
    (end_time_seconds) or duration, and event_label (label), or others of like meaning; a row without times and label is
    a file without events. A label track, `clip.txt` beside `clip.wav`, has no header: start, end and label, with tabs;
    an empty one is that of a file without events. Times are seconds, in columns called onset_ms and the like
    milliseconds.

    Args:
        root: A folder, or one table.
        suffixes: Of the files that events are in.

    Returns:
        Of each table its split, "" where neither its name nor its folders' says one, and its events; [] for none.

    Raises:
        DatasetError: a time that is none, files that are not there, or one that is in two splits; or a table of events
            that lacks a column, where there is no other.
    """
    folder = root if root.is_dir() else root.parent
    tables = [root] if not root.is_dir() else [Path(path) for path in files_below(root, (".tsv", ".csv"))]
    columns_of = {path: [name.lower() for name in column_names(path)] for path in tables[:_MOST_TABLES]}
    events_in = [path for path, names in columns_of.items() if not _lacking(names)]
    found = [(_split_of(path, folder), _of_table(path, folder, suffixes)) for path in events_in]
    if not found and root.is_dir():
        found = _of_tracks(root, suffixes)
    if not found:
        _check_columns(columns_of)
    split_of: dict[str, str] = {}
    for split, events in found:
        for path in events:
            if split_of.setdefault(path, split) != split:
                raise DatasetError(
                    f"{root}: {path} is in {split_of[path] or 'no split'} and in {split or 'no split'}",
                    fix="list each file in one split",
                )
    return found


def _lacking(names: Sequence[str]) -> list[str]:
    """Of the columns that a table of events has, those that are not there, as DCASE calls them."""
    there = {
        "filename": _named(names, _FILE),
        "onset": _named(names, _START),
        "offset or duration": _named(names, _END) or _named(names, _DURATION),
        "event_label": _named(names, _LABEL),
    }
    return [name for name, found in there.items() if found is None]


def _named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of the names that is one of those wanted, or ends in milliseconds."""
    ways = (f"{each}{ending}" for each in wanted for ending in ("", *_MILLISECONDS))
    return next((way for way in ways if way in names), None)


def _check_columns(columns_of: Mapping[Path, Sequence[str]]) -> None:
    """Raises: DatasetError: a table that names onsets or offsets, and is no table of events."""
    for path, names in columns_of.items():
        if any(_named(names, (each,)) for each in ("onset", "offset", "onset_s", "offset_s")) and _named(names, _FILE):
            raise DatasetError(
                f"{path} has the columns {', '.join(names[:10])}: a table of events without the column "
                f"{' and '.join(_lacking(names))}",
                fix="add it; or give one class a file by -D label=COLUMN",
            )


def _of_table(path: Path, folder: Path, suffixes: Sequence[str]) -> Events:
    rows = [{name.lower(): cell for name, cell in row.items()} for row in dict_rows(path)]
    located = LocatedFiles(path, folder, suffixes)
    there = list(rows[0]) if rows else []
    file, start, end, label = (_named(there, wanted) or wanted[0] for wanted in (_FILE, _START, _END, _LABEL))
    lasts = _named(there, _END) is None and (end := _named(there, _DURATION) or end) in there
    split = _split_of(path, folder) or None
    path_of = {name: located.find(name, split) for name in dict.fromkeys(row[file] for row in rows)}
    located.finish("check that the download is complete, or leave out the rows of files that you do not have")
    events: Events = {found: [] for found in path_of.values() if found is not None}
    for number, row in enumerate(rows, start=1):
        where = f"{path}, row {number}"
        if not (row[start] or row[end] or row[label]):
            continue
        found = path_of[row[file]]
        assert found is not None
        if not row[label]:
            raise DatasetError(f"{where}: an event without a label", fix="name what it is, or leave the row out")
        begin, until = (_seconds(row[name], where, name) for name in (start, end))
        events[found].append(Interval(begin, begin + until if lasts else until, row[label], where))
    return events


def _of_tracks(root: Path, suffixes: Sequence[str]) -> list[tuple[str, Events]]:
    tracks = {path: Path(path).with_suffix(".txt") for path in files_below(root, suffixes)}
    beside = {path: track for path, track in tracks.items() if track.is_file()}
    some = [read_text(track) for track in list(beside.values())[:_LOOKED_AT]]
    if not any(_TRACK.match(text) for text in some):
        return []
    of_split: dict[str, Events] = {}
    for path, track in beside.items():
        of_split.setdefault(_split_of(Path(path), root), {})[path] = _of_track(track)
    return list(of_split.items())


def _of_track(path: Path) -> list[Interval]:
    events = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        where = f"{path}, line {number}"
        if not line.strip() or line.startswith("\\"):  # the frequencies of a spectral selection
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < 3 or not cells[2]:
            raise DatasetError(f"{where}: {line[:60]!r} is no start, end and label", fix="export the labels again")
        events.append(Interval(_seconds(cells[0], where), _seconds(cells[1], where), cells[2], where))
    return events


def _seconds(text: str, where: str, column: str = "") -> float:
    try:
        seconds = float(text) / (1000 if column.endswith(_MILLISECONDS) else 1)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise DatasetError(f"{where}: {text!r} is no time in seconds", fix="write numbers such as 1.25")
    return seconds


def _split_of(path: Path, root: Path) -> str:
    """What the nearest part of a path says: its name, or that of a folder below the root."""
    parts = path.relative_to(root).parts if root in path.parents else (path.name,)
    for part in [Path(parts[-1]).stem, *reversed(parts[:-1])]:
        words = [part, *re.split(r"[^a-z]+", part.lower())]
        for word in words:
            if split := split_from_name(word) or ("test" if word.lower() in _ALSO_TEST else None):
                return split
    return ""

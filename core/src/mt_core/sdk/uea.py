"""The formats of the UEA and UCR archives: labelled series in .ts and .arff files, and a series a row in
Name_TRAIN.tsv.  T steps, C channels.

Sources: Dau et al. 2019, The UCR time series archive, arXiv:1810.07758, for .tsv;
Bagnall et al. 2018, The UEA multivariate time series classification archive, arXiv:1811.00075, for what the
files hold; Löning et al. 2019, arXiv:1909.07872, for the .ts format; Hall et al. 2009 (Weka), for .arff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import reading
from mt_core.errors import DatasetError, InputError
from mt_core.sdk.labels import canonical_label
from mt_core.sdk.listing import Listing, sorted_names
from mt_core.sdk.numbers import is_number
from mt_core.sdk.splits import select_splits, split_from_name

Series = NDArray[np.float32]
"""(T, C), NaN where a value is missing."""

SUFFIXES = (".ts", ".arff")

Line = tuple[int, str]
"""Its number in the file, from 1, and what it says."""

_UCR = re.compile(r".+_(TRAIN|TEST)\.(tsv|txt)")
_PREFERRED = (".ts", ".arff", ".tsv", ".txt")
_MISSING = ("", "?", "nan")
_ONE_CHANNEL = re.compile(r"Dimension\d+$")  # the archive also ships each channel of a data set in a file of its own


@dataclass(frozen=True)
class UeaFile:
    """The series of one file, each of its own length.

    Attributes:
        series: One (T, C) array a case.
        labels: The class of each, as it is written; None where it is not known.
        classes: Those that the header names, in its order, else those that occur.
    """

    series: tuple[Series, ...]
    labels: tuple[str | None, ...]
    classes: tuple[str, ...]


def is_uea(path: Path) -> bool:
    """Whether a file is called as those of the archives: .ts, .arff, Name_TRAIN.tsv, Name_TEST.txt."""
    return path.suffix.lower() in SUFFIXES or _UCR.fullmatch(path.name) is not None


def read_uea(path: Path) -> UeaFile:
    """All series of a .ts or .arff file, or of Name_TRAIN.tsv, in which a row is a class and its series.

    Steps at the end that are missing in all channels are left out: older files pad series of different lengths so.

    Raises:
        InputError: not in the format, naming the line; series with time stamps of their own, which few files have.
    """
    path = Path(path)
    with reading(path, formats=" ".join(SUFFIXES)), path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = ((number, line.strip()) for number, line in enumerate(file, 1))
        said = ((number, line) for number, line in lines if line and line[0] not in "#%")
        if path.suffix.lower() not in SUFFIXES:
            return _rows(said, path)
        header = _header(said, path)
        read = _ts if path.suffix.lower() == ".ts" else _arff
        return read(header, said, path)


def list_uea(root: Path, split: str) -> Listing | None:
    """The series of `Name_TRAIN.ts` and `Name_TEST.ts` (or .arff, .tsv) in a folder, or of one such file, which is then
    all there is; None where there are none.

    Raises:
        DatasetError: files of several data sets.
        MissingSplitError: no such file for this split.
        InputError: see `read_uea`.
    """
    if root.is_file():
        if not is_uea(root):
            return None
        select_splits(split, (), root)
        files = [read_uea(root)]
    else:
        found = _split_files(root)
        if not found:
            return None
        files = [read_uea(found[name]) for name in select_splits(split, found, root)]
    classes = files[0].classes
    if any(file.classes != classes for file in files):
        classes = sorted_names(name for file in files for name in file.classes)
    samples = [series for file in files for series in file.series]
    return Listing(samples, [label for file in files for label in file.labels], classes, "uea")


def _split_files(folder: Path) -> dict[str, Path]:
    """The files by split."""
    found: dict[str, Path] = {}
    names: set[str] = set()
    paths = [path for path in folder.iterdir() if is_uea(path)]
    for path in sorted(paths, key=lambda path: -_PREFERRED.index(path.suffix.lower())):  # the same data several times
        name, _, part = path.stem.rpartition("_")
        if not name or _ONE_CHANNEL.search(name):
            continue
        if split := split_from_name(part):
            found[split] = path
            names.add(name)
    if len(names) > 1:
        raise DatasetError(
            f"{folder} holds several data sets: {', '.join(sorted(names)[:5])}",
            fix="give each a folder of its own, and name that folder",
        )
    return found


def _header(lines: Iterator[Line], path: Path) -> list[str]:
    """The lines before @data, which are taken from `lines`."""
    header: list[str] = []
    for _, line in lines:
        if line.lower() == "@data":
            return header
        header.append(line)
    raise _empty(path)


def _ts(header: list[str], cases: Iterable[Line], path: Path) -> UeaFile:
    said = {words[0].lower(): words[1:] for line in header if (words := line.split())}

    def is_true(key: str) -> bool:
        return "".join(said.get(key, [])[:1]).lower() == "true"

    if is_true("@timestamps"):
        raise InputError(f"{path} has time stamps beside its values", fix="save evenly sampled series, without them")
    has_label = is_true("@classlabel") or is_true("@targetlabel")
    series: list[Series] = []
    labels: list[str | None] = []
    for number, line in cases:
        channels = line.split(":")
        labels.append(_label(channels.pop()) if has_label else None)
        series.append(_series(channels, path, number))
    return _checked(series, labels, tuple(said["@classlabel"][1:]) if is_true("@classlabel") else (), path)


def _arff(header: list[str], cases: Iterable[Line], path: Path) -> UeaFile:
    attributes = [line for line in header if line.lower().startswith("@attribute")]
    is_relational = any(line.split()[-1].lower() == "relational" for line in attributes)
    last = attributes[-1] if attributes else ""
    has_label = "{" in last
    named = last[last.find("{") + 1 : last.rfind("}")].split(",") if has_label else []
    series: list[Series] = []
    labels: list[str | None] = []
    for number, line in cases:
        if is_relational:
            quote = line[0]
            body, closing, label = line[1:].partition(quote)
            if quote not in "'\"" or not closing:
                raise InputError(
                    f"{path}, line {number}: a series does not end", fix="check that the download is complete"
                )
            channels = body.split("\\n")  # a line break, written as two characters
        else:
            body, _, label = line.rpartition(",") if has_label else (line, "", "")
            channels = [body]
        labels.append(_label(label) if has_label else None)
        series.append(_series(channels, path, number))
    return _checked(series, labels, tuple(name.strip(" '\"") for name in named), path)


def _rows(cases: Iterable[Line], path: Path) -> UeaFile:
    """A class, whose name is a number, and the values of one channel in each row, between tabs, blanks or commas."""
    series: list[Series] = []
    labels: list[str | None] = []
    for number, line in cases:
        label, *values = line.replace(",", " ").split() if "\t" not in line else line.split("\t")
        if not is_number(label) or not values:
            raise InputError(
                f"{path}, line {number}: no class and its series",
                fix="files of this name have a series a row, its class first: give another kind of table another name",
            )
        labels.append(canonical_label(float(label)))
        series.append(_series([",".join(values)], path, number))
    return _checked(series, labels, (), path)


def _label(text: str) -> str | None:
    label = text.strip(" \t,'\"")
    return None if label == "?" else label


def _series(channels: list[str], path: Path, line: int) -> Series:
    rows = [_numbers(channel, path, line) for channel in channels]
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise InputError(
            f"{path}, line {line}: channels of {', '.join(map(str, sorted(lengths)))} steps",
            fix="give all channels of a case the same length",
        )
    series = np.stack(rows, axis=1)
    known = np.flatnonzero(np.isfinite(series).any(1))
    return series[: known[-1] + 1] if len(known) else series


def _numbers(text: str, path: Path, line: int) -> Series:
    try:
        numbers = np.array([np.nan if cell.strip().lower() in _MISSING else float(cell) for cell in text.split(",")])
    except ValueError as error:
        raise InputError(
            f"{path}, line {line}: {error}", fix="check that the file is whole and as it was published"
        ) from None
    if (np.abs(numbers) > np.finfo(np.float32).max).any():
        raise InputError(f"{path}, line {line}: an infinite number", fix="write ? where a value is missing")
    return numbers.astype(np.float32)


def _checked(series: list[Series], labels: list[str | None], named: tuple[str, ...], path: Path) -> UeaFile:
    if not series:
        raise _empty(path)
    counts = {case.shape[1] for case in series}
    if len(counts) > 1:
        raise InputError(
            f"{path} has cases of {', '.join(map(str, sorted(counts)))} channels",
            fix="check that the download is complete",
        )
    occurring = {label for label in labels if label is not None}
    if named and (unknown := sorted(occurring - set(named))):
        raise InputError(f"{path}: the class {unknown[0]!r} is not in its header", fix="check that the file is whole")
    return UeaFile(tuple(series), tuple(labels), named or sorted_names(occurring))


def _empty(path: Path) -> InputError:
    return InputError(
        f"{path} has no series: no line says @data with cases below it",
        fix="check that the download is complete and the file is a .ts or .arff file of the UEA archive",
    )

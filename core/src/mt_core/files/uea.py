"""The formats of the UEA and UCR archives: labelled series in .ts and .arff files.  T steps, C channels.

Sources: Bagnall et al. 2018, The UEA multivariate time series classification archive, arXiv:1811.00075, for what the
files hold; Löning et al. 2019, arXiv:1909.07872, for the .ts format; Hall et al. 2009 (Weka), for .arff.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mt_core.contract import reading
from mt_core.errors import InputError, MissingSplitError
from mt_core.files.listing import Listing, in_order
from mt_core.files.splits import chosen_splits

Series = NDArray[np.float32]
"""(T, C), NaN where a value is missing."""

SUFFIXES = (".ts", ".arff")


@dataclass(frozen=True)
class UeaFile:
    """The series of one file, each of its own length.

    Attributes:
        series: One (T, C) array a case.
        labels: The class of each, as it is written; None for each where the file has no classes.
        classes: Those that the header names, in its order, else those that occur.
    """

    series: tuple[Series, ...]
    labels: tuple[str | None, ...]
    classes: tuple[str, ...]


def read_uea(path: Path) -> UeaFile:
    """All series of a .ts or .arff file.

    Raises:
        InputError: not in the format, naming the line; series with time stamps of their own, which few files have.
    """
    path = Path(path)
    with reading(path, formats=" ".join(SUFFIXES)):
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
        lines = [(number, line) for number, line in lines if line and line[0] not in "#%"]
        header, cases = _divided(lines, path)
        read = _ts if path.suffix.lower() == ".ts" else _arff
        return read(header, cases, path)


def list_uea(root: Path, split: str) -> Listing | None:
    """The series of `Name_TRAIN.ts` and `Name_TEST.ts` (or .arff) in a folder; None where there are none.

    Raises:
        MissingSplitError: no such file for this split.
    """
    if root.is_file():
        if root.suffix.lower() not in SUFFIXES:
            return None
        found = {"": root}
    else:
        found = {
            part.lower(): path
            for suffix in reversed(SUFFIXES)  # a .ts file replaces the .arff file of the same data
            for part in ("TRAIN", "VAL", "TEST")
            for path in sorted(root.glob(f"*_{part}{suffix}"))
        }
    if not found:
        return None
    names = chosen_splits(split, [name for name in found if name], root) or [""]
    if names == [""] and "" not in found:
        raise MissingSplitError(f"{root} has no {split!r} split", fix="download the whole data set")
    files = [read_uea(found[name]) for name in names]
    classes = files[0].classes
    if any(file.classes != classes for file in files):
        classes = in_order(name for file in files for name in file.classes)
    samples = [series for file in files for series in file.series]
    return Listing(samples, [label for file in files for label in file.labels], classes, "uea")


def _divided(lines: list[tuple[int, str]], path: Path) -> tuple[list[str], list[tuple[int, str]]]:
    for place, (_, line) in enumerate(lines):
        if line.lower() == "@data":
            cases = lines[place + 1 :]
            if not cases:
                break
            return [header for _, header in lines[:place]], cases
    raise InputError(
        f"{path} has no series: no line says @data with cases below it",
        fix="check that the download is complete and the file is a .ts or .arff file of the UEA archive",
    )


def _ts(header: list[str], cases: list[tuple[int, str]], path: Path) -> UeaFile:
    said = {words[0].lower(): words[1:] for line in header if (words := line.split())}
    if said.get("@timestamps", ["false"])[0].lower() == "true":
        raise InputError(f"{path} has time stamps beside its values", fix="save evenly sampled series, without them")
    class_label = said.get("@classlabel", ["false"])
    has_label = class_label[0].lower() == "true" or said.get("@targetlabel", ["false"])[0].lower() == "true"
    series, labels = [], []
    for number, line in cases:
        channels = line.split(":")
        labels.append(channels.pop().strip() if has_label else None)
        rows = [_numbers(channel, path, number) for channel in channels]
        series.append(_array(rows, path, number))
    named = tuple(class_label[1:]) if class_label[0].lower() == "true" else ()
    return _checked(series, labels, named, path)


def _arff(header: list[str], cases: list[tuple[int, str]], path: Path) -> UeaFile:
    attributes = [line for line in header if line.lower().startswith("@attribute")]
    is_relational = any(line.split()[-1].lower() == "relational" for line in attributes)
    last = attributes[-1] if attributes else ""
    has_label = "{" in last
    named = tuple(
        name.strip().strip("'\"") for name in last[last.find("{") + 1 : last.rfind("}")].split(",") if has_label
    )
    series, labels = [], []
    for number, line in cases:
        quote = line[0]
        if is_relational and (quote not in "'\"" or line.count(quote) < 2):
            raise InputError(f"{path}, line {number}: a series does not end", fix="check that the download is complete")
        body, _, label = line[1:].rpartition(quote) if is_relational else ("", "", "")
        if not is_relational:
            body, _, label = line.rpartition(",") if has_label else (line, "", "")
        channels = body.replace("\\n", "\n").split("\n") if is_relational else [body]
        labels.append(label.strip(" ,'\"") if has_label else None)
        series.append(_array([_numbers(channel, path, number) for channel in channels], path, number))
    return _checked(series, labels, named, path)


def _numbers(text: str, path: Path, line: int) -> Series:
    try:
        return np.array([np.nan if cell.strip() in ("?", "") else float(cell) for cell in text.split(",")], np.float32)
    except ValueError as error:
        raise InputError(
            f"{path}, line {line}: {error}", fix="check that the file is whole and as it was published"
        ) from None


def _array(rows: list[Series], path: Path, line: int) -> Series:
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise InputError(
            f"{path}, line {line}: channels of {', '.join(map(str, sorted(lengths)))} steps",
            fix="give all channels of a case the same length",
        )
    return np.stack(rows, axis=1)


def _checked(series: list[Series], labels: list[str | None], named: tuple[str, ...], path: Path) -> UeaFile:
    counts = {case.shape[1] for case in series}
    if len(counts) > 1:
        raise InputError(
            f"{path} has cases of {', '.join(map(str, sorted(counts)))} channels",
            fix="check that the download is complete",
        )
    occurring = {label for label in labels if label is not None}
    if named and (unknown := sorted(occurring - set(named))):
        raise InputError(f"{path}: the class {unknown[0]!r} is not in its header", fix="check that the file is whole")
    return UeaFile(tuple(series), tuple(labels), named or in_order(occurring))

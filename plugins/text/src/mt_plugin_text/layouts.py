"""Where the public benchmarks keep their texts: which files make up a split, and how they are labelled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mt_core.contract import reading
from mt_core.errors import DatasetError
from mt_core.sdk import (
    Listing,
    list_folders,
    reinterpreted,
    select_splits,
    similar_labels,
    sorted_names,
    split_from_name,
)
from mt_plugin_text.columns import ColumnChoice
from mt_plugin_text.rows import JSON_SUFFIXES, SUFFIXES, Row, read_table
from mt_plugin_text.text import Text

_TREC = {"train": "train_5500.label", "test": "TREC_10.label"}
_SHARD = re.compile(r"-\d+-of-\d+$")
_UNLABELLED_FOLDER = "unsup"  # of IMDb's reviews
_UNKNOWN = "-1"  # GLUE's test labels, as the Hugging Face hub has them


def find_split_tables(root: Path, split: str, wanted: ColumnChoice, *, matched: bool) -> Listing | None:
    """The tables of a folder that name their split; a split in several numbered parts has several.

    Args:
        matched: Of MNLI's two sets for validation and for test, the one of the same genres as in training.

    Raises:
        DatasetError: several files for a split; also as `find_table`.
    """
    by_split: dict[str, list[Path]] = {}
    for path in _tables(root):
        words = re.split(r"[^a-z]+", path.stem.lower())
        splits = {name for word in words if (name := split_from_name(word))}
        if len(splits) == 1 and ("mismatched" if matched else "matched") not in words:
            by_split.setdefault(splits.pop(), []).append(path)
    tables = {name: _one_table(paths, name) for name, paths in by_split.items()}
    return _listing(tables, split, root, wanted, "split tables") if tables else None


def find_table(root: Path, split: str, wanted: ColumnChoice) -> Listing | None:
    """The rows of a table, or of the only one in a folder, which may have a column of splits.

    Raises:
        DatasetError: several tables, no label anywhere, or a split that is none.
        MissingSplitError: the table names splits, and not this one.
        InputError: a table that cannot be read.
    """
    tables = _tables(root)
    if len(tables) > 1:
        raise DatasetError(
            f"{root} has {len(tables)} tables, and none is called train: {', '.join(p.name for p in tables[:5])}",
            fix="name the file, or call the files train, dev and test",
        )
    return _listing({"": tables}, split, root, wanted, "table") if tables else None


def _tables(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root] if root.suffix.lower() in (*SUFFIXES, *JSON_SUFFIXES) and root.is_file() else []
    return [path for path in sorted(root.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _one_table(paths: list[Path], split: str) -> list[Path]:
    exact = [path for path in paths if split_from_name(path.stem) == split]
    if len(exact or paths) == 1:
        return exact or paths
    if len({_SHARD.sub("", path.stem) + path.suffix for path in paths}) == 1:
        return paths
    raise DatasetError(
        f"{paths[0].parent} has several files for {split}: {', '.join(path.name for path in paths)}",
        fix=f"leave one of them, or call one {split}{paths[0].suffix}",
    )


def _listing(tables: dict[str, list[Path]], split: str, root: Path, wanted: ColumnChoice, layout: str) -> Listing:
    """The rows of one split, in the order of the tables, which are given by split; "" for one of all."""
    by_split: dict[str, list[tuple[Text, str | None, str | None]]] = {}
    note = ""
    for name, paths in tables.items():
        rows = [row for path in paths for row in _rows(path, wanted)]
        note = note or _columns_note(rows)
        is_unlabelled = all(row.label in (None, _UNKNOWN) for row in rows)
        for row in rows:
            label = None if is_unlabelled else row.label
            by_split.setdefault(name or _split_of(row), []).append((row.text, label, row.group))
    if "" in by_split and len(by_split) > 1:
        raise DatasetError(
            f"{by_split[''][0][0].filename}: the split is missing, other rows have one",
            fix="write train, val or test in every row, or leave out the column",
        )
    classes = sorted_names(label for rows in by_split.values() for _, label, _ in rows if label is not None)
    if similar := similar_labels(classes):
        reinterpreted(str(root), f"{similar} as two classes")
    if wanted.label and not classes:
        raise DatasetError(f"{root} has no column {wanted.label!r} with labels", fix="check the name of the column")
    splits = select_splits(split, [name for name in by_split if name], root) or [""]
    chosen = [row for name in splits for row in by_split[name]]
    groups = [group for *_, group in chosen] if wanted.group else None
    labels = [label for _, label, _ in chosen]
    return Listing([text for text, *_ in chosen], labels, classes, layout, note=note, groups=groups)


def _columns_note(rows: list[Row]) -> str:
    """Which columns were taken, for the user to see."""
    columns = rows[0].columns if rows else None
    if columns is None:
        return ""
    label = f", labels in {columns.label}" if columns.label is not None else ""
    group = f", groups in {columns.group}" if columns.group is not None else ""
    return f"texts in {' and '.join(columns.text)}{label}{group}"


def _rows(path: Path, wanted: ColumnChoice) -> Iterator[Row]:
    with reading(path, formats=" ".join(SUFFIXES)), path.open("rb") as file:
        yield from read_table(file, str(path), wanted)


def _split_of(row: Row) -> str:
    """The split that a row names; "" where it names none."""
    split = split_from_name(row.split) if row.split is not None else ""
    if split is None:
        raise DatasetError(f"{row.text.filename}: {row.split!r} is no split", fix="call the splits train, val and test")
    return split


def find_trec(root: Path, split: str, fine: bool) -> Listing | None:
    """Questions and what they ask for, in files of `LABEL:detail question`; None where there are none.

    Raises:
        DatasetError: a line of another form, with its number.
        MissingSplitError: no such file for this split.

    Source: Li & Roth 2002, Learning Question Classifiers; its files are in Latin-1.
    """
    found = {name: root / file for name, file in _TREC.items() if (root / file).is_file()} if root.is_dir() else {}
    if root.is_file() and root.suffix == ".label":
        found = {"": root}
    if not found:
        return None
    questions = {name: list(_trec_questions(path, fine)) for name, path in found.items()}
    chosen = [each for name in select_splits(split, [n for n in found if n], root) or [""] for each in questions[name]]
    classes = sorted_names(label for some in questions.values() for _, label in some)
    return Listing([text for text, _ in chosen], [label for _, label in chosen], classes, "TREC")


def _trec_questions(path: Path, fine: bool) -> Iterator[tuple[Text, str]]:
    with reading(path, formats=".label"):
        lines = path.read_text(encoding="latin-1").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        label, _, question = line.strip().partition(" ")
        coarse, colon, _ = label.partition(":")
        if not colon or not question:
            raise DatasetError(
                f"{path}, line {number}: {line[:80]!r} is not LABEL:detail and a question",
                fix="check that the download is complete",
            )
        yield Text(question, file=str(path), place=f"line {number}"), label if fine else coarse


def find_folders(root: Path, split: str) -> Listing | None:
    """A folder of .txt files per class; IMDb's reviews without a label are left out."""
    found = list_folders(root, split, (".txt",))
    if found is None:
        return None
    kept = [at for at, label in enumerate(found.labels) if label != _UNLABELLED_FOLDER]
    classes = tuple(name for name in found.classes if name != _UNLABELLED_FOLDER)
    return Listing([Path(found.samples[at]) for at in kept], [found.labels[at] for at in kept], classes, found.layout)

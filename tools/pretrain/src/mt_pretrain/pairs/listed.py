"""Pairs whose pictures are files: a caption beside each, or all captions in a table."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from mt_core.errors import DatasetError
from mt_core.sdk import Delimited, as_dataset_error, read_text, text_lines
from mt_pretrain.pairs.pair import (
    CAPTION_NAMES,
    CAPTION_SUFFIXES,
    ByteRange,
    Pair,
    Pairs,
    Skipped,
    Wanted,
    caption_in,
    make_pair,
    read_pair,
)

TABLES = ("captions.csv", "captions.tsv", "captions.jsonl")
PATH_NAMES = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img")


class ListedPairs(Pairs):
    """Pairs whose files were listed.

    Args:
        root: How they are called in messages.
        pictures: Name and path of each.
        captions: One each; None: they lie beside the pictures.
        skipped: Lines of the list that could not be understood.
    """

    def __init__(
        self,
        root: str,
        pictures: Sequence[tuple[str, str]],
        captions: Sequence[str] | None = None,
        skipped: Sequence[Skipped] = (),
    ) -> None:
        self.root, self.pictures, self.captions, self.skipped = root, pictures, captions, skipped

    def walk(
        self, order: str | None = None, part: int = 0, parts: int = 1, wanted: Wanted = lambda name: True
    ) -> Iterator[Pair | Skipped]:
        indices: Iterable[int] = range(len(self.pictures))
        if order is not None:
            generator = torch.Generator().manual_seed(random.Random(order).getrandbits(63))
            indices = torch.randperm(len(self.pictures), generator=generator).tolist()
        yield from self.skipped if part == 0 else ()
        number = 0
        for index in indices:
            name, path = self.pictures[index]
            if wanted(name):
                if number % parts == part:
                    yield self._pair(index, name, path)
                number += 1

    def _pair(self, index: int, name: str, path: str) -> Pair | Skipped:
        if self.captions is not None:
            return make_pair(name, path, self.captions[index])
        for suffix in CAPTION_SUFFIXES:
            beside = os.path.splitext(path)[0] + suffix
            if os.path.isfile(beside):
                return read_pair(name, path, ByteRange(beside, 0, os.path.getsize(beside)), suffix)
        return Skipped(name, "has no caption beside it (.txt or .json)")

    def estimate(self, seen: int, last: Pair) -> int:
        return len(self.pictures)


def pairs_in_table(table: Path) -> ListedPairs:
    """The pairs of a table with a column of paths and one of captions.

    Raises:
        DatasetError: no such columns, no row that names a picture, or not readable as a table.
    """
    pictures, captions, skipped = [], [], []
    for line, row in _json_rows(table) if table.suffix.lower() == ".jsonl" else _delimited_rows(table):
        path = next((row[name] for name in PATH_NAMES if row.get(name)), None)
        if not isinstance(path, str):
            skipped.append(Skipped(f"{table.name}, line {line}", "names no picture"))
            continue
        pictures.append((Path(path).as_posix(), os.path.join(table.parent, path)))
        captions.append(str(caption_in(row) or ""))
    if not pictures:
        raise DatasetError(f"{table} has no rows that name a picture", fix="write a header and a row a picture")
    return ListedPairs(str(table), pictures, captions, skipped)


def _delimited_rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The last line and the cells of each row, by the lower-case names of the columns."""
    separators = "\t" if table.suffix.lower() == ".tsv" else ",;\t"
    with as_dataset_error(), table.open("rb") as file:
        rows = Delimited(text_lines(file, str(table)), str(table), separators=separators, header=True)
        names = [name.lower() for name in rows.names]
        for kind, known in (("paths", PATH_NAMES), ("captions", CAPTION_NAMES)):
            if not set(known).intersection(names):
                raise DatasetError(
                    f"{table} has no column of {kind}; it has {', '.join(names)[:200]}",
                    fix=f"call it one of {', '.join(known)}, in a first line of names",
                )
        for cells in rows:
            yield rows.line, dict(zip(names, map(str.strip, cells), strict=True))


def _json_rows(table: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """The number of each line and its JSON object, by lower-case names; {} for anything else."""
    for number, line in enumerate(read_text(table).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, {str(name).lower(): cell for name, cell in row.items()} if isinstance(row, dict) else {}

"""Pictures with their captions: from a folder, from a table, or from the shards of a web-dataset.

    photos/a.jpg, photos/a.txt (or a.json with "caption" or "text")     a caption beside each picture
    captions.csv (.tsv, .jsonl)                                         a table: a column of paths, one of captions
    00000.tar: 000001.jpg, 000001.txt (or .json), 000002.jpg, …         shards; the members of a pair share a stem

What is passed around is a reference to a picture, which is read when its turn comes, so that order and memory do not
depend on sizes. Of a shard only the headers are walked; nothing in it is run, unpickled or unpacked.
"""

from __future__ import annotations

import csv
import json
import os
import random
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import torch

from mt_core.errors import DatasetError, InputError
from mt_core.sdk import files_below

LARGEST_PICTURE, LARGEST_CAPTION = 1 << 26, 1 << 20
"""Bytes; larger members of a shard, and larger files of captions, are left out unread."""

SHUFFLED_TOGETHER = 10_000
"""Pairs of shards that wait in memory, as references, for one of them to be drawn."""

TABLES = ("captions.csv", "captions.tsv", "captions.jsonl")
PATH_NAMES = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img")
CAPTION_NAMES = ("caption", "text", "title", "sentence", "description")

_CAPTION_SUFFIXES = (".txt", ".json")
_SHARDS_A_PART = 8  # from so many on, whole shards make parts of nearly one size


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that lie within a larger file."""

    path: str
    start: int
    size: int

    def read(self) -> bytes:
        """Those bytes.

        Raises:
            InputError: the file ends before they do, or cannot be read any more.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(self.start)
                content = file.read(self.size)
        except OSError as error:
            raise InputError(f"{self.path} cannot be read ({error.strerror})", fix="check the file") from None
        if len(content) < self.size:
            raise InputError(f"{self.path} ends too early", fix="copy the shard again")
        return content


class Pair(NamedTuple):
    """A picture and its caption.

    Attributes:
        name: Where it stands below the root, with "/": "photos/a.jpg", "00000.tar/000001.jpg".
        picture: The path of its file, or its place in a shard.
        caption: White space as single blanks; never empty.
    """

    name: str
    picture: str | Stored
    caption: str


class LeftOut(NamedTuple):
    """What is no pair: its name, and why."""

    name: str
    why: str


Wanted = Callable[[str], bool]
"""Whether a pair of this name is wanted, asked before anything of it is read."""


class Pairs(ABC):
    """All pairs under a root, walked through in any number of disjoint parts."""

    root: str

    @abstractmethod
    def walk(
        self, order: str | None = None, part: int = 0, parts: int = 1, wanted: Wanted = lambda name: True
    ) -> Iterator[Pair | LeftOut]:
        """The pairs of one part; each pair is in exactly one of the parts of an order.

        Args:
            order: What the order is drawn from; None: as they lie.
        """

    @abstractmethod
    def estimate(self, seen: int, last: Pair) -> int:
        """How many pairs there are, after so many of them as they lie, the last one being this."""


class ListedPairs(Pairs):
    """Pairs whose files were listed.

    Args:
        root: How they are called in messages.
        pictures: Name and path of each.
        captions: One each; None: they lie beside the pictures.
        left_out: Lines of the list that could not be understood.
    """

    def __init__(
        self,
        root: str,
        pictures: Sequence[tuple[str, str]],
        captions: Sequence[str] | None = None,
        left_out: Sequence[LeftOut] = (),
    ) -> None:
        self.root, self.pictures, self.captions, self.left_out = root, pictures, captions, left_out

    def walk(
        self, order: str | None = None, part: int = 0, parts: int = 1, wanted: Wanted = lambda name: True
    ) -> Iterator[Pair | LeftOut]:
        indices: Iterable[int] = range(len(self.pictures))
        if order is not None:
            generator = torch.Generator().manual_seed(random.Random(order).getrandbits(63))
            indices = torch.randperm(len(self.pictures), generator=generator).tolist()
        yield from self.left_out if part == 0 else ()
        number = 0
        for index in indices:
            name, path = self.pictures[index]
            if wanted(name):
                if number % parts == part:
                    yield self._pair(index, name, path)
                number += 1

    def _pair(self, index: int, name: str, path: str) -> Pair | LeftOut:
        if self.captions is not None:
            return _checked(name, path, self.captions[index])
        for suffix in _CAPTION_SUFFIXES:
            beside = os.path.splitext(path)[0] + suffix
            if os.path.isfile(beside):
                return _captioned(name, path, Stored(beside, 0, os.path.getsize(beside)), suffix)
        return LeftOut(name, "has no caption beside it (.txt or .json)")

    def estimate(self, seen: int, last: Pair) -> int:
        return len(self.pictures)


class ShardedPairs(Pairs):
    """Pairs in the shards of a web-dataset.

    In an order of its own each time, the shards are shuffled, and pairs within `SHUFFLED_TOGETHER`. Parts are whole
    shards where there are many; of a few shards, every part walks all headers and takes its share of the pairs.

    Args:
        root: How they are called in messages.
        shards: Name and path of each.
        suffixes: Lower-case endings of pictures.
    """

    def __init__(self, root: str, shards: Sequence[tuple[str, str]], suffixes: Sequence[str]) -> None:
        self.root, self.shards, self.suffixes = root, shards, tuple(suffixes)

    def walk(
        self, order: str | None = None, part: int = 0, parts: int = 1, wanted: Wanted = lambda name: True
    ) -> Iterator[Pair | LeftOut]:
        shards = list(self.shards)
        if order is not None:
            random.Random(order).shuffle(shards)
        if len(shards) >= _SHARDS_A_PART * parts:
            found = self._walk(shards[part::parts], 0, 1, wanted)
        else:
            found = self._walk(shards, part, parts, wanted)
        return found if order is None else _shuffled(found, random.Random(f"{order}/{part}"))

    def _walk(
        self, shards: Sequence[tuple[str, str]], part: int, parts: int, wanted: Wanted
    ) -> Iterator[Pair | LeftOut]:
        number = 0

        def is_ours(name: str) -> bool:
            nonlocal number
            if not wanted(name):
                return False
            number += 1
            return (number - 1) % parts == part

        for name, path in shards:
            yield from _in_shard(name, path, self.suffixes, is_ours)

    def estimate(self, seen: int, last: Pair) -> int:
        """From the share of all bytes that lies before it."""
        assert isinstance(last.picture, Stored)
        sizes = {path: os.path.getsize(path) for _, path in self.shards}
        before = list(sizes)[: list(sizes).index(last.picture.path)]
        passed = sum(sizes[path] for path in before) + last.picture.start + last.picture.size
        return max(seen, seen * sum(sizes.values()) // passed)


def open_pairs(root: str | Path, suffixes: Sequence[str]) -> Pairs:
    """The pairs of a folder, a table or a shard; files are listed, and not read.

    Args:
        root: A folder in one of three layouts (see above), tried in the order table, shards, folder; or the table or
            the shard itself.
        suffixes: Lower-case endings of pictures.

    Raises:
        DatasetError: none of these layouts; says what was looked for.
    """
    path = Path(root)
    if not path.exists():
        raise DatasetError(f"{path} does not exist", fix="check the path and the folder it is relative to")
    table = next((path / name for name in TABLES if (path / name).is_file()), path)
    if table.is_file() and table.suffix.lower() in (".csv", ".tsv", ".jsonl"):
        return _listed_in(table)
    shards = [str(path)] if path.is_file() and path.suffix.lower() == ".tar" else list(files_below(path, [".tar"]))
    if shards:
        folder = path.parent if path.is_file() else path
        return ShardedPairs(str(path), [(_below(folder, shard), shard) for shard in shards], suffixes)
    pictures = [(_below(path, picture), picture) for picture in files_below(path, suffixes)]
    captions = {os.path.splitext(caption)[0] for caption in files_below(path, _CAPTION_SUFFIXES)}
    if any(os.path.splitext(picture)[0] in captions for _, picture in pictures):
        return ListedPairs(str(path), pictures)
    holds = f"holds {len(pictures)} pictures, none of them with a caption" if pictures else "holds no pictures"
    raise DatasetError(
        f"{path} {holds}",
        fix="looked for were, in this order:"
        f"\n    a table: {', '.join(TABLES)}, with a column of paths ({PATH_NAMES[0]}, {PATH_NAMES[1]}, …) and one of "
        f"captions ({', '.join(CAPTION_NAMES)})"
        "\n    shards: *.tar, with 000001.jpg and 000001.txt (or .json) in them"
        "\n    files: x.jpg beside x.txt (or x.json with caption or text)",
    )


def _below(folder: Path, path: str) -> str:
    return Path(path).relative_to(folder).as_posix()


# captions


def _checked(name: str, picture: str | Stored, caption: object) -> Pair | LeftOut:
    if not isinstance(caption, str) or not caption.strip():
        return LeftOut(name, "has an empty caption")
    if any("\ud800" <= character <= "\udfff" for character in caption):  # JSON can write halves of characters
        return LeftOut(name, "has a caption that is no text")
    return Pair(name, picture, " ".join(caption.split()))


def _captioned(name: str, picture: str | Stored, stored: Stored, suffix: str) -> Pair | LeftOut:
    """A pair whose caption is a file, or lies in a shard."""
    if stored.size > LARGEST_CAPTION:
        return LeftOut(name, f"has a caption of {stored.size:,} bytes, more than {LARGEST_CAPTION:,}")
    try:
        text = stored.read().decode("utf-8-sig")
        return _checked(name, picture, _caption_in(json.loads(text)) if suffix == ".json" else text)
    except InputError as error:
        return LeftOut(name, error.problem)
    except (ValueError, RecursionError) as error:  # not UTF-8, no JSON
        return LeftOut(name, f"has a caption that cannot be read ({type(error).__name__})")


def _caption_in(record: object) -> object:
    """What stands in a JSON object or a row under the first of the known names that has something."""
    if not isinstance(record, dict):
        return None
    return next((record[name] for name in CAPTION_NAMES if record.get(name)), None)


# a table


def _listed_in(table: Path) -> ListedPairs:
    pictures, captions, left_out = [], [], []
    for number, row in _rows(table):
        path = next((row[name] for name in PATH_NAMES if row.get(name)), None)
        if not isinstance(path, str):
            left_out.append(LeftOut(f"{table.name}, line {number}", "names no picture"))
            continue
        pictures.append((Path(path).as_posix(), os.path.join(table.parent, path)))
        captions.append(str(_caption_in(row) or ""))
    if not pictures:
        raise DatasetError(f"{table} has no rows that name a picture", fix="write a header and a row a picture")
    return ListedPairs(str(table), pictures, captions, left_out)


def _rows(table: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Number and cells of each row, by the lower-case names of the columns.

    Raises:
        DatasetError: no such columns, or not readable as a table.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            if table.suffix.lower() == ".jsonl":
                yield from ((number, _row_in(line)) for number, line in enumerate(file, start=1) if line.strip())
                return
            reader = csv.DictReader(file, delimiter="\t" if table.suffix.lower() == ".tsv" else ",")
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            for kind, known in (("paths", PATH_NAMES), ("captions", CAPTION_NAMES)):
                if not set(known).intersection(reader.fieldnames):
                    raise DatasetError(
                        f"{table} has no column of {kind}; it has {', '.join(reader.fieldnames)[:200] or 'none'}",
                        fix=f"call it one of {', '.join(known)}, in a first line of names",
                    )
            for cells in reader:
                yield reader.line_num, {str(name): cell for name, cell in cells.items()}
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise DatasetError(
            f"{table} cannot be read as a table ({type(error).__name__}: {error})", fix="save it again as UTF-8"
        ) from None


def _row_in(line: str) -> dict[str, object]:
    """The JSON object of a line; {} for anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return {str(name).lower(): cell for name, cell in row.items()} if isinstance(row, dict) else {}


# shards


def _in_shard(name: str, path: str, suffixes: tuple[str, ...], is_ours: Wanted) -> Iterator[Pair | LeftOut]:
    """The pairs of a shard up to where it is damaged, if it is."""
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as shard:  # not packed: nothing grows
            for stem, members in groupby(_members(shard), lambda member: os.path.splitext(member.name)[0]):
                together = list(members)
                pictures = [member for member in together if member.name.lower().endswith(suffixes)]
                captions = [
                    each for suffix in _CAPTION_SUFFIXES for each in together if each.name.lower().endswith(suffix)
                ]
                if (pictures or captions) and is_ours(f"{name}/{stem}"):
                    yield _pair_of(f"{name}/{stem}", path, pictures, captions)
            file.seek(shard.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile takes a damaged header for the end
                yield LeftOut(f"{name} from byte {shard.offset:,} on", "is damaged")
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        yield LeftOut(f"{name}, the rest of it", f"cannot be read ({type(error).__name__}: {error})")


def _members(shard: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The regular files."""
    while (member := shard.next()) is not None:
        shard.members.clear()  # type: ignore[attr-defined]  # it remembers all
        if member.isreg() and not member.issparse():
            yield member


def _pair_of(
    name: str, path: str, pictures: Sequence[tarfile.TarInfo], captions: Sequence[tarfile.TarInfo]
) -> Pair | LeftOut:
    if not pictures or not captions:
        missing = "caption (.txt or .json)" if pictures else "picture"
        return LeftOut(name, f"has no {missing} next to it in its shard")
    picture, caption = pictures[0], captions[0]
    if picture.size > LARGEST_PICTURE:
        return LeftOut(name, f"has a picture of {picture.size:,} bytes, more than {LARGEST_PICTURE:,}")
    return _captioned(
        name,
        Stored(path, picture.offset_data, picture.size),
        Stored(path, caption.offset_data, caption.size),
        os.path.splitext(caption.name)[1].lower(),
    )


def _shuffled(found: Iterator[Pair | LeftOut], draw: random.Random) -> Iterator[Pair | LeftOut]:
    """The same in another order: each is drawn from `SHUFFLED_TOGETHER` neighbours."""
    waiting: list[Pair | LeftOut] = []
    for each in found:
        if len(waiting) < SHUFFLED_TOGETHER:
            waiting.append(each)
            continue
        at = draw.randrange(len(waiting))
        yield waiting[at]
        waiting[at] = each
    draw.shuffle(waiting)
    yield from waiting

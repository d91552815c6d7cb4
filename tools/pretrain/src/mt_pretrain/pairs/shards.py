"""Pairs in the shards of a web-dataset: tar files whose members of a pair share a stem.

Only the headers of a shard are walked; nothing in it is run, unpickled or unpacked.
"""

from __future__ import annotations

import os
import random
import tarfile
from collections.abc import Iterator, Sequence
from itertools import groupby

from mt_pretrain.pairs.pair import CAPTION_SUFFIXES, ByteRange, Pair, Pairs, Skipped, Wanted, read_pair

LARGEST_PICTURE = 1 << 26
"""Bytes; larger members are skipped unread."""

SHUFFLE_BUFFER = 10_000
"""Pairs that wait in memory, as references, for one of them to be drawn."""

_SHARDS_A_PART = 8  # from so many on, whole shards make parts of nearly one size


class ShardedPairs(Pairs):
    """Pairs in the shards of a web-dataset.

    In an order of its own each time, the shards are shuffled, and pairs within `SHUFFLE_BUFFER`. Parts are whole
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
    ) -> Iterator[Pair | Skipped]:
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
    ) -> Iterator[Pair | Skipped]:
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
        assert isinstance(last.picture, ByteRange)
        sizes = {path: os.path.getsize(path) for _, path in self.shards}
        before = list(sizes)[: list(sizes).index(last.picture.path)]
        passed = sum(sizes[path] for path in before) + last.picture.start + last.picture.size
        return max(seen, seen * sum(sizes.values()) // passed)


def _in_shard(name: str, path: str, suffixes: tuple[str, ...], is_ours: Wanted) -> Iterator[Pair | Skipped]:
    """The pairs of a shard up to where it is damaged, if it is."""
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as shard:  # not packed: nothing grows
            for stem, members in groupby(_members(shard), lambda member: os.path.splitext(member.name)[0]):
                together = list(members)
                pictures = [member for member in together if member.name.lower().endswith(suffixes)]
                captions = [
                    each for suffix in CAPTION_SUFFIXES for each in together if each.name.lower().endswith(suffix)
                ]
                if (pictures or captions) and is_ours(f"{name}/{stem}"):
                    yield _pair_of(f"{name}/{stem}", path, pictures, captions)
            file.seek(shard.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile takes a damaged header for the end
                yield Skipped(f"{name} from byte {shard.offset:,} on", "is damaged")
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        yield Skipped(f"{name}, the rest of it", f"cannot be read ({type(error).__name__}: {error})")


def _members(shard: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The regular files."""
    while (member := shard.next()) is not None:
        shard.members.clear()  # type: ignore[attr-defined]  # it remembers all
        if member.isreg() and not member.issparse():
            yield member


def _pair_of(
    name: str, path: str, pictures: Sequence[tarfile.TarInfo], captions: Sequence[tarfile.TarInfo]
) -> Pair | Skipped:
    if not pictures or not captions:
        missing = "caption (.txt or .json)" if pictures else "picture"
        return Skipped(name, f"has no {missing} next to it in its shard")
    picture, caption = pictures[0], captions[0]
    if picture.size > LARGEST_PICTURE:
        return Skipped(name, f"has a picture of {picture.size:,} bytes, more than {LARGEST_PICTURE:,}")
    return read_pair(
        name,
        ByteRange(path, picture.offset_data, picture.size),
        ByteRange(path, caption.offset_data, caption.size),
        os.path.splitext(caption.name)[1].lower(),
    )


def _shuffled(found: Iterator[Pair | Skipped], draw: random.Random) -> Iterator[Pair | Skipped]:
    """The same in another order: each is drawn from `SHUFFLE_BUFFER` neighbours."""
    waiting: list[Pair | Skipped] = []
    for each in found:
        if len(waiting) < SHUFFLE_BUFFER:
            waiting.append(each)
            continue
        at = draw.randrange(len(waiting))
        yield waiting[at]
        waiting[at] = each
    draw.shuffle(waiting)
    yield from waiting

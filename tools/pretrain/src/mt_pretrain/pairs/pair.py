"""Pairs of a picture and its caption, wherever they lie.

What is passed around is a reference to a picture, which is read when its turn comes, so that order and memory do not
depend on sizes.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mt_core.errors import InputError

LARGEST_CAPTION = 1 << 20
"""Bytes; larger files of captions are skipped unread."""

CAPTION_SUFFIXES = (".txt", ".json")
CAPTION_NAMES = ("caption", "text", "title", "sentence", "description")
"""What a caption is called in a JSON object and in the header of a table."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes that lie within a larger file."""

    path: str
    start: int
    size: int

    def read(self) -> bytes:
        """Those bytes.

        Raises:
            InputError: the file ends before they do, or can no longer be read.
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
    picture: str | ByteRange
    caption: str


class Skipped(NamedTuple):
    """What is no pair: its name, and why."""

    name: str
    reason: str


Wanted = Callable[[str], bool]
"""Whether a pair of this name is wanted, asked before anything of it is read."""


class Pairs(ABC):
    """All pairs under a root, walked through in any number of disjoint parts.

    Attributes:
        root: How they are called in messages.
    """

    root: str

    @abstractmethod
    def walk(
        self, order: str | None = None, part: int = 0, parts: int = 1, wanted: Wanted = lambda name: True
    ) -> Iterator[Pair | Skipped]:
        """The pairs of one part; each pair is in exactly one of the parts of an order.

        Args:
            order: What the order is drawn from; None: as they lie.
        """

    @abstractmethod
    def estimate(self, seen: int, last: Pair) -> int:
        """How many pairs there are, after so many of them as they lie, the last one being this."""


def make_pair(name: str, picture: str | ByteRange, caption: object) -> Pair | Skipped:
    """A pair, unless the caption is none."""
    if not isinstance(caption, str) or not caption.strip():
        return Skipped(name, "has an empty caption")
    if any("\ud800" <= character <= "\udfff" for character in caption):  # JSON can write halves of characters
        return Skipped(name, "has a caption that is no text")
    return Pair(name, picture, " ".join(caption.split()))


def read_pair(name: str, picture: str | ByteRange, stored: ByteRange, suffix: str) -> Pair | Skipped:
    """A pair whose caption is a file, or lies in a shard.

    Args:
        stored: Where the caption lies.
        suffix: One of `CAPTION_SUFFIXES`.
    """
    if stored.size > LARGEST_CAPTION:
        return Skipped(name, f"has a caption of {stored.size:,} bytes, more than {LARGEST_CAPTION:,}")
    try:
        text = stored.read().decode("utf-8-sig")
        return make_pair(name, picture, caption_in(json.loads(text)) if suffix == ".json" else text)
    except InputError as error:
        return Skipped(name, error.problem)
    except (ValueError, RecursionError) as error:  # not UTF-8, no JSON
        return Skipped(name, f"has a caption that cannot be read ({type(error).__name__})")


def caption_in(record: object) -> object:
    """What stands in a JSON object or a row under the first of `CAPTION_NAMES` that has something."""
    if not isinstance(record, dict):
        return None
    return next((record[name] for name in CAPTION_NAMES if record.get(name)), None)

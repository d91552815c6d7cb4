"""Whether a file is still the one that it was when it was embedded."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mt_core.errors import InputError
from mt_core.io.fetching import fetched
from mt_core.io.names import path_of_text
from mt_core.io.notices import Notices, collecting
from mt_core.io.url_listing import SizeAndDate, is_there, sizes_and_dates
from mt_core.io.urls import is_url

_OF_FILES = "files:"


class FileState(NamedTuple):
    """What tells one content of a file from another; of a folder the same over all files in it, and of a file that
    needs others over all of them.

    Attributes:
        size: In bytes; None: there is no such file, because the source is a text for instance.
        modified: Nanoseconds since 1970.
        sha256: Of the content, where it was asked for; of a file alone, or of it and those that belong to it. Where
            such were not asked about their content, "files:" and a hash of their names, sizes and dates.
    """

    size: int | None = None
    modified: int | None = None
    sha256: str | None = None

    def differs(self, now: FileState) -> bool:
        """Whether the file has changed since; one that is gone has not. Content decides, where it is known of both."""
        if now.size is None:
            return False
        if self.sha256 and now.sha256 and self.sha256.startswith(_OF_FILES) == now.sha256.startswith(_OF_FILES):
            return self.sha256 != now.sha256
        return (self.size, self.modified) != (now.size, now.modified)


def states_of(
    paths: Sequence[str], *, with_hash: bool = False, beside: Callable[[str], Sequence[str]] = lambda path: ()
) -> list[FileState]:
    """The states of files now; those at URLs are asked about together.

    Args:
        beside: Gives further files that belong to one; see `Tokenizer.files_beside`.
    """
    with collecting(Notices()):  # what is said of them is said where they are read
        groups = [[path, *(beside(path) if is_url(path) or os.path.isfile(path) else ())] for path in paths]
    urls = [file for group in groups for file in group if is_url(file)]
    known = sizes_and_dates(urls) if urls else {}

    def state(file: str) -> FileState:
        if is_url(file):
            return _state_at_url(file, known.get(file), with_hash)
        return state_of(file, with_hash=with_hash)

    return [_together({file: state(file) for file in group}) for group in groups]


def _together(states: Mapping[str, FileState]) -> FileState:
    """One state for a file and the files that belong to it.

    Args:
        states: Of the file itself, which is the first, and of those that may belong to it. If none of them exists, the
            result is the state of the file itself.
    """
    first = next(iter(states.values()))
    there = {file: state for file, state in states.items() if state.size is not None}
    if first.size is None or len(there) == 1:
        return first
    hashes = [state.sha256 for state in there.values()]
    of_content = None not in hashes
    told = "".join(map(str, hashes)) if of_content else repr(sorted((n, s.size, s.modified) for n, s in there.items()))
    digest = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()
    dates = [state.modified for state in there.values() if state.modified is not None]
    size = sum(state.size or 0 for state in there.values())
    return FileState(size, max(dates, default=None), digest if of_content else _OF_FILES + digest)


def _state_at_url(url: str, known: SizeAndDate | None, with_hash: bool) -> FileState:
    if known is None:
        return FileState()
    if not with_hash:
        return FileState(*known)
    try:
        with fetched(url) as path:
            return FileState(*known, _hash_of(path))
    except InputError:  # which is reported where it is read
        return FileState()


def state_of(path: str | Path, *, with_hash: bool = False) -> FileState:
    """The state of a local file now."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            inside = [(each.st_size, each.st_mtime_ns) for each in _below(path)]
            return FileState(sum(size for size, _ in inside), max((at for _, at in inside), default=status.st_mtime_ns))
        if not stat.S_ISREG(status.st_mode):
            return FileState()
        digest = _hash_of(path) if with_hash else None
    except (OSError, ValueError):  # the latter for a text that no file can be called by
        return FileState()
    return FileState(status.st_size, status.st_mtime_ns, digest)


def _hash_of(path: str | Path) -> str:
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def gone_of(held: Mapping[str, FileState]) -> list[str]:
    """Of sources and their states when they were embedded, those that were a file or a folder and are none any more.
    One at a URL that cannot be asked about counts as there."""
    files = [name for name, before in held.items() if before.size is not None]
    there = {name for name in files if is_url(name) and is_there(name)}
    return [n for n in files if (n not in there if is_url(n) else not os.path.lexists(path_of_text(n)))]


def _below(folder: str | Path) -> Iterator[os.stat_result]:
    for here, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(here, name)
            if os.path.isfile(path):
                yield os.stat(path)

"""Local files that are kept the same at a URL: written here, then put there whole.

What is written by `mt_core.io.atomic` in the folder of a mirror is mirrored, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mt_core.errors import MtError
from mt_core.io.fetching import fetch
from mt_core.io.held_folder import held_folder
from mt_core.io.urls import check_no_secret, file_name, is_web, open_url, reaching, with_tries

_PUT_WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory")
"""Schemes under which a file is there when all of it is, and not before."""

_mirrors: list[_Mirror] = []


@contextmanager
def mirrored(url: str, companions: Sequence[str], error: type[MtError]) -> Iterator[Path]:
    """The path, in a temporary folder, of a local copy of a file at a URL, whether the file exists or not.

    Args:
        companions: Names of files and folders in the same folder that belong to it.
        error: What a failure of the file system becomes.

    Raises:
        MtError: the URL cannot be reached; what is raised within names it in place of the local path.
    """
    check_no_secret(url)
    if is_web(url):
        raise error(f"{url}: a web server takes no files", fix="name a file, or a URL as s3://bucket/vectors.parquet")
    with held_folder() as folder:
        mirror = _Mirror(folder, url.rpartition("/")[0], error)
        for name in (file_name(url), *companions):
            mirror.fetch(name)
        _mirrors.append(mirror)
        try:
            yield folder / file_name(url)
        except MtError as raised:
            raise in_place_of(raised, str(folder), mirror.url) from raised
        finally:
            _mirrors.remove(mirror)


def in_place_of(error: MtError, path: str, url: str) -> MtError:
    """The same error, of a URL where it was of a local copy."""
    renamed = type(error)(error.problem.replace(path, url), error.fix.replace(path, url))
    renamed.source = error.source.replace(path, url)
    return renamed


def put(path: Path) -> None:
    """Copy a file that has been written to where it is mirrored, if it is.

    Raises:
        MtError: it cannot be.
    """
    for mirror in _mirrors:
        if path.is_relative_to(mirror.folder):
            mirror.put(path)


def removed(path: Path) -> None:
    """Remove a file or a folder that is gone from where it was mirrored, if it was.

    Raises:
        MtError: it cannot be.
    """
    for mirror in _mirrors:
        if path.is_relative_to(mirror.folder):
            mirror.remove(path)


class _Mirror:
    def __init__(self, folder: Path, url: str, error: type[MtError]) -> None:
        self.folder, self.url, self.error = folder, url, error
        self.files, self.root = open_url(url)
        self.known: set[str] = set()
        """What is there by this process's doing, or was there when it began."""

    def fetch(self, name: str) -> None:
        """A file, or a folder with all that is in it; nothing where there is none."""
        url, path = f"{self.url}/{name}", f"{self.root}/{name}"
        with reaching(url, self.error):
            self.files.invalidate_cache()
            found = self.files.find(path) if self.files.exists(path) else []
            for each in found:
                below = each[len(self.root) :].lstrip("/")
                near = self.folder / below
                near.parent.mkdir(parents=True, exist_ok=True)
                with_tries(lambda below=below, near=near: fetch(f"{self.url}/{below}", near))  # type: ignore[misc]
                self.known.add(below)

    def put(self, path: Path) -> None:
        below = path.relative_to(self.folder).as_posix()
        url, there = f"{self.url}/{below}", f"{self.root}/{below}"
        with reaching(url, self.error):
            self.files.invalidate_cache()
            if below not in self.known and self.files.exists(there):
                raise self.error(
                    f"{url} was written by another command in the meantime",
                    fix="let that one end, and repeat the command: it adds what is missing",
                )
            with_tries(lambda: self._put(os.fspath(path), there))
        self.known.add(below)

    def _put(self, path: str, there: str) -> None:
        if self.url.startswith(tuple(f"{scheme}://" for scheme in _PUT_WHOLE)):
            self.files.put_file(path, there)
            return
        self.files.makedirs(there.rpartition("/")[0], exist_ok=True)
        self.files.put_file(path, f"{there}.unfinished")
        self.files.mv(f"{there}.unfinished", there)

    def remove(self, path: Path) -> None:
        """What is known below a path; the record of a job first, without which its parts do not count."""
        below = path.relative_to(self.folder).as_posix()
        gone = sorted(name for name in self.known if name == below or name.startswith(f"{below}/"))
        gone.sort(key=lambda name: not name.endswith(".json"))
        with reaching(f"{self.url}/{below}", self.error):
            for name in gone:
                with_tries(lambda name=name: self._remove(name))  # type: ignore[misc]
        self.known.difference_update(gone)

    def _remove(self, name: str) -> None:
        if self.files.exists(f"{self.root}/{name}"):
            self.files.rm_file(f"{self.root}/{name}")

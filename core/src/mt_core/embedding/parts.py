"""What an embedding has done so far: numbered parts, each whole, in a folder beside the file to be.

v.parquet.parts/
  job.json               what is being embedded, by what, and the states of the files
  part-000000.parquet    rows, and in its metadata what could not be read, its notices, and where to go on
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mt_core.embedding.changes import FileState
from mt_core.embedding.output import parts_folder
from mt_core.embedding.vectors import Rows, schema_of, table_of
from mt_core.errors import DataWarning, EmbeddingError, MtWarning
from mt_core.io.atomic import atomic_write, remove
from mt_core.io.notice_files import notice_from, notice_record


class Parts:
    """The parts of one embedding.

    A file that has changed since it was embedded here is embedded again, after all others: `sources` then has it twice,
    and what earlier parts say of it does not count.

    Args:
        out: The file to be.
        identity: What every vector depends on; parts of another identity are refused.
        sources: All sources, in order.
        states: Of their files, now.
        after: The job that made the file which is added to, if there is one.

    Attributes:
        sources, states: In the order in which they are read; complete after `begin`.
        num_changed: Sources that had been embedded here and are embedded again.
    """

    def __init__(
        self,
        out: Path,
        identity: Mapping[str, Any],
        sources: Sequence[str],
        states: Sequence[FileState],
        after: str = "",
    ) -> None:
        self.folder = parts_folder(out)
        self.identity = dict(identity)
        self.sources, self.states = list(sources), list(states)
        self.num_given = len(self.sources)
        self.num_changed = 0
        self._dropped: dict[str, int] = {}  # source: the first part that counts
        names = "\n".join(sources)
        self.job = hashlib.sha256(f"{json.dumps(self.identity, sort_keys=True)}\n{after}\n{names}".encode()).hexdigest()

    def begin(self, extra: Mapping[str, Any]) -> tuple[int, int]:
        """Make the folder, or find what is in it already.

        Args:
            extra: Written into a new job.json as well.

        Returns:
            The source and the row to go on from.

        Raises:
            EmbeddingError: parts of another embedding.
        """
        found = recorded(self.folder)
        if found is not None:
            if found["job"] != self.job:
                differing = [key for key, value in self.identity.items() if found["identity"].get(key) != value]
                raise EmbeddingError(
                    f"{self.folder} holds an unfinished embedding with another "
                    f"{', another '.join(differing) or 'list of sources'}",
                    fix="repeat the command that was interrupted, name another --out, or --overwrite it",
                )
            return self._go_on(found)
        self.remove()  # parts without a record are what is left of a folder that was being removed
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddingError(
                f"{self.folder} cannot be made ({error})", fix="name an --out in a folder that you may write to"
            ) from error
        self._record({"job": self.job, "identity": self.identity, **extra, "dropped": {}, "first": None})
        return (0, 0)

    def _go_on(self, found: dict[str, Any]) -> tuple[int, int]:
        """Where to go on: behind what is done, and with the files that have changed since at the end."""
        now = dict(zip(self.sources, self.states, strict=True))
        self._remove_damaged(found)
        files = self.files()
        first: tuple[int, int] = self._state(files[-1])["next"] if files else (0, 0)
        if found["first"] is not None and found["first"][0] == len(files):
            first = (found["first"][1], 0)
        self.sources += found["again"]
        self.states = [FileState(*state) for state in found["states"]]
        self._dropped = dict(found["dropped"])
        last = {source: index for index, source in enumerate(self.sources)}
        changed = [index for source, index in sorted(last.items()) if self.states[index].differs(now[source])]
        for index in changed:
            source = self.sources[index]
            if (index, 0) >= first:  # not begun
                self.states[index] = now[source]
                continue
            self.sources.append(source)
            self.states.append(now[source])
            self._dropped[source] = len(files)
            self.num_changed += 1
            if index == first[0]:
                first = (index + 1, 0)
        if changed:
            self._record({**found, "dropped": self._dropped, "first": [len(files), first[0]] if not first[1] else None})
        return first

    def _remove_damaged(self, found: Mapping[str, Any]) -> None:
        """Remove a part that is damaged or missing, and those behind it: what they held is embedded again.

        Raises:
            EmbeddingError: files had changed, and what is again to be embedded cannot be told any more.
        """
        files = self.files()
        num_whole = next((number for number, file in enumerate(files) if not _is_whole(file, number)), len(files))
        if num_whole == len(files):
            return
        path = self.folder / _name(num_whole)
        if found["again"] or found["dropped"]:
            raise EmbeddingError(
                f"{path} is damaged or missing",
                fix=f"remove the folder {self.folder} and repeat the command: what it held is embedded again",
            )
        for file in reversed(files[num_whole:]):
            remove(file)
        warn = f"{path} is damaged or missing: what it and the parts behind it held is embedded again"
        warnings.warn(MtWarning(warn), stacklevel=2)

    def _record(self, record: Mapping[str, Any]) -> None:
        again = self.sources[self.num_given :]
        with atomic_write(self.folder / "job.json", EmbeddingError) as unfinished:
            unfinished.write_text(json.dumps({**record, "again": again, "states": self.states}), encoding="utf-8")

    def files(self) -> list[Path]:
        """The whole parts, in order."""
        return sorted(self.folder.glob("part-*.parquet"))

    def rows(self) -> list[Rows]:
        """The whole parts, each with the sources whose rows do not count."""
        return [(file, self._not_of(number)) for number, file in enumerate(self.files())]

    def _not_of(self, number: int) -> frozenset[str]:
        return frozenset(source for source, first in self._dropped.items() if number < first)

    def add(
        self,
        places: Sequence[tuple[int, int]],
        vectors: np.ndarray,
        failed: Sequence[Mapping[str, str]],
        notices: Sequence[DataWarning],
        next_place: tuple[int, int],
    ) -> None:
        """Write one more part, whole or not at all.

        Args:
            places: The source and the row of each vector.
        """
        state = {"next": next_place, "failed": list(failed), "notices": [notice_record(each) for each in notices]}
        schema = schema_of(self.identity["width"], state)
        path = self.folder / _name(len(self.files()))
        fix = "make room on the disk and repeat the command: it goes on"
        sources, rows = [self.sources[source] for source, _ in places], [row for _, row in places]
        states = [self.states[source] for source, _ in places]
        table = table_of(schema, sources, rows, self.identity["modality"], vectors, states)
        with atomic_write(path, EmbeddingError, fix) as unfinished:
            pq.write_table(table, unfinished, write_page_checksum=True)

    def failed(self) -> list[dict[str, str]]:
        """What could not be read, in order."""
        return list(self._told("failed"))

    def notices(self) -> list[DataWarning]:
        """What was left out or reinterpreted, in order; some of it twice where a source was begun again."""
        return [notice_from(record) for record in self._told("notices")]

    def _told(self, what: str) -> Iterator[dict[str, str]]:
        for number, file in enumerate(self.files()):
            not_of = self._not_of(number)
            yield from (record for record in self._state(file)[what] if record["source"] not in not_of)

    def remove(self) -> None:
        remove(self.folder)

    @staticmethod
    def _state(file: Path) -> dict[str, Any]:
        try:
            metadata = pq.read_schema(file).metadata
        except (OSError, pa.ArrowException) as error:
            fix = f"remove the folder {file.parent} and repeat the command: what it held is embedded again"
            raise EmbeddingError(f"{file} cannot be read ({error})", fix=fix) from error
        first, row = json.loads(metadata[b"mt.next"])
        return {
            "next": (first, row),
            "failed": json.loads(metadata[b"mt.failed"]),
            "notices": json.loads(metadata[b"mt.notices"]),
        }


def _name(number: int) -> str:
    """Of a part."""
    return f"part-{number:06d}.parquet"


def _is_whole(file: Path, number: int) -> bool:
    """Whether a part is the one of this number, and all of it can be read as it was written."""
    try:
        for _ in pq.ParquetFile(file, page_checksum_verification=True).iter_batches():
            pass
    except (OSError, pa.ArrowException):
        return False
    return file.name == _name(number)


def recorded(folder: Path) -> dict[str, Any] | None:
    """What the job.json of a folder of parts says, if there is one.

    Raises:
        EmbeddingError: it cannot be read.
    """
    path = folder / "job.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise EmbeddingError(f"{path} cannot be read ({error})", fix="start over with --overwrite") from error

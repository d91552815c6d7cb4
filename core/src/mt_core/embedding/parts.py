"""What an embedding has done so far: numbered parts, each whole, in a folder beside the file to be.

v.parquet.parts/
  job.json               what is being embedded, by what
  part-000000.parquet    rows, and in its metadata what could not be read, what was told of it, and where to go on
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mt_core.embedding.vectors import schema_of, table_of
from mt_core.errors import DataWarning, EmbeddingError
from mt_core.io.atomic import atomic_write
from mt_core.io.notice_files import notice_from, notice_record


class Parts:
    """The parts of one embedding.

    Args:
        out: The file to be.
        identity: What every vector depends on; parts of another identity are refused.
        sources: All sources, in order.
    """

    def __init__(self, out: Path, identity: Mapping[str, Any], sources: Sequence[str]) -> None:
        self.folder = out.with_name(out.name + ".parts")
        self.identity = dict(identity)
        self.sources = sources
        names = "\n".join(sources)
        self.job = hashlib.sha256(f"{json.dumps(self.identity, sort_keys=True)}\n{names}".encode()).hexdigest()

    def recorded_job(self) -> str | None:
        """The job whose parts are in the folder, if there are any."""
        record = self.folder / "job.json"
        return str(json.loads(record.read_text(encoding="utf-8"))["job"]) if record.is_file() else None

    def begin(self) -> tuple[int, int]:
        """Make the folder, or find what is in it already.

        Returns:
            The source and the row to go on from.

        Raises:
            EmbeddingError: parts of another embedding.
        """
        record = self.folder / "job.json"
        if record.is_file():
            found = json.loads(record.read_text(encoding="utf-8"))
            if found["job"] != self.job:
                differing = [key for key, value in self.identity.items() if found["identity"].get(key) != value]
                raise EmbeddingError(
                    f"{self.folder} holds an unfinished embedding with another "
                    f"{', another '.join(differing) or 'list of sources'}",
                    fix="repeat the command that was interrupted, name another --out, or --overwrite it",
                )
        else:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EmbeddingError(
                    f"{self.folder} cannot be made ({error})", fix="name an --out in a folder that you may write to"
                ) from error
            with atomic_write(record, EmbeddingError) as unfinished:
                unfinished.write_text(json.dumps({"job": self.job, "identity": self.identity}), encoding="utf-8")
        files = self.files()
        return self._state(files[-1])["next"] if files else (0, 0)

    def files(self) -> list[Path]:
        """The whole parts, in order."""
        return sorted(self.folder.glob("part-*.parquet"))

    def add(
        self,
        sources: Sequence[str],
        rows: Sequence[int],
        vectors: np.ndarray,
        failed: Sequence[Mapping[str, str]],
        notices: Sequence[DataWarning],
        next_place: tuple[int, int],
    ) -> None:
        """Write one more part, whole or not at all."""
        state = {"next": next_place, "failed": list(failed), "notices": [notice_record(each) for each in notices]}
        schema = schema_of(self.identity["width"], state)
        path = self.folder / f"part-{len(self.files()):06d}.parquet"
        fix = "make room on the disk and repeat the command: it goes on"
        with atomic_write(path, EmbeddingError, fix) as unfinished:
            pq.write_table(table_of(schema, sources, rows, self.identity["modality"], vectors), unfinished)

    def failed(self) -> list[dict[str, str]]:
        """What could not be read, in order."""
        return [failure for file in self.files() for failure in self._state(file)["failed"]]

    def notices(self) -> list[DataWarning]:
        """What was left out or reinterpreted, in order; some of it twice where a source was begun again."""
        return [notice_from(record) for file in self.files() for record in self._state(file)["notices"]]

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _state(file: Path) -> dict[str, Any]:
        try:
            metadata = pq.read_schema(file).metadata
        except (OSError, pa.ArrowException) as error:
            raise EmbeddingError(f"{file} cannot be read ({error})", fix="start over with --overwrite") from error
        first, row = json.loads(metadata[b"mt.next"])
        return {
            "next": (first, row),
            "failed": json.loads(metadata[b"mt.failed"]),
            "notices": json.loads(metadata[b"mt.notices"]),
        }

"""All notices of a run or an embedding in a file: one JSON object a line, with `source`, `kind` and `what`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mt_core.errors import DataWarning, MtError
from mt_core.io.atomic import atomic_write, remove


def notice_record(notice: DataWarning) -> dict[str, str]:
    """As JSON."""
    return {"source": notice.source, "kind": notice.kind, "what": notice.what}


def notice_from(record: dict[str, str]) -> DataWarning:
    """Of what `notice_record` gave."""
    return DataWarning(record["kind"], record["source"], record["what"])


def read_notices(path: Path) -> list[DataWarning]:
    """Those of a file; [] where there is no such file."""
    if not path.is_file():
        return []
    return [notice_from(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def write_notices(path: Path, notices: Iterable[DataWarning], error_class: type[MtError]) -> None:
    """Write them, whole or not at all; where there are none there is no file.

    Raises:
        MtError: of that class: it cannot be written.
    """
    lines = [json.dumps(notice_record(notice)) for notice in notices]
    if not lines:
        remove(path)
        return
    with atomic_write(path, error_class) as unfinished:
        unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
